/** Jobs of BullMQ in dirty apps, with a real Redis: what the action has, what becomes of its job, and what stops it. */

import { join } from 'node:path'
import { pathToFileURL } from 'node:url'
import { Queue, QueueEvents, Worker } from 'bullmq'
import { afterAll, beforeAll, expect, onTestFinished, test } from 'vitest'
import { door, socketOf, startDirtyShared } from '../support/dirty.ts'
import { distPath, type Running } from '../support/harness.ts'
import { type Redis, startRedis } from '../support/redis.ts'

const { createProcessor } = (await import(pathToFileURL(join(distPath, 'src/bullmq.js')).href)) as typeof import('../../src/bullmq.ts')

const apps = `
import { DirtyApp } from 'monoceros/dirty'
const block = (ms) => { const end = Date.now() + ms; while (Date.now() < end); }
export class Jobs extends DirtyApp {
  double({ number }) { return 2 * number }
  async facts(data, job) {
    await job.updateProgress(10)
    const rows = await job.log('begun')
    await job.updateProgress({ percent: 90 })
    const { id, name, attemptsMade, opts, timestamp, queueName, parent, token } = job
    return { id, name, attemptsMade, opts, timestamp, queueName, hasParent: parent !== undefined, hasToken: typeof token === 'string', rows, state: await job.getState() }
  }
  block({ ms }) { block(ms); return process.pid }
}
`

let redis: Redis
let server: Running
let close: (keep?: boolean) => Promise<void>

beforeAll(async () => {
  redis = await startRedis()
  ;({ running: server, close } = startDirtyShared({
    args: ['--dirty-app', 'jobs=./apps.mjs:Jobs', '--dirty-workers', '2'],
    files: { 'apps.mjs': apps },
  }))
  await server.ready()
})
afterAll(async () => {
  await close()
  await redis.stop()
})

let queues = 0
function service(action: string, workerOptions: object = {}, options: object = {}) {
  const name = `q${++queues}`
  const pool = { dirty: (app: string) => door.dirty(app, { socket: socketOf(server) }) }
  const { connection } = redis
  const queue = new Queue(name, { connection })
  const events = new QueueEvents(name, { connection })
  // biome-ignore lint/suspicious/noExplicitAny: an app that is text has no type
  const worker = new Worker(name, createProcessor<any>(pool, 'jobs', action, options), { connection, concurrency: 2, ...workerOptions })
  worker.on('error', () => undefined)
  onTestFinished(async () => {
    await worker.close()
    await events.close()
    await queue.close()
  })
  return { queue, events, worker }
}

test('a job is a call of an action, and its answer the job’s result', async () => {
  const { queue, events } = service('double')
  const job = await queue.add('any', { number: 21 })
  expect(await job.waitUntilFinished(events)).toBe(42)
})

test('an action reads what is known of its job, and calls the job’s methods', async () => {
  const { queue, events } = service('facts')
  const seen: unknown[] = []
  events.on('progress', ({ data }) => seen.push(data))
  const job = await queue.add('greeting', {}, { attempts: 3 })
  expect(await job.waitUntilFinished(events)).toEqual({
    id: job.id,
    name: 'greeting',
    attemptsMade: 0,
    opts: { ...job.opts, attempts: 3 },
    timestamp: job.timestamp,
    queueName: queue.name,
    hasParent: false,
    hasToken: true,
    rows: 1,
    state: 'active',
  })
  expect(seen).toEqual([10, { percent: 90 }])
  expect((await queue.getJobLogs(job.id as string)).logs).toEqual(['begun'])
})
