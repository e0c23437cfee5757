/** How a process calls each arm. All of them answer with what they were given. */
import { once } from 'node:events'
import { createRequire } from 'node:module'
import { connect } from 'node:net'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { MessageChannel } from 'node:worker_threads'
import { Piscina } from 'piscina'
import { echoed, readMessages, streamed, writeMessage } from './messages.ts'
import type { Way } from './protocol.ts'

export interface Caller {
  /** A call of next to nothing. */
  ping(nonce: number): Promise<number>
  send(bytes: Buffer): Promise<Uint8Array>
  /** The numbers from 0 on. */
  count(chunks: number): AsyncIterable<number>
  pingAll(calls: number): Promise<number[]>
  burn(turns: number): Promise<number>
}

export function openWay(way: Way): Promise<Caller> | Caller {
  switch (way.kind) {
    case 'monoceros':
      return openMonoceros(way)
    case 'ping-pong':
      return openPingPong(way)
    case 'piscina':
      return openPiscina(way)
    case 'bullmq':
      return openBullmq(way)
  }
}

function noBurning(): never {
  throw new Error('only the pool of monoceros is asked to compute')
}

const upTo = (calls: number) => Array.from({ length: calls }, (_, n) => n)

interface BenchApp {
  echo<T>(value: T): T
  count(count: number): AsyncGenerator<number>
  burn(turns: number): number
}

async function openMonoceros({ dist, socket }: Extract<Way, { kind: 'monoceros' }>): Promise<Caller> {
  const { dirty } = (await import(join(dist, 'src/dirty.js'))) as typeof import('../../src/dirty.ts')
  const app = dirty<BenchApp>('bench', { socket })
  const echo = app.echo as <T>(value: T) => PromiseLike<T>
  return {
    ping: (nonce) => Promise.resolve(echo(nonce)),
    send: (bytes) => Promise.resolve(echo(bytes)),
    count: (chunks) => app.count(chunks),
    pingAll: (calls) => Promise.all(upTo(calls).map((n) => echo(n))),
    burn: (turns) => Promise.resolve(app.burn(turns)),
  }
}

/** As many bytes as a call of nothing has in monoceros, there and back. */
const pingBytes = 96

async function openPingPong({ socket: path }: Extract<Way, { kind: 'ping-pong' }>): Promise<Caller> {
  const socket = connect(path)
  await once(socket, 'connect')
  const waiting: ((body: Buffer) => void)[] = []
  let onChunk = (_: number): void => undefined
  socket.on(
    'data',
    readMessages((what, body) => {
      if (what === streamed) onChunk(body.readUInt32LE(0))
      else waiting.shift()?.(body)
    }),
  )
  const send = (bytes: Buffer) =>
    new Promise<Buffer>((resolve) => {
      waiting.push(resolve)
      writeMessage(socket, echoed, bytes)
    })
  const ping = async (nonce: number) => {
    const message = Buffer.alloc(pingBytes)
    message.writeUInt32LE(nonce, 0)
    return (await send(message)).readUInt32LE(0)
  }
  return {
    ping,
    send,
    count(chunks) {
      const order = Buffer.alloc(4)
      order.writeUInt32LE(chunks)
      writeMessage(socket, streamed, order)
      return fromEvents(chunks, (push) => {
        onChunk = push
      })
    },
    pingAll: (calls) => Promise.all(upTo(calls).map(ping)),
    burn: noBurning,
  }
}

function openPiscina({ threads }: Extract<Way, { kind: 'piscina' }>): Caller {
  const filename = fileURLToPath(new URL('./piscina-task.js', import.meta.url))
  const pool = new Piscina({ filename, minThreads: threads, maxThreads: threads, idleTimeout: 3_600_000 })
  const ping = (nonce: number) => pool.run(nonce) as Promise<number>
  return {
    ping,
    send: (bytes) => pool.run(bytes) as Promise<Uint8Array>,
    count(chunks) {
      const { port1, port2 } = new MessageChannel()
      void pool.run({ port: port2, count: chunks }, { transferList: [port2] })
      return fromEvents(chunks, (push) => port1.on('message', push))
    },
    pingAll: (calls) => Promise.all(upTo(calls).map(ping)),
    burn: noBurning,
  }
}

interface BullmqJob {
  readonly id: string
}
interface Bullmq {
  readonly Queue: new (
    name: string,
    options: object,
  ) => {
    add(name: string, data: unknown, options: object): Promise<BullmqJob>
    addBulk(jobs: readonly object[]): Promise<BullmqJob[]>
  }
  readonly QueueEvents: new (
    name: string,
    options: object,
  ) => {
    on(event: 'completed' | 'failed', listener: (about: { jobId: string; returnvalue: unknown; failedReason?: string }) => void): void
    waitUntilReady(): Promise<unknown>
  }
}

async function openBullmq({ socket }: Extract<Way, { kind: 'bullmq' }>): Promise<Caller> {
  const { Queue, QueueEvents } = createRequire(import.meta.url)('bullmq') as Bullmq
  const connection = { path: socket, maxRetriesPerRequest: null }
  const queue = new Queue('bench', { connection })
  const events = new QueueEvents('bench', { connection })
  await events.waitUntilReady()
  const waiting = new Map<string, { resolve(value: unknown): void; reject(error: Error): void }>()
  let nextId = 1
  events.on('completed', ({ jobId, returnvalue }) => waiting.get(jobId)?.resolve(returnvalue))
  events.on('failed', ({ jobId, failedReason }) => waiting.get(jobId)?.reject(new Error(failedReason)))

  const options = (jobId: string) => ({ jobId, removeOnComplete: true, removeOnFail: true })
  const idOf = () => `${process.pid}-${nextId++}`
  const answerOf = (id: string) =>
    new Promise<unknown>((resolve, reject) => waiting.set(id, { resolve, reject })).finally(() => waiting.delete(id))
  async function call<T>(data: unknown): Promise<T> {
    const id = idOf()
    const answer = answerOf(id)
    await queue.add('echo', data, options(id))
    return (await answer) as T
  }
  return {
    ping: async (nonce) => (await call<{ nonce: number }>({ nonce })).nonce,
    // A job is JSON: bytes have to be text.
    send: async (bytes) => Buffer.from((await call<{ text: string }>({ text: bytes.toString('base64') })).text, 'base64'),
    count: () => {
      throw new Error('a job has no stream')
    },
    async pingAll(calls) {
      const jobs = upTo(calls).map((nonce) => ({ name: 'echo', data: { nonce }, opts: options(idOf()) }))
      const answers = jobs.map(({ opts }) => answerOf(opts.jobId))
      await queue.addBulk(jobs)
      return (await Promise.all(answers)).map((answer) => (answer as { nonce: number }).nonce)
    },
    burn: noBurning,
  }
}

/** Items that come by events, as a loop sees them. */
async function* fromEvents(count: number, listen: (push: (item: number) => void) => void): AsyncGenerator<number> {
  const items: number[] = []
  let wake = (): void => undefined
  listen((item) => {
    items.push(item)
    wake()
  })
  for (let taken = 0; taken < count; taken++) {
    while (items.length === 0)
      await new Promise<void>((resolve) => {
        wake = resolve
      })
    yield items.shift() as number
  }
}
