/** What a dirty worker does about calls that do not end, its threads and those who ask played by hand, and the clock too. */
import type { Socket } from 'node:net'
import type { MessagePort } from 'node:worker_threads'
import { afterEach, beforeEach, expect, test, vi } from 'vitest'
import { type AppThread, createOverseer, type Overseer } from '../../../src/dirty-worker/overseer.ts'
import { createDirtyPage, type DirtyPage, dirtyPageIn } from '../../../src/lanes/dirty-page.ts'
import { decode, encode } from '../../../src/wire/codec.ts'
import { readFrames } from '../../../src/wire/frames.ts'
import { isTimeout, isUnbegun, type Refusal, toWorker } from '../../../src/wire/kinds.ts'
import type { FromThread, ToThread } from '../../../src/wire/port-messages.ts'

const graceMs = 300
const lookMs = 250
/** What the overseer has done, in order. */
let done: string[] = []
let nowMs = 0
let overseer: Overseer

interface Played {
  readonly thread: AppThread
  readonly page: DirtyPage
  readonly told: ToThread[]
  say(message: FromThread): void
}

function threadAt(place: number): Played {
  const told: ToThread[] = []
  let say: (message: FromThread) => void = () => undefined
  const port = {
    postMessage: (message: ToThread) => told.push(message),
    on: (_: string, hear: (message: FromThread) => void) => {
      say = hear
    },
  } as unknown as MessagePort
  const page = dirtyPageIn(createDirtyPage())
  const thread = { place, app: 'app', port, page, kill: (why: string) => done.push(`kill ${place} ${why}`) } as AppThread
  overseer.add(thread)
  return { thread, page, told, say: (message) => say(message) }
}

/** Asks as a client does; answers are noted as they come. */
function ask(name: string, kind: number, place: number, lease: string, call: number, flags = 0): void {
  const reader = readFrames(
    2 ** 20,
    (frame) => {
      const refusal = decode<Refusal | null>(frame)
      done.push(`${name}: ${refusal?.facts['how'] ?? 'over'}${frame.flags === isUnbegun ? ', unbegun' : ''}`)
    },
    () => undefined,
  )
  const write = (bytes: Buffer) => {
    reader.push(bytes)
    return true
  }
  const socket = { destroyed: false, write } as unknown as Socket
  overseer.onFrame(socket, { kind, flags, call: 1, ...encode({ place, lease, call }) })
}

const begin = ({ page }: Played, lease: string, call: number, deadlineMs = 0) =>
  page.begin({ lease, call, action: 'act', startedMs: nowMs, deadlineMs })
function pass(ms: number): void {
  nowMs += ms
  vi.advanceTimersByTime(ms)
}

beforeEach(() => {
  vi.useFakeTimers()
  done = []
  nowMs = 1_000
  overseer = createOverseer({
    cancelGraceMs: graceMs,
    nowMs: () => nowMs,
    onServed: (calls) => done.push(`served ${calls}`),
    onLeaseOver: (lease) => done.push(`lease ${lease} is over`),
    onForced: (_, { lease, call }, why) => done.push(`forced ${lease}/${call} ${why}`),
  })
})
afterEach(() => {
  overseer.stop()
  vi.useRealTimers()
})

test('a call that heeds its signal is not ended by force, and whoever asked hears of its end', () => {
  const one = threadAt(1)
  begin(one, '5', 1)
  ask('client', toWorker.end, 1, '5', 1)
  expect(one.told).toEqual([{ type: 'end', lease: '5', call: 1, why: 'cancelled' }])
  one.page.end()
  pass(graceMs)
  expect(done).toContain('client: over')
  expect(done.join()).not.toMatch(/forced|kill/)
})

test('a call that does not heed its signal is ended with its thread, and everything that waits for it is told at once', async () => {
  const one = threadAt(1)
  begin(one, '5', 1)
  let isSeenOff = false
  void overseer.seeOff(one.thread).then(() => {
    isSeenOff = true
  })
  overseer.revoke(1, '5', false)
  ask('client', toWorker.end, 1, '5', 1, isTimeout)
  pass(graceMs)
  expect(done).toEqual(['forced 5/1 timeout', 'kill 1 overdue', 'lease 5 is over', 'client: over'])
  await Promise.resolve()
  expect(isSeenOff).toBe(true)
  expect(overseer.running).toBe(0)
})

test('an end that is asked for before the call has come ends it all the same when it runs', () => {
  const one = threadAt(1)
  ask('client', toWorker.end, 1, '5', 1)
  pass(graceMs / 2)
  begin(one, '5', 1)
  pass(graceMs / 2)
  expect(done).toEqual(['forced 5/1 cancelled', 'kill 1 kill', 'client: over'])
})

test('a call under a lease that was used again since is not the one that was given up', () => {
  const one = threadAt(1)
  begin(one, '5', 1)
  ask('client', toWorker.end, 1, '5', 1)
  one.page.end()
  begin(one, '5', 2)
  pass(graceMs)
  expect(done).toEqual(['served 1', 'client: over'])
})

