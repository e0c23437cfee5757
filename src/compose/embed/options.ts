/** What `createSupervisor` is given, as a configuration. */
import { MonocerosError } from '../../base/errors.ts'
import type { ResolvedConfig } from '../../config/chain.ts'
import type { UserConfig } from '../../config/define-config.ts'
import type { EmbedLogger } from './logger.ts'

/** Every setting of a config file, in its spelling there, the hooks of the arbiter, and: */
export interface SupervisorOptions extends Omit<UserConfig, 'app'> {
  /** The app, as MODULE[:EXPORT]; a path is relative to the working directory. Not needed when `workers` is 0. */
  readonly app?: string | URL | undefined
  /** A config file, for what a call cannot give: hooks that run in workers. Options win over it. */
  readonly config?: string | undefined
  /** Where the lines of all processes go, and what their apps print; a pino instance, or what looks like one. Without it nothing is printed. */
  readonly logger?: EmbedLogger | undefined
  /** Path of the Node that runs the workers; that of this process, unless it is an application in which Node is built in. */
  readonly execPath?: string | undefined
}

export interface OptionsOf {
  /** How messages name the call. */
  readonly source: string
  readonly options: SupervisorOptions
  /** What is given for a reload, in the names of options. */
  named?(changes: Readonly<Record<string, unknown>>): SupervisorOptions
}

/** @throws MON_CONFIG_*, MON_APP_MISSING, MON_APP_NOT_FOUND */
export async function resolveOptions({ source, options }: OptionsOf, cwd: string, fresh: boolean): Promise<ResolvedConfig> {
  const { app, config, logger, execPath: _, ...settings } = options
  const [{ resolveEmbedded }, { appProblem }, { levelOf }] = await Promise.all([
    import('../../config/chain.ts'),
    import('../app-problem.ts'),
    import('./logger.ts'),
  ])
  const entries: [string, unknown][] = Object.entries(settings)
  if (app !== undefined) entries.push(['app', typeof app === 'string' ? app : app.href])
  if (logger === undefined) refuseUnheard(source, settings)
  else {
    refuseNoLogger(source, logger)
    refuseBesideLogger(source, settings)
    if (settings.loglevel === undefined) entries.push(['loglevel', levelOf(logger)])
    // How lines travel from the workers to here.
    entries.push(['errorlog', '-'], ['logFormat', 'json'])
  }
  const resolved = await resolveEmbedded({ options: entries, source, file: config ?? null, cwd, fresh })
  if (resolved.settings.workers === 0 && resolved.settings.app === null) return resolved
  if (resolved.settings.app === null) throw new MonocerosError('MON_APP_MISSING')
  const problem = await appProblem(resolved.settings)
  if (problem !== null) throw problem
  return resolved
}

/** Found out now, and not by the first line that is lost. */
function refuseNoLogger(source: string, logger: EmbedLogger): void {
  const missing = (['debug', 'info', 'warn', 'error'] as const).filter((name) => typeof logger?.[name] !== 'function')
  if (missing.length === 0) return
  const problem = `it has no ${missing.join(', ')}`
  const allowed = 'a pino logger, or what has debug, info, warn and error'
  throw new MonocerosError('MON_CONFIG_INVALID', { source, setting: 'logger', value: typeof logger, problem, allowed })
}

/** Nothing is printed here. */
function refuseUnheard(source: string, { accesslog, errorlog }: UserConfig): void {
  if (accesslog !== '-' || errorlog === '-') return
  const problem = "accesslog '-' would go nowhere: give it a file, a logger beside it, or errorlog '-' for both"
  throw new MonocerosError('MON_CONFIG_CONFLICT', { source, problem })
}

function refuseBesideLogger(source: string, settings: UserConfig): void {
  const name = (['errorlog', 'logFormat'] as const).find((one) => settings[one] !== undefined)
  if (name === undefined) return
  const problem = `${name} and logger contradict each other: with a logger every line of the error log goes there`
  throw new MonocerosError('MON_CONFIG_CONFLICT', { source, problem })
}
