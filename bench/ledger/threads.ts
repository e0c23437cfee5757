/** The events under gthread: those of every class, and what can happen to one thread of a worker, which is to cost no other. */

import { join } from 'node:path'
import { pathToFileURL } from 'node:url'
import { type Answer, ask } from '../../test/support/client.ts'
import { type Running, root } from '../../test/support/harness.ts'
import { type Layout, type MonocerosEvent, monocerosEvents, nothingDied } from './monoceros.ts'
import type { Permit } from './verdict.ts'

const hooks = pathToFileURL(join(root, 'bench/ledger/connections.js')).href

export const threadLayout = (threads: number): Layout => ({
  subject: 'gthread',
  workers: 2,
  args: ['-k', 'gthread', '--threads', String(threads), '--log-level', 'debug'],
  config: `export { postFork } from ${JSON.stringify(hooks)}\n`,
})

/** Sent as the load sends its own, so that the books tell whose death it was. */
const deadly = (server: Running, path: string): Promise<Answer> =>
  ask({ port: server.port(), path, headers: { 'x-request': path }, timeoutMs: 60_000 })

/** What happens to a thread happens in its worker: no process comes or goes. */
async function inTheSameWorkers<T>(server: Running, act: () => Promise<T>): Promise<T> {
  const before = [...server.workers()]
  const result = await act()
  const after = [...server.workers()]
  if (JSON.stringify(after) !== JSON.stringify(before)) throw new Error(`the workers were ${before.join(' ')} and are ${after.join(' ')}`)
  return result
}

/** Its request is answered with 504 in its place; a thread that has loaded the app comes instead of it. */
async function blockThread(server: Running): Promise<Permit> {
  await inTheSameWorkers(server, async () => {
    const before = server.lines.length
    const answer = await deadly(server, '/block')
    if (answer.status !== 504) throw new Error(`status ${answer.status} for the request that blocked its thread`)
    const killed = await server.until('thread.killed', undefined, { after: before })
    const autopsy = await server.until('thread.autopsy', { pid: killed.pid }, { after: before })
    const requests = autopsy['requests'] as readonly { readonly path: string }[]
    if (requests.length !== 1 || requests[0]?.path !== '/block') throw new Error(`it was at work on ${JSON.stringify(requests)}`)
    // While requests wait, its replacement is started before it is gone.
    await server.until('thread.ready', { pid: killed.pid }, { after: before })
  })
  return nothingDied
}

/** V8 cannot end it: its worker is followed by another one, drained and killed. */
async function blockInNativeCode(server: Running): Promise<Permit> {
  const before = server.lines.length
  const answer = await deadly(server, '/native')
  if (answer.status !== 504) throw new Error(`status ${answer.status} for the request in native code`)
  const condemned = await server.until('thread.condemned', undefined, { after: before })
  await server.until('worker.gone', { childPid: condemned.pid }, { after: before })
  if (server.all('worker.died').length > 0) throw new Error('a worker died')
  return nothingDied
}

/** Thrown when the request that caused it has its answer: whatever else the thread was executing by then goes with it. */
async function throwInThread(server: Running): Promise<Permit> {
  const atMs = Date.now()
  await inTheSameWorkers(server, async () => {
    const before = server.lines.length
    const answer = await deadly(server, '/throw-later')
    if (answer.status !== 200) throw new Error(`status ${answer.status} for the request that was answered before`)
    const died = await server.until('thread.died', undefined, { after: before })
    await server.until('thread.ready', { pid: died.pid }, { after: before })
  })
  return { ...nothingDied, deadly: new Map([['/throw-later', atMs]]) }
}

async function recycleThreads(server: Running, workers: number): Promise<Permit> {
  await inTheSameWorkers(server, async () => {
    await server.untilCount('thread.recycle', 6 * workers)
    await server.untilCount('thread.gone', 4 * workers)
  })
  if (server.all('thread.killed').length + server.all('thread.died').length > 0) throw new Error('a thread was not let finish')
  return nothingDied
}

const ofThreads: readonly MonocerosEvent[] = [
  { name: 'blocked thread, killed by timeout', args: ['--timeout', '2'], happen: blockThread },
  { name: 'thread in native code', args: ['--timeout', '2'], happen: blockInNativeCode },
  { name: 'uncaught exception in a thread', happen: throwInThread },
  { name: 'thread_max_requests', args: ['--thread-max-requests', '100'], happen: recycleThreads },
]

/** A worker's main thread runs nothing of the app: there is no blocked worker. */
const ofWorkers = monocerosEvents.filter(({ name }) => !name.startsWith('blocked worker'))
const isEnd = (event: MonocerosEvent) => event.isEnd === true

export const threadEvents: readonly MonocerosEvent[] = [
  ...ofWorkers.filter((event) => !isEnd(event)),
  ...ofThreads,
  ...ofWorkers.filter(isEnd),
]
