/** `createPool`: the dirty pool alone, as a part of a program. */
import { MonocerosError } from '../../base/errors.ts'
import { nearest } from '../../base/nearest.ts'
import type { UserConfig } from '../../config/define-config.ts'
import type { DirtyProxy } from '../../dirty-client/dirty.ts'
import type { AppCounts } from '../../wire/kinds.ts'
import type { ReloadOutcome } from '../arbiter/arbiter-news.ts'
import type { EmbedLogger } from './logger.ts'
import { type StopOptions, type Supervisor, superviseAs } from './supervisor.ts'

/** What a pool calls the settings of the dirty pool. */
const settingOf = {
  workers: 'dirtyWorkers',
  threads: 'dirtyThreads',
  timeout: 'dirtyTimeout',
  gracefulTimeout: 'dirtyGracefulTimeout',
  cancelGrace: 'dirtyCancelGrace',
  queueMax: 'dirtyQueueMax',
  maxCalls: 'dirtyMaxCalls',
  spares: 'dirtySpares',
  memoryLimit: 'dirtyMemoryLimit',
  threadMemoryLimit: 'dirtyThreadMemoryLimit',
  frameMax: 'dirtyFrameMax',
  nice: 'dirtyNice',
  name: 'procName',
} as const satisfies Record<string, keyof UserConfig>

type Own = keyof typeof settingOf

/** Settings of the server that mean something without HTTP workers. */
const sharedSettings = [
  'bootTimeout',
  'chdir',
  'rawEnv',
  'user',
  'group',
  'loglevel',
  'errorlog',
  'logFormat',
  'dashboard',
  'dashboardToken',
  'dashboardTokenFile',
  'metricsBind',
  'controlSocket',
  'controlSocketMode',
  'flightRecorder',
  'flightRecorderMax',
  'stashEntriesMax',
  'stashBytesMax',
  'statsdHost',
  'statsdPrefix',
  'dogstatsdTags',
  'syslog',
  'onDirtyStarting',
] as const satisfies readonly (keyof UserConfig)[]

type Shared = (typeof sharedSettings)[number]

/** What `createPool` is given: its own options, and settings of the server that mean something without HTTP workers, such as `dashboard`. */
export interface PoolOptions extends Pick<UserConfig, Shared> {
  /** The apps by name, as MODULE:CLASS[:WORKERS]; or a list, as the setting `dirty_apps` has it. Paths are relative to the working directory. */
  readonly apps: Readonly<Record<string, string>> | readonly string[]
  /**
   * `process` (usual): a process tree of its own, where a job may leak, crash and be killed. `thread`: threads of this
   * process, which begin sooner and share its memory limit and its fate; what needs processes is refused.
   */
  readonly isolation?: Isolation | undefined
  /** Processes, from 1; `auto` (usual) is one for each CPU that may be used. With `isolation: 'thread'` so many times `threads` threads. */
  readonly workers?: UserConfig['dirtyWorkers']
  /** Threads of each app in each process, one call at a time in each; 1 unless its class says otherwise. */
  readonly threads?: UserConfig['dirtyThreads']
  /** Seconds that a call may take from the moment of the call; 300, and 0 is for ever. */
  readonly timeout?: UserConfig['dirtyTimeout']
  /** Seconds that calls under way may take to end when the pool closes; 30. */
  readonly gracefulTimeout?: UserConfig['dirtyGracefulTimeout']
  /** Seconds that a cancelled call may take to heed its signal before its thread is ended; 1. */
  readonly cancelGrace?: UserConfig['dirtyCancelGrace']
  /** How many calls of one app may wait; 10,000. */
  readonly queueMax?: UserConfig['dirtyQueueMax']
  /** A process, or thread, is replaced after this many calls; 0 is never, and 1 gives each call a fresh one. */
  readonly maxCalls?: UserConfig['dirtyMaxCalls']
  /** Processes beyond `workers` that stand by with their apps loaded, and take the place of one that leaves; 0. */
  readonly spares?: UserConfig['dirtySpares']
  /** MiB of resident memory; a process with more is replaced when its calls are over. 0 is no limit. */
  readonly memoryLimit?: UserConfig['dirtyMemoryLimit']
  /** MiB to which the heap of a thread may grow before it is ended and replaced alone; 0 is Node's own limit. */
  readonly threadMemoryLimit?: UserConfig['dirtyThreadMemoryLimit']
  /** MiB that the arguments of a call, or one value of its answer, may have; 1,024. */
  readonly frameMax?: UserConfig['dirtyFrameMax']
  /** By how much the pool stands back for others when processors are scarce, from 0 to 19; 0, where the server's pools have 10. */
  readonly nice?: UserConfig['dirtyNice']
  /** What titles and logs call it. */
  readonly name?: UserConfig['procName']
  /** As for `createSupervisor`. */
  readonly logger?: EmbedLogger | undefined
  /** A config file for hooks that run in the pool's processes. */
  readonly config?: string | undefined
  /** As for `createSupervisor`. */
  readonly execPath?: string | undefined
}

/** Where the jobs of a pool run. */
export type Isolation = 'process' | 'thread'

/** A pool that runs, as `createPool` gives it. */
export interface Pool extends AsyncDisposable {
  readonly isolation: Isolation
  /**
   * The actions of one of its apps, as `dirty` of `monoceros/dirty` has them.
   *
   * @param app its name
   */
  dirty<App>(app: string): DirtyProxy<App>
  /** What each app has to do at this moment. */
  counts(): Promise<readonly AppCounts[]>
  /** Takes no more calls, finishes those under way and ends. Settles when nothing of it is left. */
  close(options?: StopOptions): Promise<void>
}

