/** monocerosctl, from its command line to its exit code. */
import { existsSync, readFileSync } from 'node:fs'
import { MonocerosError } from '../../base/errors.ts'
import { controlSocketPath } from '../socket-path.ts'
import { readCtlArguments } from './ctl-arguments.ts'
import { ctlHelp } from './help.ts'
import { runInteractive } from './interactive.ts'
import { type ExitCode, Line, runCommand, type Session } from './session.ts'
import { painter } from './table.ts'

/** @returns the exit code of the process */
export async function runCtl(argv: readonly string[]): Promise<ExitCode> {
  // `| head` has what it wants.
  process.stdout.on('error', () => process.exit(0))
  const complain = (text: string) => process.stderr.write(`${text.replace(/^/gm, 'monocerosctl: ')}\n`)
  try {
    const { socket, isJson, asks, words } = readCtlArguments(argv)
    if (asks === 'help') return await print(ctlHelp().trimEnd())
    if (asks === 'version') return await print(`monocerosctl (monoceros ${version()})`)
    const isTerminal = process.stdout.isTTY === true
    const base = {
      path: controlSocketPath(socket, process.cwd(), process.env),
      isJson,
      paint: painter(isTerminal && !process.env['NO_COLOR']),
      isScreen: isTerminal,
      print: (text: string) => void process.stdout.write(`${text}\n`),
      complain,
    }
    if (words === null) return await flushed(await runInteractive(base))
    const session: Session = { ...base, interrupted: () => new Promise((resolve) => process.once('SIGINT', () => resolve())) }
    const line = new Line(session.path)
    const exitCode = await runCommand(words, line, session)
    line.close()
    return await flushed(exitCode)
  } catch (error) {
    if (!(error instanceof MonocerosError)) throw error
    complain(`${error.message}\n${error.advice}`)
    return error.exitCode === 2 ? 2 : 1
  }
}

async function print(text: string): Promise<ExitCode> {
  process.stdout.write(`${text}\n`)
  return flushed(0)
}

/** The process is ended by exit(), which does not wait for a pipe. */
function flushed(exitCode: ExitCode): Promise<ExitCode> {
  return new Promise((resolve) => process.stdout.write('', () => resolve(exitCode)))
}

/** Of the package that this file is part of, wherever it was built to. */
function version(): string {
  for (let folder = new URL('.', import.meta.url); folder.pathname !== '/'; folder = new URL('..', folder)) {
    const path = new URL('package.json', folder)
    if (existsSync(path)) return (JSON.parse(readFileSync(path, 'utf8')) as { version: string }).version
  }
  return 'unknown'
}
