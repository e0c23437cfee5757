/** The chain of sources, the later ones winning over the earlier ones, setting by setting. */
import { resolve } from 'node:path'
import { MonocerosError } from '../base/errors.ts'
import { type Arguments, readArguments } from './command-line.ts'
import type { Entries } from './entries.ts'
import { defaultLayer, environmentLayer } from './environment.ts'
import { fileLayer } from './file-layer.ts'
import { findConfigFile, findPackageSettings } from './find-file.ts'
import type { HookName, Hooks } from './hook-types.ts'
import { type Given, invalid, type Layer, layerOf, type Placed } from './layer.ts'
import { type LoadedFile, loadFile } from './load-file.ts'
import { isHook } from './row.ts'
import { type SettingName, type Settings, settings, valueRows } from './settings.ts'
import { settleJobs } from './settle-jobs.ts'
import { settleThreads } from './settle-threads.ts'
import { shellSplit } from './shell-split.ts'

export interface ConfigSources {
  readonly argv: readonly string[]
  readonly env: NodeJS.ProcessEnv
  readonly cwd: string
  /** Read a config file again with all that it imports, as a reload must. */
  readonly fresh?: boolean
}

export interface ResolvedConfig {
  readonly settings: Settings
  /** Where each value comes from: `default`, `PORT`, `MONOCEROS_WORKERS`, `package.json`, `./monoceros.config.ts`, ... */
  readonly origins: Readonly<Record<SettingName, string>>
  readonly hooks: Hooks
  readonly file: { readonly path: string; readonly sha256: string } | null
  /** False when `bind` is a default: then a program that calls listen() itself decides. */
  readonly isBindGiven: boolean
}

export const sourceNames = { commandLine: 'command line', commandArgs: 'MONOCEROS_CMD_ARGS', packageJson: 'package.json' } as const

/**
 * Joins all sources.
 *
 * @throws MonocerosError MON_CONFIG_*, MON_CLI_*
 */
export async function resolveConfig(sources: ConfigSources, args: Arguments): Promise<ResolvedConfig> {
  const { env, cwd } = sources
  const commandLine = layerOf([...args.givens, ...appOf(args)])
  const commandArgs = commandArgsLayer(env[sourceNames.commandArgs] ?? '')
  const environment = environmentLayer(env)

  const loaded = await configFile([commandLine, commandArgs, environment], sources)
  const file = loaded === null ? emptyLayer : fileLayer(loaded.entries, loaded.label)
  const known = [environment, file, commandArgs, commandLine]
  const folder = resolve(cwd, (lastOf(known, 'chdir')?.value as string | undefined) ?? '.')
  const found = await findPackageSettings((lastOf(known, 'app')?.value as string | undefined) ?? null, folder, cwd)
  const packageJson = found === null ? emptyLayer : fileLayer(found, sourceNames.packageJson)

  return settled(merge([environment, packageJson, file, commandArgs, commandLine]), env, cwd, loaded)
}

export interface EmbeddedSources {
  /** What a program gives: names of settings and of hooks of the arbiter, with their values. */
  readonly options: Entries
  /** How messages name that program's call. */
  readonly source: string
  /** A config file beside them; what is given in the call wins over it. */
  readonly file: string | null
  readonly cwd: string
  readonly fresh: boolean
}

/**
 * The same for a server inside a program: the environment and package.json are the program's own affair and not asked, and
 * there is a control socket only where a path is given for it.
 *
 * @throws MonocerosError MON_CONFIG_*
 */
export async function resolveEmbedded({ options, source, file: path, cwd, fresh }: EmbeddedSources): Promise<ResolvedConfig> {
  const own = fileLayer(options, source)
  const loaded = path === null ? null : await loadFile(resolve(cwd, path), { cwd, fresh })
  const file = loaded === null ? emptyLayer : fileLayer(loaded.entries, loaded.label)
  refuseForeignHooks(own, source)
  const given = merge([file, own])
  const isControlled = ['controlSocket', 'controlSocketDisable'].some((name) => given.has(name))
  const quiet: Layer = isControlled ? emptyLayer : new Map([['controlSocketDisable', { value: true, source }]])
  return settled(merge([quiet, given]), {}, cwd, loaded)
}

