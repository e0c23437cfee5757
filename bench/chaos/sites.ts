/** The server that has the dirty pool, and others whose workers are of other classes and call the same pool. */
import { readFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { socketOf, startDirtyShared } from '../../test/support/dirty.ts'
import type { Running } from '../../test/support/harness.ts'

export interface Sites {
  readonly pool: Running
  readonly sync: Running
  readonly gthread: Running
}

export const size = { workers: 2, dirtyWorkers: 2, places: 4, apps: 2 } as const
/** Until the thread of a call that was given up is ended. */
export const cancelGraceMs = 300

const here = (name: string) => readFileSync(new URL(name, import.meta.url), 'utf8')
const files = () => ({
  'app.mjs': here('site.js'),
  'call.mjs': here('call.js'),
  'chaos.mjs': here('app.js'),
  'foreign.mjs': here('foreign.js'),
})
const env = { NODE_OPTIONS: `--require=${fileURLToPath(new URL('block.cjs', import.meta.url))}` }

const ofPool = [
  '-w', String(size.workers), '--dirty-app', './chaos.mjs:ChaosApp', '--dirty-app', 'inner=./chaos.mjs:InnerApp',
  '--dirty-workers', String(size.dirtyWorkers), '--dirty-threads', String(size.places / size.dirtyWorkers), '--timeout', '2',
  '--graceful-timeout', '3', '--dirty-graceful-timeout', '3', '--dirty-timeout', '20', '--dirty-cancel-grace', String(cancelGraceMs / 1_000),
  '--dirty-nice', '0', '--log-level', 'debug',
] // biome-ignore format: one line for each option would say no more
/** A request is in their hands for as long as its call takes. */
const ofSides = ['-w', '1', '--timeout', '25', '--graceful-timeout', '3']

/** @throws when one of them does not get ready; all of them have been closed then */
export async function startSites(): Promise<{ sites: Sites; close(): Promise<void> }> {
  const started = [startDirtyShared({ args: ofPool, files: files(), env })]
  const close = async () => {
    // First those that call.
    for (const { close } of started.reverse()) await close()
  }
  try {
    const pool = started[0]!.running
    await pool.ready()
    const side = (args: readonly string[]) => {
      const one = startDirtyShared({ args: [...ofSides, ...args], files: files(), env: { ...env, CHAOS_SOCKET: socketOf(pool) } })
      started.push(one)
      return one.running
    }
    const sites = { pool, sync: side(['-k', 'sync']), gthread: side(['-k', 'gthread', '--threads', '4']) }
    await Promise.all([sites.sync.ready(), sites.gthread.ready()])
    return { sites, close }
  } catch (error) {
    await close()
    throw error
  }
}
