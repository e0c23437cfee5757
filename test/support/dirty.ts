/** What tests of dirty apps have in common: how an app finds `monoceros/dirty`, and how the test itself calls one. */
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { pathToFileURL } from 'node:url'
import { distPath, type LogLine, type Running, type StartOptions, start, startShared } from './harness.ts'
import { saying } from './programs.ts'

export type DirtyDoor = typeof import('../../src/dirty.ts')

/** The build under test, as any Node process has it that is no worker. */
export const door = (await import(/* @vite-ignore */ pathToFileURL(join(distPath, 'src/dirty.js')).href)) as DirtyDoor

/** A package of that name in the app's own node_modules, which leads to the build under test. */
export const packageFiles = {
  'node_modules/monoceros/package.json': JSON.stringify({
    name: 'monoceros',
    type: 'module',
    exports: { '.': './index.js', './dirty': './dirty.js' },
  }),
  'node_modules/monoceros/index.js': `export * from ${JSON.stringify(pathToFileURL(join(distPath, 'src/index.js')).href)}\n`,
  'node_modules/monoceros/dirty.js': `export * from ${JSON.stringify(pathToFileURL(join(distPath, 'src/dirty.js')).href)}\n`,
}

export interface DirtyStart extends Partial<StartOptions> {
  /** Beside `app.mjs`, one worker (unless it says `-w`) and an address. */
  readonly args?: readonly string[]
}

const withDefaults = ({ args = [], files = {}, ...rest }: DirtyStart): StartOptions => ({
  ...rest,
  args: ['app.mjs', ...(args.includes('-w') ? [] : ['-w', '1']), '-b', '127.0.0.1:0', ...args],
  files: { 'app.mjs': saying('here'), ...packageFiles, ...files },
})

export const startDirty = (options: DirtyStart): Running => start(withDefaults(options))
export const startDirtyShared = (options: DirtyStart) => startShared(withDefaults(options))

/** Where the pool of a server is called: what its workers have in their environment. */
export function socketOf(server: Running): string {
  for (const pid of server.workers().values()) {
    const text = readFileSync(`/proc/${pid}/environ`, 'latin1')
    const found = /(?:^|\0)MONOCEROS_DIRTY_SOCKET=([^\0]*)/.exec(text)?.[1]
    if (found !== undefined) return found
  }
  throw new Error('no worker of it knows a dirty pool')
}

// biome-ignore lint/suspicious/noExplicitAny: an app that a test has written as text has no type
export const appOf = (server: Running, name: string): any => door.dirty(name, { socket: socketOf(server) })

export const dirtyArbiterPid = (server: Running): number => server.all('dirty.booting').at(-1)?.childPid as number

/** Pids of the dirty workers that are ready now, by slot. */
export function dirtyWorkers(server: Running): Map<number, number> {
  const ready = new Map<number, number>()
  for (const line of server.lines) {
    if (line.role !== 'dirty-arbiter' || line.slot === undefined || line.childPid === undefined) continue
    if (line.event === 'worker.ready') ready.set(line.slot, line.childPid)
    else if (['worker.gone', 'worker.died', 'worker.draining'].includes(line.event) && ready.get(line.slot) === line.childPid)
      ready.delete(line.slot)
  }
  return ready
}

export const ofDirty = (event: string) => (line: LogLine) => line.role === 'dirty-arbiter' && line.event === event

/** What a promise was rejected with. */
// biome-ignore lint/suspicious/noExplicitAny: tests look at what they expect there
export async function failure(call: PromiseLike<unknown>): Promise<any> {
  try {
    await call
  } catch (error) {
    return error
  }
  throw new Error('it did not fail')
}

export async function collect<T>(source: AsyncIterable<T>): Promise<T[]> {
  const all: T[] = []
  for await (const one of source) all.push(one)
  return all
}
