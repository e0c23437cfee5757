/** The socket of a dirty app's thread under callers that do the odd thing: its app is played by hand, call by call. */
import { mkdtempSync, rmSync } from 'node:fs'
import { connect, type Socket } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { type Answer, type Door, type Incoming, openDoor } from '../../../src/dirty-thread/door.ts'
import { decode, encode } from '../../../src/wire/codec.ts'
import { type Frame, readFrames, writeFrame } from '../../../src/wire/frames.ts'
import { type CallHead, fromThread, isTimeout, toThread } from '../../../src/wire/kinds.ts'
import { poll } from '../../support/poll.ts'

const frameMaxBytes = 64 * 1024

interface Begun extends Incoming {
  finish(answer?: Answer): void
}

let folder = ''
let door: Door
let begun: Begun[] = []
/** What the host was told, in order. */
let told: string[] = []
let sockets: Socket[] = []

beforeEach(async () => {
  folder = mkdtempSync(join(tmpdir(), 'monoceros-test-'))
  begun = []
  told = []
  sockets = []
  door = openDoor(frameMaxBytes, {
    run: (call) =>
      new Promise((resolve) => {
        begun.push({ ...call, finish: (answer = result(call.head.action)) => resolve(answer) })
      }),
    end: (why) => void told.push(why),
    credit: (chunks) => void told.push(`credit ${chunks}`),
    callback: () => void told.push('callback'),
    onOver: (lease) => void told.push(`over ${lease}`),
    onDone: () => void told.push('done'),
  })
  await door.listen(join(folder, 'door'))
})
afterEach(async () => {
  for (const socket of sockets) socket.destroy()
  for (const call of begun) call.finish()
  await door.leave()
  rmSync(folder, { recursive: true })
})

const result = (value: unknown, kind: number = fromThread.result): Answer => ({ kind, flags: 0, ...encode(value) })

/** A caller, and the kinds and calls of the frames that it got. */
async function caller() {
  const socket = connect(join(folder, 'door'))
  sockets.push(socket)
  const frames: Frame[] = []
  const keep = (frame: Frame) => void frames.push({ ...frame, meta: Buffer.from(frame.meta) })
  socket.on('data', readFrames(2 ** 30, keep, () => undefined).push)
  const send = (kind: number, call: number, flags = 0) => writeFrame(socket, { kind, call, flags, ...encode(null) })
  const start = (call: number, lease: string, action = `${lease}/${call}`) => {
    const head: CallHead = { lease, app: 'app', action, leftMs: 0, callbacks: [] }
    writeFrame(socket, { kind: toThread.call, call, meta: encode([]).meta, buffers: [Buffer.from(JSON.stringify(head))] })
  }
  const has = (kind: number, call = 0) => poll(() => frames.some((frame) => frame.kind === kind && frame.call === call))
  const kindsOf = (call: number) => frames.filter((frame) => frame.call === call).map(({ kind }) => kind)
  await has(fromThread.hello)
  return { socket, frames, send, start, has, kindsOf }
}
const toBegin = (count: number) => poll(() => begun.length === count)
const toHear = (word: string) => poll(() => told.includes(word))

test('calls run one at a time, in the order in which they came, and each is answered to whoever made it', async () => {
  const [one, other] = [await caller(), await caller()]
  one.start(1, '5')
  await toBegin(1)
  other.start(1, '6')
  one.start(2, '5')
  begun[0]!.finish()
  await toBegin(2)
  begun[1]!.finish()
  await toBegin(3)
  begun[2]!.finish()
  await Promise.all([one.has(fromThread.result, 2), other.has(fromThread.result, 1)])
  const answers = ({ frames }: typeof one) => frames.filter(({ kind }) => kind === fromThread.result).map((frame) => decode(frame))
  expect([...answers(one), ...answers(other)].sort()).toEqual(['5/1', '5/2', '6/1'])
})

test('a call of a lease that was revoked while nothing ran is over at once, and not begun when it comes', async () => {
  const one = await caller()
  door.revoke('5')
  expect(told).toEqual(['over 5'])
  one.start(1, '5')
  await one.has(fromThread.leaseOver, 1)
  expect(begun).toEqual([])
})

test('a lease that is revoked while its call runs is over after the answer, and has no other call', async () => {
  const one = await caller()
  one.start(1, '5')
  await toBegin(1)
  door.revoke('5')
  one.start(2, '5')
  expect(told).toEqual([])
  begun[0]!.finish()
  await one.has(fromThread.leaseOver, 2)
  expect(one.kindsOf(1)).toEqual([fromThread.result])
  expect(told).toEqual(['done', 'over 5'])
  expect(begun).toHaveLength(1)
})