/** A function crosses no border of processes: what runs in a worker is loaded there, from a file. */
function refuseForeignHooks(own: Layer, source: string): void {
  const row = settings.find((one) => isHook(one) && one.process !== 'arbiter' && own.has(one.name))
  if (row === undefined) return
  const problem = `the hook ${row.name} runs in another process, which a function of this one cannot reach; export it from a config file and name that as \`config\``
  throw new MonocerosError('MON_CONFIG_CONFLICT', { source, problem })
}

function settled(given: Layer, env: NodeJS.ProcessEnv, cwd: string, loaded: LoadedFile | null): ResolvedConfig {
  const all = merge([defaultLayer(env, given), given])
  check(all, cwd)
  return resolved(settleJobs(settleThreads(all)), cwd, loaded)
}

const emptyLayer: Layer = new Map()

function merge(layers: readonly Layer[]): Layer {
  return new Map(layers.flatMap((layer) => [...layer]))
}

function lastOf(layers: readonly Layer[], name: string): Placed | undefined {
  return layers.findLast((layer) => layer.has(name))?.get(name)
}

function appOf({ positionals }: Arguments): Given[] {
  const [app, second] = positionals
  const source = sourceNames.commandLine
  if (second !== undefined) {
    throw new MonocerosError('MON_CLI_USAGE', { source, problem: `only one app can be given, and there are ${positionals.join(', ')}` })
  }
  const row = valueRows.find(({ name }) => name === 'app')
  return app === undefined || row === undefined ? [] : [{ row, spelled: 'the app', input: app, source }]
}

function commandArgsLayer(line: string): Layer {
  const source = sourceNames.commandArgs
  const { givens, positionals, asks } = readArguments(shellSplit(line, source), source)
  const fail = (problem: string) => new MonocerosError('MON_CLI_USAGE', { source, problem })
  if (asks !== null) throw fail(`--${asks} can stand only on the command line`)
  if (positionals[0] !== undefined) throw fail(`only options can stand here, and there is ${positionals[0]}; set MONOCEROS_APP for the app`)
  return layerOf(givens)
}

/** The file that is named, else the one in the folder; that it is named twice over is settled by the order of the chain. */
async function configFile(namers: readonly Layer[], { cwd, fresh }: ConfigSources): Promise<LoadedFile | null> {
  const named = namers.find((layer) => layer.has('config'))?.get('config')
  const path = named === undefined ? await findConfigFile(cwd) : resolve(cwd, named.value as string)
  return path === null ? null : loadFile(path, { cwd, fresh: fresh === true })
}

function check(all: Layer, cwd: string): void {
  for (const row of valueRows) {
    const placed = all.get(row.name)
    const problem = placed === undefined || placed.value === null ? null : (row.check?.(placed.value as never, { cwd }) ?? null)
    if (problem !== null) throw invalid(row, placed?.value, placed?.source ?? '', problem, row.type.allowed)
  }
}

function resolved(all: Layer, cwd: string, file: LoadedFile | null): ResolvedConfig {
  const values: Record<string, unknown> = {}
  const hooks: Record<string, unknown> = {}
  const origins: Record<string, string> = {}
  for (const row of settings) {
    const placed = all.get(row.name)
    origins[row.name] = placed?.source ?? 'default'
    if (!isHook(row)) values[row.name] = placed?.value
    else if (placed !== undefined) hooks[row.name] = placed.value
  }
  values['chdir'] = resolve(cwd, String(values['chdir']))
  return {
    settings: values as Settings,
    origins: origins as Record<SettingName | HookName, string>,
    hooks: hooks as Hooks,
    file: file === null ? null : { path: file.path, sha256: file.sha256 },
    isBindGiven: !['default', 'PORT'].includes(origins['bind'] ?? ''),
  }
}
