import { expect, test } from 'vitest'
import { appOf, dirtyWorkers, failure, ofDirty, startDirty } from '../support/dirty.ts'
import type { LogLine, Running } from '../support/harness.ts'

const apps = `
import { threadId } from 'node:worker_threads'
import { DirtyApp, dirty } from 'monoceros/dirty'
let calls = 0
export class FreshApp extends DirtyApp {
  where() { return { pid: process.pid, calls: ++calls } }
  async nested(depth) { return [process.pid, ...(depth > 0 ? await dirty('fresh').nested(depth - 1) : [])] }
  async other() { return [process.pid, await dirty('other').where()] }
  die() { process.kill(process.pid, 'SIGKILL') }
  async hold() { await new Promise((resolve) => this.signal.addEventListener('abort', resolve)) }
  spin() { for (;;); }
  async *count(to) { for (let at = 1; at <= to; at++) yield [process.pid, at] }
}
export class OtherApp extends FreshApp {}
`

/** More of them make the same tests a soak. */
const callsMax = Number(process.env['MONOCEROS_FRESH_CALLS'] ?? 12)

interface Where {
  readonly pid: number
  readonly calls: number
}

const begin = (...args: string[]) =>
  startDirty({
    args: ['--dirty-app', 'fresh=./apps.mjs:FreshApp', '--dirty-max-calls', '1', '--dirty-cancel-grace', '0.3', ...args],
    files: { 'apps.mjs': apps },
  })

const isOf = (pid: number) => (line: LogLine) => line.role === 'dirty-arbiter' && line.childPid === pid
const spares = (server: Running) => [...dirtyWorkers(server)].filter(([slot]) => slot < 0).map(([, pid]) => pid)

/** What each level of nested calls has wrapped. */
// biome-ignore lint/suspicious/noExplicitAny: an error of an app
const rootOf = (error: any): any => (error.cause === undefined ? error : rootOf(error.cause))

async function callers(count: number, calls: number, call: () => PromiseLike<Where>): Promise<Where[]> {
  const answers: Where[] = []
  let left = calls
  const one = async () => {
    while (left-- > 0) answers.push(await call())
  }
  await Promise.all(Array.from({ length: count }, one))
  return answers
}

test('with one call for each process, no process runs a second, however many callers there are', async () => {
  const server = begin('--dirty-workers', '2', '--dirty-threads', '3', '--dirty-spares', '2', '--dirty-app', 'other=./apps.mjs:OtherApp')
  await server.ready()
  const [fresh, other] = [appOf(server, 'fresh'), appOf(server, 'other')]
  let turn = 0
  const answers = await callers(8, callsMax, () => (turn++ % 2 === 0 ? fresh : other).where())
  expect(answers.map(({ calls }) => calls)).toEqual(answers.map(() => 1))
  expect(new Set(answers.map(({ pid }) => pid)).size).toBe(answers.length)
  expect(server.all('worker.died')).toEqual([])
  expect(server.all('worker.backoff')).toEqual([])
})

test('calls of a fresh process to others have processes of their own, and a ring of them is refused', async () => {
  const server = begin('--dirty-workers', '3', '--dirty-spares', '1', '--dirty-app', 'other=./apps.mjs:OtherApp')
  await server.ready()
  const app = appOf(server, 'fresh')
  const three = await app.nested(2)
  expect(new Set(three).size).toBe(3)
  // Of three processes the fourth call would wait for one that waits for it.
  expect(rootOf(await failure(app.nested(3))).code).toBe('MON_DIRTY_DEADLOCK')
  const [pid, { pid: otherPid, calls }] = await app.other()
  expect(calls).toBe(1)
  expect(otherPid).not.toBe(pid)
})

test('a spare that was ready before the call takes the place of the one that ran the last', async () => {
  const server = begin('--dirty-workers', '1', '--dirty-spares', '1')
  await server.ready()
  const app = appOf(server, 'fresh')
  const first = await server.until('worker.ready', (line) => ofDirty('worker.ready')(line) && line.slot! < 0)
  const { pid } = await app.where()
  const second = await app.where()
  expect(second.pid).toBe(first.childPid)
  await server.until('worker.gone', isOf(pid))
  expect(server.all('worker.promoted').map(({ slot, childPid }) => [slot, childPid])[0]).toEqual([0, second.pid])
  // The one that has it now is behind it, and the next spare was spawned when it was promoted.
  const third = await app.where()
  expect([pid, second.pid]).not.toContain(third.pid)
})

test('a call that streams, is cancelled, spins or kills its process leaves nothing of itself to the next', async () => {
  const server = begin('--dirty-workers', '1', '--dirty-spares', '1')
  await server.ready()
  const app = appOf(server, 'fresh')
  const chunks: number[][] = []
  for await (const chunk of app.count(3)) chunks.push(chunk)
  expect(chunks.map(([, at]) => at)).toEqual([1, 2, 3])
  const seen = [chunks[0]![0]!]
  for (const [action, options, code] of [
    ['hold', { timeoutMs: 300 }, 'MON_DIRTY_TIMEOUT'],
    ['spin', { timeoutMs: 300 }, 'MON_DIRTY_TIMEOUT'],
    ['die', {}, 'MON_DIRTY_WORKER_LOST'],
  ] as const) {
    expect((await failure(app.with(options)[action]())).code).toBe(code)
    const { pid, calls } = await app.where()
    expect(calls).toBe(1)
    expect(seen).not.toContain(pid)
    seen.push(pid)
  }
})

test('calls of a key are one after the other, each in a process of its own', async () => {
  const server = begin('--dirty-workers', '2', '--dirty-spares', '1')
  await server.ready()
  const app = appOf(server, 'fresh').with({ key: 'k' })
  const all: Where[] = await Promise.all([app.where(), app.where(), app.where()])
  expect(new Set(all.map(({ pid }) => pid)).size).toBe(3)
})

test('deaths of workers and of spares meanwhile cost the calls in their hands, and no process runs a second', async () => {
  const server = begin('--dirty-workers', '2', '--dirty-spares', '2')
  await server.ready()
  const app = appOf(server, 'fresh')
  const killed: number[] = []
  const answers: Where[] = []
  const lost: string[] = []
  const kill = (pid: number | undefined) => {
    if (pid === undefined || killed.includes(pid)) return
    killed.push(pid)
    try {
      process.kill(pid, 'SIGKILL')
    } catch {
      // It has just ended by itself.
    }
  }
  let left = callsMax
  const period = Math.max(4, Math.round(callsMax / 8))
  const one = async () => {
    while (left-- > 0) {
      if (left % period === 0) kill(spares(server)[0])
      if (left % period === 2) kill([...dirtyWorkers(server)].find(([slot]) => slot >= 0)?.[1])
      await app.where().then(
        (answer: Where) => answers.push(answer),
        (error: { code: string }) => lost.push(error.code),
      )
    }
  }
  await Promise.all(Array.from({ length: 8 }, one))
  expect(answers.map(({ calls }) => calls)).toEqual(answers.map(() => 1))
  expect(new Set(answers.map(({ pid }) => pid)).size).toBe(answers.length)
  expect([...new Set(lost)].filter((code) => code !== 'MON_DIRTY_WORKER_LOST')).toEqual([])
  expect(answers.length + lost.length).toBe(callsMax)
})
