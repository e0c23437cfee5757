/** What the command line asks for, done: help, checks, or the arbiter. */
import { readFileSync } from 'node:fs'
import { MonocerosError, stackOf } from '../../base/errors.ts'
import { exitCodes } from '../../base/exit-codes.ts'
import { completionScript } from '../../config/completion.ts'
import { printConfig } from '../../config/print-config.ts'
import { readCommand } from '../../config/read-command.ts'
import type { Signal } from '../../os/signals.ts'
import { appProblem } from '../app-problem.ts'
import { runArbiter } from '../arbiter/arbiter.ts'

export interface CliEntry {
  readonly argv: readonly string[]
  readonly workerPath: string
  readonly dirtyPath: string
  readonly probeUrl: URL
  readonly packageUrl: URL
  onSignal(listener: (signal: Signal) => void): void
}

/** @returns the exit code of the process */
export async function runCli(entry: CliEntry): Promise<number> {
  if (process.platform === 'win32') return refuse(new MonocerosError('MON_PLATFORM', { platform: process.platform }))
  const cwd = process.cwd()
  const sources = { argv: entry.argv, env: { ...process.env }, cwd }
  const answer = await readCommand(sources)
  if (!answer.ok) return refuse(answer.error, answer.exitCode)
  const { command } = answer
  const version = (JSON.parse(readFileSync(entry.packageUrl, 'utf8')) as { version: string }).version
  switch (command.kind) {
    case 'help':
      return print(command.text)
    case 'version':
      return print(`monoceros (version ${version})`)
    case 'completion':
      return print(completionScript(command.shell))
    case 'print-config':
      return print(printConfig(command.config))
    case 'check-config':
    case 'serve':
      break
  }
  const missing = await appProblem(command.config.settings)
  if (missing !== null) return refuse(missing, command.kind === 'serve' ? missing.exitCode : exitCodes.failed.code)
  if (command.config.settings.sidecars.length > 0) {
    const { sidecarProblem } = await import('../sidecar-problem.ts')
    const problem = sidecarProblem(command.config.settings)
    if (problem !== null) return refuse(problem)
  }
  if (command.kind === 'check-config') {
    // Late: only this needs what imports an app, and the arbiter's memory is counted.
    const { checkApp } = await import('./check-app.ts')
    const checked = await checkApp(command.config.settings, (error) => refuse(error))
    return checked.ok ? print(checked.text) : refuse(checked.error, exitCodes.failed.code)
  }
  try {
    return await runArbiter(command.config, {
      workerPath: entry.workerPath,
      dirtyPath: entry.dirtyPath,
      probeUrl: entry.probeUrl,
      version,
      onSignal: entry.onSignal,
      async readConfig() {
        const next = await readCommand({ ...sources, fresh: true })
        if (!next.ok) throw next.error
        if (next.command.kind !== 'serve')
          throw new MonocerosError('MON_CLI_USAGE', {
            source: 'reload',
            problem: 'the configuration asks for something else than to serve',
          })
        return next.command.config
      },
    })
  } catch (error) {
    if (error instanceof MonocerosError) return refuse(error)
    throw error
  }
}

function print(text: string): number {
  process.stdout.write(text.endsWith('\n') ? text : `${text}\n`)
  return 0
}

/** One line of what is wrong and one of what to do; the app's own stack only when it is the app that failed. */
function refuse(error: MonocerosError, exitCode = error.exitCode): number {
  const stack = error.code.startsWith('MON_APP') ? stackOf(error.cause) : undefined
  process.stderr.write(`monoceros: ${error.message}\nmonoceros: ${error.advice}\n${stack === undefined ? '' : `${stack}\n`}`)
  return exitCode
}
