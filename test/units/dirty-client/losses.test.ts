/** What a caller does when a broker or a worker goes at the worst moment: both are played here, frame by frame. */
import { mkdtempSync, rmSync } from 'node:fs'
import { createServer, type Server, type Socket } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { startCall } from '../../../src/dirty-client/call.ts'
import { openSession } from '../../../src/dirty-client/session.ts'
import { decode, encode } from '../../../src/wire/codec.ts'
import { type Frame, type OutFrame, readFrames, writeFrame } from '../../../src/wire/frames.ts'
import { fromBroker, fromThread, fromWorker, isUnbegun, toBroker, toThread, toWorker } from '../../../src/wire/kinds.ts'

let folder = ''
let servers: Server[] = []
const sockets = new Set<Socket>()
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'monoceros-test-'))
})
afterEach(() => {
  for (const socket of sockets) socket.destroy()
  for (const server of servers) server.close()
  servers = []
  rmSync(folder, { recursive: true })
})

type Reply = (kind: number, value: unknown, more?: Partial<OutFrame>) => void

function listen(name: string, onFrame: (frame: Frame, reply: Reply, socket: Socket) => void, onSocket?: (socket: Socket) => void) {
  const path = join(folder, name)
  const server = createServer((socket) => {
    sockets.add(socket)
    socket.once('close', () => sockets.delete(socket))
    socket.on('error', () => undefined)
    onSocket?.(socket)
    const hear = (frame: Frame) =>
      onFrame(frame, (kind, value, more) => writeFrame(socket, { kind, call: frame.call, ...encode(value), ...more }), socket)
    socket.on('data', readFrames(2 ** 20, hear, () => socket.destroy()).push)
  })
  servers.push(server)
  return new Promise<string>((resolve) => server.listen(path, () => resolve(path)))
}

const greet = (socket: Socket) => writeFrame(socket, { kind: fromThread.hello, call: 0, ...encode(null) })

/** Gives the workers of these names in turn, and the last of them ever after. */
function broker(workers: readonly string[], onRelease: (lease: string) => void = () => undefined) {
  let given = 0
  return listen('broker', (frame, reply) => {
    if (frame.kind === toBroker.hello) reply(fromBroker.welcome, { timeoutMs: 10_000, frameMaxBytes: 2 ** 20 })
    else if (frame.kind === toBroker.lease) {
      const path = join(folder, workers[Math.min(given, workers.length - 1)] as string)
      reply(fromBroker.granted, { lease: String(++given), path, workerPath: join(folder, 'nobody'), place: 1 })
    } else if (frame.kind === toBroker.release) onRelease(decode<{ lease: string }>(frame).lease)
  })
}

const good = () => listen('good', (frame, reply) => frame.kind === toThread.call && reply(fromThread.result, 'answer'), greet)
const call = (path: string) => Promise.resolve(startCall(() => openSession(path), { app: 'app', action: 'act', args: [1], parent: null }))

test('a call to a worker that goes before it has greeted is made again by another', async () => {
  const released: string[] = []
  const path = await broker(['bad', 'good'], (lease) => released.push(lease))
  await listen(
    'bad',
    () => undefined,
    (socket) => socket.once('data', () => socket.destroy()),
  )
  await good()
  expect(await call(path)).toBe('answer')
  expect(released).toContain('1')
})

test('a call to a worker that goes after it has greeted is lost, and not made twice', async () => {
  const path = await broker(['bad', 'good'])
  await listen('bad', (_frame, _reply, socket) => socket.destroy(), greet)
  await good()
  await expect(call(path)).rejects.toMatchObject({ code: 'MON_DIRTY_WORKER_LOST' })
})

test('a call that its thread had not begun, as its worker says, is made again by another', async () => {
  const path = await broker(['bad', 'good'])
  await listen('bad', (_frame, _reply, socket) => socket.destroy(), greet)
  await listen('nobody', (frame, reply) => {
    expect(frame.kind).toBe(toWorker.fate)
    reply(fromWorker.over, { code: 'MON_DIRTY_WORKER_LOST', facts: { how: 'terminated' } }, { flags: isUnbegun })
  })
  await good()
  expect(await call(path)).toBe('answer')
})

test('a call that comes after its lease has ended asks for another lease, and gives that one back', async () => {
  const released: string[] = []
  const path = await broker(['late', 'good'], (lease) => released.push(lease))
  await listen('late', (frame, reply) => frame.kind === toThread.call && reply(fromThread.leaseOver, null), greet)
  await good()
  expect(await call(path)).toBe('answer')
  expect(released).toContain('1')
})

test('a caller whose broker is gone leaves the workers alone', async () => {
  const connections = new Set<Socket>()
  const path = await broker(['good'])
  await listen(
    'good',
    (frame, reply) => frame.kind === toThread.call && reply(fromThread.result, 'answer'),
    (socket) => {
      greet(socket)
      connections.add(socket)
    },
  )
  const session = await openSession(path)
  const first = startCall(async () => session, { app: 'app', action: 'act', args: [], parent: null })
  expect(await Promise.resolve(first)).toBe('answer')
  const [connection] = connections
  const closed = new Promise((resolve) => connection?.once('close', resolve))
  for (const socket of sockets) if (socket !== connection) socket.destroy()
  await closed
  expect(session.isLost).toBe(true)
})

test('a broker that stands still is not waited for without end', async () => {
  const path = await listen('broker', () => undefined)
  const stuck = startCall(() => openSession(path, 100), { app: 'app', action: 'act', args: [], parent: null })
  await expect(Promise.resolve(stuck)).rejects.toMatchObject({ code: 'MON_DIRTY_CONNECTION' })
})