test('an end from the main thread hits the call that is meant, and those before it, but not the next under the same lease', async () => {
  const one = await caller()
  one.start(7, '5')
  await toBegin(1)
  door.endCall('4', 7, 'timeout')
  door.endCall('5', 6, 'timeout')
  expect(told).toEqual([])
  door.endCall('5', 8, 'cancelled')
  door.endCall('5', 7, 'timeout')
  door.endCall('5', null, 'cancelled')
  expect(told).toEqual(['cancelled', 'timeout', 'cancelled'])
})

test('a call that is given up while another runs is not begun', async () => {
  const [one, other] = [await caller(), await caller()]
  one.start(1, '5')
  await toBegin(1)
  other.start(1, '6')
  other.send(toThread.cancel, 1)
  await other.has(fromThread.leaseOver, 1)
  begun[0]!.finish()
  await one.has(fromThread.result, 1)
  expect(begun).toHaveLength(1)
  expect(told).toEqual(['done'])
})

test('words about a call that does not run reach no other call, of this caller or another', async () => {
  const [one, other] = [await caller(), await caller()]
  one.start(2, '5')
  await toBegin(1)
  for (const kind of [toThread.cancel, toThread.credit, toThread.callback]) {
    other.send(kind, 2, 1)
    one.send(kind, 1, 1)
  }
  one.send(toThread.credit, 2, 4)
  await toHear('credit 4')
  other.start(9, '6')
  one.send(toThread.cancel, 2, isTimeout)
  await toHear('timeout')
  expect(told).toEqual(['credit 4', 'timeout'])
})

test('the call of a caller that goes is ended, and what it had sent besides is not begun', async () => {
  const [one, other] = [await caller(), await caller()]
  one.start(1, '5')
  await toBegin(1)
  one.start(2, '5')
  other.start(1, '6')
  one.socket.destroy()
  await toHear('cancelled')
  begun[0]!.finish()
  await toBegin(2)
  expect(begun[1]!.head.lease).toBe('6')
})

test('an answer that is too large is told instead, and the connection serves on', async () => {
  const one = await caller()
  one.start(1, '5')
  await toBegin(1)
  begun[0]!.finish(result('x'.repeat(frameMaxBytes)))
  await one.has(fromThread.error, 1)
  one.start(2, '5')
  await toBegin(2)
  begun[1]!.finish()
  await one.has(fromThread.result, 2)
  expect(told).toEqual(['done', 'done'])
})

test('a chunk that is too large ends the stream, and is told when nothing runs any more', async () => {
  const one = await caller()
  one.start(1, '5')
  await toBegin(1)
  begun[0]!.send(result('good', fromThread.chunk))
  begun[0]!.send(result('x'.repeat(frameMaxBytes), fromThread.chunk))
  expect(told).toEqual(['cancelled'])
  await one.has(fromThread.chunk, 1)
  expect(one.kindsOf(1)).toEqual([fromThread.chunk])
  begun[0]!.finish(result({ code: 'MON_DIRTY_CANCELLED', facts: {} }, fromThread.error))
  await one.has(fromThread.error, 1)
  const last = one.frames.at(-1)!
  expect(decode(last)).toMatchObject({ code: 'MON_DIRTY_FRAME' })
  expect(one.kindsOf(1)).toEqual([fromThread.chunk, fromThread.error])
})

test('a call that is too large, or is none of ours, ends its connection and no other', async () => {
  const [one, other, third] = [await caller(), await caller(), await caller()]
  other.start(1, '6')
  await toBegin(1)
  writeFrame(one.socket, { kind: toThread.call, call: 1, meta: encode([]).meta, buffers: [Buffer.alloc(frameMaxBytes)] })
  await one.has(fromThread.error)
  third.send(toThread.call, 1)
  await poll(() => one.socket.destroyed && third.socket.destroyed)
  begun[0]!.finish()
  await other.has(fromThread.result, 1)
  expect(begun).toHaveLength(1)
})

test('a door that is left finishes the call that runs, and refuses those that come', async () => {
  const [one, other] = [await caller(), await caller()]
  one.start(1, '5')
  await toBegin(1)
  let isQuiet = false
  const quiet = door.leave().then(() => {
    isQuiet = true
  })
  await Promise.all([one.has(fromThread.goodbye), other.has(fromThread.goodbye)])
  other.start(1, '6')
  other.socket.end()
  begun[0]!.finish()
  await Promise.all([one.has(fromThread.result, 1), other.has(fromThread.leaseOver, 1)])
  expect(isQuiet).toBe(false)
  expect(other.kindsOf(1)).toEqual([fromThread.leaseOver])
  one.socket.end()
  await quiet
  expect(begun).toHaveLength(1)
})

test('a door that is left does not wait for a caller that says nothing, but for the call that runs', async () => {
  const [one] = [await caller(), await caller()]
  one.start(1, '5')
  await toBegin(1)
  const quiet = door.leave()
  await one.has(fromThread.goodbye)
  begun[0]!.finish()
  // Neither of them closes its connection.
  await quiet
  expect(one.kindsOf(1)).toEqual([fromThread.result])
})
