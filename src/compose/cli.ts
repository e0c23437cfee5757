/** What the command line asks for, done: help, checks, or the arbiter. */
import { readFileSync } from 'node:fs'
import { adopt } from '../app/adopt.ts'
import { findApp } from '../app/find.ts'
import { installListenTrap } from '../app/listen-trap.ts'
import { importApp } from '../app/load.ts'
import { parseAppSpec } from '../app/spec.ts'
import { MonocerosError, problemOf, stackOf } from '../base/errors.ts'
import type { ResolvedConfig } from '../config/chain.ts'
import { completionScript } from '../config/completion.ts'
import { printConfig } from '../config/print-config.ts'
import { readCommand } from '../config/read-command.ts'
import type { Signal } from '../os/signals.ts'
import { runArbiter } from './arbiter.ts'

export interface CliEntry {
  readonly argv: readonly string[]
  readonly workerPath: string
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
      return checkApp(command.config)
    case 'serve':
      break
  }
  try {
    return await runArbiter(command.config, {
      workerPath: entry.workerPath,
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

/** Loads the app as a worker would, but binds nothing. */
async function checkApp({ settings }: ResolvedConfig): Promise<number> {
  try {
    if (settings.chdir !== null) process.chdir(settings.chdir)
    const spec = parseAppSpec(settings.app ?? '')
    if (!spec.ok) throw spec.error
    const found = await findApp(spec.spec.module, process.cwd())
    if (!found.ok) throw found.error
    let hasListened = false
    installListenTrap(() => {
      hasListened = true
    })
    const namespace = await importApp(found.file, { cwd: process.cwd(), spec: settings.app ?? '' })
    const adopted = await adopt(namespace, spec.spec, { file: found.file, onError: () => undefined })
    print(
      adopted.kind === 'none'
        ? `ok: ${settings.app} ${hasListened ? 'listens by itself' : 'exports nothing; it has to call listen()'}`
        : `ok: ${settings.app} (${adopted.kind})`,
    )
    return 0
  } catch (error) {
    refuse(
      error instanceof MonocerosError
        ? error
        : new MonocerosError('MON_APP_IMPORT', { spec: settings.app, problem: problemOf(error) }, error),
    )
    return 1
  }
}

function print(text: string): number {
  process.stdout.write(text.endsWith('\n') ? text : `${text}\n`)
  return 0
}

/** One line of what is wrong and one of what to do; the app's own stack only when it is the app that failed. */
function refuse(error: MonocerosError, exitCode = error.exitCode): number {
  const stack = error.code.startsWith('MON_APP') ? stackOf(error.cause) : undefined
  process.stderr.write(`monoceros: ${error.message}\n${stack === undefined ? '' : `${stack}\n`}monoceros: ${error.advice}\n`)
  return exitCode
}
