/** `createPool` with `isolation: 'thread'`: what it is given, checked, and the pool as the program has it. */
import { fileURLToPath } from 'node:url'
import { nameDirtyApps, parseDirtySpec } from '../../base/dirty-spec.ts'
import { MonocerosError } from '../../base/errors.ts'
import type { Settings } from '../../config/settings.ts'
import { dirty, dirtyCounts } from '../../dirty-client/dirty.ts'
import { createErrorLog, createHeardLog, type Log } from '../../log/error-log.ts'
import type { Pool, PoolOptions } from '../embed/create-pool.ts'
import { findImages } from '../embed/images.ts'
import { type EmbedLogger, tellRecord } from '../embed/logger.ts'
import { resolveOptions } from '../embed/options.ts'
import type { StopOptions } from '../embed/supervisor.ts'
import { openThreadPool } from './thread-pool.ts'

export interface ThreadPoolOrder {
  readonly source: string
  /** As they were given. */
  readonly given: PoolOptions
  /** The same as settings of the server. */
  readonly settings: Readonly<Record<string, unknown>>
  readonly specs: readonly string[]
}

/** Options that mean the same in a thread; the rest is of processes. */
const ofThreads = new Set([
  ...['apps', 'isolation', 'workers', 'threads', 'timeout', 'gracefulTimeout', 'cancelGrace', 'queueMax', 'maxCalls', 'frameMax'],
  ...['threadMemoryLimit', 'bootTimeout', 'stashEntriesMax', 'stashBytesMax', 'logger', 'loglevel', 'errorlog', 'logFormat'],
])

/** @throws MON_CONFIG_*, MON_APP_*, MON_DIRTY_*, MON_BOOT_FAILED, MON_EMBED_BUNDLED */
export async function createThreadPool({ source, given, settings: wished, specs }: ThreadPoolOrder): Promise<Pool> {
  refuseForProcesses(source, given)
  findImages(import.meta.url)
  const { logger } = given
  const options = { ...wished, workers: 0, dirtyApps: specs, ...(logger === undefined ? {} : { logger }) }
  const { settings, origins } = await resolveOptions({ source, options }, process.cwd(), false)
  const pool = await openThreadPool({
    apps: namedApps(settings),
    settings,
    threadPath: fileURLToPath(new URL('../../entry/dirty-thread.js', import.meta.url)),
    log: logOf(settings, logger, origins.errorlog !== 'default'),
  })
  const { socket } = pool
  const close = ({ graceMs }: StopOptions = {}) => pool.close(graceMs ?? null)
  return {
    isolation: 'thread',
    dirty: <App>(app: string) => dirty<App>(app, { socket }),
    counts: () => dirtyCounts({ socket }),
    close,
    [Symbol.asyncDispose]: () => close(),
  }
}

/** What is switched off is no wish. */
function refuseForProcesses(source: string, given: PoolOptions): void {
  const names = Object.entries(given)
    .filter(([name, value]) => !ofThreads.has(name) && value !== undefined && value !== 0 && value !== null)
    .map(([name]) => name)
  if (names.length === 0) return
  const problem = `only a pool of processes can have ${names.join(', ')}: say isolation: 'process', or leave ${names.length === 1 ? 'it' : 'them'} out`
  throw new MonocerosError('MON_CONFIG_CONFLICT', { source, problem })
}

function namedApps({ dirtyApps }: Settings): { name: string; spec: string }[] {
  const parsed = dirtyApps.map(parseDirtySpec).flatMap((answer) => (answer.ok ? [answer.spec] : []))
  return [...nameDirtyApps(parsed)].map(([name, { text }]) => ({ name, spec: text }))
}

function logOf({ errorlog, logFormat, loglevel: level }: Settings, logger: EmbedLogger | undefined, isWished: boolean): Log {
  const who = { role: 'pool' }
  if (logger === undefined && isWished) return createErrorLog({ destination: errorlog, format: logFormat, level, who })
  return createHeardLog({ level, who, tap: { hear: null }, hear: (record) => logger !== undefined && tellRecord(logger, record) })
}
