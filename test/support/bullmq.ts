/** A queue of BullMQ, and the service whose jobs run in the dirty apps of a server. */
import { join } from 'node:path'
import { pathToFileURL } from 'node:url'
import { Queue, QueueEvents, Worker, type WorkerOptions } from 'bullmq'
import { onTestFinished } from 'vitest'
import type { ProcessorOptions } from '../../src/job-queues/processor.ts'
import { door, socketOf } from './dirty.ts'
import { distPath, type Running } from './harness.ts'
import type { Redis } from './redis.ts'

const load = (file: string) => import(/* @vite-ignore */ pathToFileURL(join(distPath, file)).href)

export const bullmqDoor = (await load('src/bullmq.js')) as typeof import('../../src/bullmq.ts')
export const indexDoor = (await load('src/index.js')) as typeof import('../../src/index.ts')

export interface ServiceOptions {
  readonly redis: Redis
  /** Whose pool does the jobs. */
  readonly server: Running
  readonly app: string
  readonly action: string
  readonly worker?: Partial<WorkerOptions>
  readonly processor?: ProcessorOptions
}

export interface Service {
  readonly queue: Queue
  readonly events: QueueEvents
  readonly worker: Worker
  readonly stalled: string[]
}

/** As any process has it that knows the socket of the pool. */
export const poolOf = (server: Running) => ({ dirty: (app: string) => door.dirty(app, { socket: socketOf(server) }) })

let count = 0

export async function startService({ redis, server, app, action, worker: options, processor }: ServiceOptions): Promise<Service> {
  const { connection } = redis
  const name = `queue-${++count}`
  const queue = new Queue(name, { connection })
  const events = new QueueEvents(name, { connection })
  const worker = new Worker(name, bullmqDoor.createProcessor(poolOf(server), app, action, processor), {
    connection,
    concurrency: 2,
    ...options,
  })
  const stalled: string[] = []
  worker.on('stalled', (id) => stalled.push(id))
  // Without a listener it would be thrown.
  worker.on('error', () => undefined)
  onTestFinished(async () => {
    await worker.close()
    await events.close()
    await queue.close()
  })
  await events.waitUntilReady()
  await worker.waitUntilReady()
  return { queue, events, worker, stalled }
}