/** A pool of processes. */
export interface ProcessPool extends Pool {
  readonly isolation: 'process'
  /** Its processes: reload, scale, snapshot, events, dashboard. */
  readonly supervisor: PoolSupervisor
}

/** That of a pool of processes: a reload takes options of the pool. */
export interface PoolSupervisor extends Omit<Supervisor, 'reload'> {
  /** Loads the apps again, each process ready before its elder goes; see `Supervisor`. No call is lost. */
  reload(changes?: Partial<Omit<PoolOptions, 'isolation'>>): Promise<ReloadOutcome>
}

/**
 * A pool of processes for heavy jobs, with no HTTP: apps are loaded once and stay, a job that hangs or dies takes nothing
 * with it.
 *
 * @param options `apps`, and settings of the dirty pool under shorter names: `workers` (processes; `auto`), `threads`
 * (of each, 1), `timeout` (s, 300), `maxCalls`, `memoryLimit` (MiB), `queueMax` (calls, 10,000), `nice` (0) ...
 * @returns the pool, when its apps are loaded
 * @throws MonocerosError MON_CONFIG_* for bad options, MON_APP_* and MON_DIRTY_* when an app cannot be loaded
 * @example
 * // service.ts
 * import { createPool } from 'monoceros'
 * import type { ImageApp } from './images.ts'
 *
 * const pool = await createPool({ apps: { images: './images.ts:ImageApp' }, workers: 2 })
 * const images = pool.dirty<ImageApp>('images')
 * const pictures = [new Uint8Array(4096), new Uint8Array(8192)]
 * await Promise.all(pictures.map((pixels) => images.thumbnail(pixels, { widthPx: 32 })))
 * await pool.close()
 */
export function createPool(options: PoolOptions & { readonly isolation?: 'process' | undefined }): Promise<ProcessPool>
export function createPool(options: PoolOptions): Promise<Pool>
export async function createPool(options: PoolOptions): Promise<Pool> {
  const { isolation = 'process' } = options
  if (isolation !== 'process' && isolation !== 'thread') throw invalid('isolation', isolation, 'not known', "'process' or 'thread'")
  const settings = asSettings(Object.fromEntries(Object.entries(options).filter(([name]) => !noSettings.includes(name))))
  try {
    return await (isolation === 'thread' ? openThreads(options, settings) : openProcesses(options, settings))
  } catch (error) {
    throw renamed(error)
  }
}

const noSettings = ['apps', 'isolation', 'logger', 'config', 'execPath']

type Wished = Readonly<Record<string, unknown>>

async function openProcesses({ apps, logger, config, execPath }: PoolOptions, settings: Wished): Promise<ProcessPool> {
  const supervisor = superviseAs({
    source,
    named: (changes) => asSettings(changes),
    options: {
      // What the pool does is what its service is for: it stands back for nothing.
      dirtyNice: 0,
      ...settings,
      workers: 0,
      dirtyApps: appList(apps),
      ...(logger === undefined ? {} : { logger }),
      ...(config === undefined ? {} : { config }),
      ...(execPath === undefined ? {} : { execPath }),
    },
  })
  await supervisor.start()
  const { dirty, dirtyCounts } = await import('../../dirty-client/dirty.ts')
  const socket = supervisor.dirtySocket
  const close = async (how?: StopOptions) => void (await supervisor.stop(how))
  return {
    isolation: 'process',
    supervisor,
    dirty: <App>(app: string) => dirty<App>(app, { socket }),
    counts: () => dirtyCounts({ socket }),
    close,
    [Symbol.asyncDispose]: close,
  }
}

/** Loaded late: most programs want processes. */
async function openThreads(given: PoolOptions, settings: Wished): Promise<Pool> {
  const { createThreadPool } = await import('../pool/create-thread-pool.ts')
  return createThreadPool({ source, given, settings, specs: appList(given.apps) })
}

const source = 'createPool'

const invalid = (setting: string, value: unknown, problem: string, allowed: string) =>
  new MonocerosError('MON_CONFIG_INVALID', { source, setting, value: String(value), problem, allowed })

/** @throws MON_CONFIG_UNKNOWN, MON_CONFIG_INVALID */
function asSettings({ apps, ...rest }: Wished): Record<string, unknown> {
  const entries = Object.entries(rest).map(([name, value]): [string, unknown] => [settingNamed(name), value])
  if (apps !== undefined) entries.push(['dirtyApps', appList(apps as PoolOptions['apps'])])
  return Object.fromEntries(entries)
}

/** @throws MON_CONFIG_UNKNOWN */
function settingNamed(name: string): string {
  if (Object.hasOwn(settingOf, name)) return settingOf[name as Own]
  if ((sharedSettings as readonly string[]).includes(name)) return name
  const meant = nearest(name, [...noSettings, ...Object.keys(settingOf), ...sharedSettings])
  throw new MonocerosError('MON_CONFIG_UNKNOWN', { source, setting: name, hint: meant === undefined ? '' : ` (did you mean ${meant}?)` })
}

/** @throws MON_CONFIG_INVALID */
function appList(apps: PoolOptions['apps']): readonly string[] {
  const list = Array.isArray(apps) ? (apps as readonly string[]) : Object.entries(apps ?? {}).map(([name, spec]) => `${name}=${spec}`)
  if (list.length === 0) throw invalid('apps', JSON.stringify(apps), 'there is none', "such as { images: './images.js:ImageApp' }")
  return list
}

/** What is wrong is told under the name that was given. */
function renamed(error: unknown): unknown {
  if (!(error instanceof MonocerosError)) return error
  const { setting } = error.facts
  const own = setting === 'dirtyApps' ? 'apps' : Object.keys(settingOf).find((name) => settingOf[name as Own] === setting)
  return own === undefined ? error : new MonocerosError(error.code, { ...error.facts, setting: own }, error.cause)
}