test('a call that does not end for the sake of the next, which was given up, is ended by force', () => {
  const one = threadAt(1)
  begin(one, '5', 1)
  ask('client', toWorker.end, 1, '5', 2)
  pass(graceMs)
  expect(done).toEqual(['forced 5/1 cancelled', 'kill 1 kill', 'client: over, unbegun'])
})

test('a call of another lease is left alone', () => {
  const one = threadAt(1)
  begin(one, '6', 1)
  ask('client', toWorker.end, 1, '5', 1)
  pass(graceMs)
  expect(done).toEqual(['client: over'])
})

test('a thread that is to be ended for a call takes no other, whatever the time between', () => {
  const one = threadAt(1)
  begin(one, '5', 1)
  ask('client', toWorker.end, 1, '5', 1)
  pass(graceMs)
  one.page.end()
  expect(begin(one, '6', 1)).toBe(false)
  done = []
  ask('next', toWorker.fate, 1, '6', 1)
  ask('same', toWorker.fate, 1, '5', 1)
  expect(done).toEqual(['next: over, unbegun', 'same: over'])
})

test('everybody who asks for the end of the same call is answered though it ends by itself', () => {
  const one = threadAt(1)
  begin(one, '5', 1, nowMs + 1)
  // The deadline is seen here first: the caller stood still.
  pass(2 * lookMs)
  ask('client', toWorker.end, 1, '5', 1, isTimeout)
  one.page.end()
  pass(graceMs)
  expect(done).toContain('client: over')
  expect(done.join()).not.toContain('kill')
})

test('a call that is over its time is told to end once, and ended by force after the grace', () => {
  const one = threadAt(1)
  begin(one, '5', 1, nowMs + 100)
  pass(lookMs)
  expect(one.told).toEqual([])
  pass(lookMs)
  expect(one.told).toEqual([{ type: 'end', lease: '5', call: 1, why: 'timeout' }])
  pass(graceMs)
  expect(done).toEqual(['forced 5/1 timeout', 'kill 1 overdue'])
  pass(10 * lookMs)
  expect(one.told).toHaveLength(1)
  expect(done).toHaveLength(2)
})

test('a lease that is revoked is over when its thread says so, and only then, and once', () => {
  const one = threadAt(1)
  begin(one, '5', 1)
  overseer.revoke(1, '5', false)
  expect(one.told).toEqual([{ type: 'revoke', lease: '5' }])
  pass(10 * graceMs)
  expect(done).toEqual([])
  one.say({ type: 'over', lease: '5' })
  one.say({ type: 'over', lease: '5' })
  expect(done).toEqual(['lease 5 is over'])
})

test('the call of a holder that is gone is ended', () => {
  const one = threadAt(1)
  begin(one, '5', 3)
  overseer.revoke(1, '5', true)
  expect(one.told).toEqual([
    { type: 'revoke', lease: '5' },
    { type: 'end', lease: '5', call: null, why: 'cancelled' },
  ])
  pass(graceMs)
  expect(done).toEqual(['forced 5/3 cancelled', 'kill 1 kill', 'lease 5 is over'])
})

test('a lease of a thread that is lost, or was never there, is over at once', () => {
  const one = threadAt(1)
  overseer.revoke(1, '5', false)
  overseer.lose(one.thread, 'it exited with 3')
  expect(done).toEqual(['lease 5 is over'])
  overseer.revoke(1, '6', true)
  overseer.revoke(9, '7', false)
  expect(done).toEqual(['lease 5 is over', 'lease 6 is over', 'lease 7 is over'])
})

test('whoever asks what became of a call is told when the thread is gone, and whether it had begun', () => {
  const one = threadAt(1)
  begin(one, '5', 1)
  ask('running', toWorker.fate, 1, '5', 1)
  ask('next', toWorker.fate, 1, '5', 2)
  expect(done).toEqual([])
  overseer.lose(one.thread, 'it exited with 3')
  expect(done).toEqual(['running: it exited with 3', 'next: it exited with 3, unbegun'])
  done = []
  ask('late', toWorker.fate, 1, '6', 1)
  ask('stranger', toWorker.fate, 9, '6', 1)
  expect(done).toEqual(['late: it exited with 3, unbegun', 'stranger: over'])
})

test('whoever asks what became of a thread that lives is not left without an answer, nor called unbegun', () => {
  threadAt(1)
  ask('client', toWorker.fate, 1, '5', 1)
  pass(1_000)
  expect(done).toEqual(['client: over'])
})

test('what an end finds when the thread was lost meanwhile is nothing', () => {
  const one = threadAt(1)
  begin(one, '5', 1)
  ask('client', toWorker.end, 1, '5', 1)
  overseer.lose(one.thread, 'it exited with 3')
  pass(graceMs)
  expect(done).toEqual(['client: it exited with 3'])
})

test('calls that have ended are counted once', () => {
  const one = threadAt(1)
  for (const call of [1, 2]) {
    begin(one, '5', call)
    one.page.end()
  }
  one.say({ type: 'done' })
  begin(one, '5', 3)
  one.page.end()
  pass(lookMs)
  overseer.lose(one.thread, 'stopped')
  expect(done).toEqual(['served 2', 'served 1'])
})
