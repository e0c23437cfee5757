import { MonocerosError } from '../base/errors.ts'
import { nearest } from '../base/nearest.ts'
import { type ConfigSources, type ResolvedConfig, resolveConfig, sourceNames } from './chain.ts'
import { readArguments } from './command-line.ts'
import type { Shell } from './completion.ts'

export type Command =
  | { readonly kind: 'help'; readonly text: string }
  | { readonly kind: 'version' }
  | { readonly kind: 'completion'; readonly shell: Shell }
  | { readonly kind: 'serve' | 'print-config' | 'check-config'; readonly config: ResolvedConfig }

export type CommandAnswer =
  | { readonly ok: true; readonly command: Command }
  | { readonly ok: false; readonly error: MonocerosError; readonly exitCode: 1 | 2 }

/**
 * What the user wants, with the whole configuration when it is to serve. `argv` is without node and the script. A bad
 * command line answers exit code 2, any other bad source 1. It reads files and the sources given, and changes nothing.
 */
export async function readCommand(sources: ConfigSources): Promise<CommandAnswer> {
  try {
    return { ok: true, command: await commandOf(sources) }
  } catch (error) {
    if (!(error instanceof MonocerosError)) throw error
    const source = error.facts['source']
    const isUsage = source === sourceNames.commandLine || source === sourceNames.commandArgs
    return { ok: false, error, exitCode: isUsage ? 2 : 1 }
  }
}

async function commandOf(sources: ConfigSources): Promise<Command> {
  const args = readArguments(sources.argv, sourceNames.commandLine)
  const [word] = args.positionals
  if (args.asks === 'help' || word === 'help') return { kind: 'help', text: (await import('./help.ts')).helpText() }
  if (args.asks === 'version' || word === 'version') return { kind: 'version' }
  if (word === 'completion') return { kind: 'completion', shell: await shellOf(args.positionals) }

  const config = await resolveConfig(sources, args)
  if (config.settings.printConfig) return { kind: 'print-config', config }
  if (config.settings.app === null) throw new MonocerosError('MON_APP_MISSING')
  return { kind: config.settings.checkConfig ? 'check-config' : 'serve', config }
}

async function shellOf([, given, ...more]: readonly string[]): Promise<Shell> {
  const { shells } = await import('./completion.ts')
  const shell = shells.find((name) => name === given)
  if (shell !== undefined && more.length === 0) return shell
  const meant = given === undefined ? undefined : nearest(given, shells)
  const hint = shell === undefined && meant !== undefined ? ` (did you mean ${meant}?)` : ''
  const problem = `the form is: monoceros completion ${shells.join('|')}${hint}`
  throw new MonocerosError('MON_CLI_USAGE', { source: sourceNames.commandLine, problem })
}
