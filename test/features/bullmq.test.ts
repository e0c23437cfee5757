/** Jobs of BullMQ in dirty apps, with a real Redis: what the action has, what becomes of its job, and what stops it. */
import { existsSync } from 'node:fs'
import { join } from 'node:path'
import { FlowProducer, type Job } from 'bullmq'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { type Service, type ServiceOptions, startService } from '../support/bullmq.ts'
import { failure, startDirtyShared } from '../support/dirty.ts'
import { type Running, root } from '../support/harness.ts'
import { poll } from '../support/poll.ts'
import { lacksRedis, type Redis, startRedis } from '../support/redis.ts'

const apps = `
import { writeFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import { DirtyApp } from 'monoceros/dirty'

const { DelayedError, UnrecoverableError, WaitingChildrenError, RateLimitError } = createRequire(${JSON.stringify(join(root, 'package.json'))})('bullmq')
const compute = (ms) => { for (const end = Date.now() + ms; Date.now() < end; ); }

export class Jobs extends DirtyApp {
  double({ number }) { return 2 * number }
  async facts(data, job) {
    await job.updateProgress(10)
    const rows = await job.log('begun')
    await job.updateProgress({ percent: 90 })
    const { id, name, attemptsMade, opts, timestamp, queueName, parent, token } = job
    const hasToken = typeof token === 'string'
    return { id, name, attemptsMade, opts, timestamp, queueName, parent: String(parent), hasToken, rows, state: await job.getState() }
  }
  async limited(data, job) {
    if (job.attemptsStarted > 1) return 'later'
    throw new RateLimitError()
  }
  compute({ ms }) { compute(ms); return process.pid }
  fail({ how }) {
    if (how === 'unrecoverable') throw new UnrecoverableError('never again')
    throw Object.assign(new RangeError('out of paper'), { code: 'E_PAPER' })
  }
  async delay(data, job) {
    if (job.attemptsStarted > 1) return 'after a while'
    await job.moveToDelayed(Date.now() + 20, job.token)
    throw new DelayedError()
  }
  async parent(data, job) {
    if (await job.moveToWaitingChildren(job.token)) throw new WaitingChildrenError()
    return Object.values(await job.getChildrenValues())
  }
  async heedless({ file }) { writeFileSync(file + '.began', ''); for (;;) compute(1000) }
  async heeding({ file }) {
    writeFileSync(file + '.began', '')
    await new Promise((resolve) => this.signal.addEventListener('abort', resolve))
    writeFileSync(file + '.heeded', '')
  }
  die({ how }) {
    if (how === 'kill') process.kill(process.pid, 'SIGKILL')
    if (how === 'abort') process.kill(process.pid, 'SIGABRT')
    if (how === 'exit') process.exit(7)
    const all = []
    for (;;) all.push(new Array(100_000).fill({}))
  }
}
`

let redis: Redis
let server: Running
let close: (keep?: boolean) => Promise<void>

const service = (action: string, options: Pick<ServiceOptions, 'worker' | 'processor'> = {}) =>
  startService({ redis, server, app: 'jobs', action, ...options })

/** The job as it is kept once it has failed for the last time. */
async function failed({ queue, events }: Service, job: Job): Promise<Job> {
  await failure(job.waitUntilFinished(events))
  return (await queue.getJob(job.id as string)) as Job
}

const seen = (file: string) =>
  poll(
    () => existsSync(join(server.folder, file)),
    () => `${file} did not come`,
  )

describe.skipIf(lacksRedis)('with a Redis', () => {
  beforeAll(async () => {
    redis = await startRedis()
    const args = ['--dirty-app', 'jobs=./apps.mjs:Jobs', '--dirty-workers', '2', '--dirty-cancel-grace', '0.2']
    ;({ running: server, close } = startDirtyShared({
      args,
      files: { 'apps.mjs': apps },
      env: { NODE_OPTIONS: '--max-old-space-size=100' },
    }))
    await server.ready()
  })
  afterAll(async () => {
    await close()
    await redis.stop()
  })

  test('a job is a call of an action, and its answer the job’s result', async () => {
    const { queue, events } = await service('double')
    const job = await queue.add('any', { number: 21 })
    expect(await job.waitUntilFinished(events)).toBe(42)
  })

  test('an action reads what is known of its job, and calls the job’s methods', async () => {
    const { queue, events } = await service('facts')
    const progress: unknown[] = []
    events.on('progress', ({ data }) => progress.push(data))
    const job = await queue.add('greeting', {}, { attempts: 3 })
    expect(await job.waitUntilFinished(events)).toEqual({
      id: job.id,
      name: 'greeting',
      attemptsMade: 0,
      opts: { ...job.opts, attempts: 3 },
      timestamp: job.timestamp,
      queueName: queue.name,
      parent: 'undefined',
      hasToken: true,
      rows: 1,
      state: 'active',
    })
    expect(progress).toEqual([10, { percent: 90 }])
    expect((await queue.getJobLogs(job.id as string)).logs).toEqual(['begun'])
  })

  test('a job that blocks its thread for longer than its lock lasts is not taken for stalled', async () => {
    const { queue, events, stalled } = await service('compute', { worker: { lockDuration: 300, stalledInterval: 100, maxStalledCount: 0 } })
    const job = await queue.add('long', { ms: 1_200 })
    expect(await job.waitUntilFinished(events)).toBeTypeOf('number')
    expect(stalled).toEqual([])
    expect((await queue.getJob(job.id as string))?.attemptsStarted).toBe(1)
  })

  test('what an action throws is what the job failed with', async () => {
    const one = await service('fail')
    const errors: Error[] = []
    one.worker.on('failed', (_, error) => errors.push(error))
    const job = await failed(one, await one.queue.add('any', { how: 'any' }))
    expect(job.failedReason).toBe('out of paper')
    expect(job.stacktrace?.[0]).toMatch(/^RangeError: out of paper\n.*apps\.mjs/s)
    expect(errors[0]).toMatchObject({ name: 'RangeError', message: 'out of paper', code: 'E_PAPER' })
  })

  test('an action whose error is unrecoverable is not tried again', async () => {
    const one = await service('fail')
    const job = await failed(one, await one.queue.add('any', { how: 'unrecoverable' }, { attempts: 5 }))
    expect(job).toMatchObject({ attemptsMade: 1, failedReason: 'never again' })
  })

  test('an action that delays its job gets it again, and no attempt is used up', async () => {
    const { queue, events } = await service('delay')
    const job = await queue.add('any', {})
    expect(await job.waitUntilFinished(events)).toBe('after a while')
    expect(await queue.getJob(job.id as string)).toMatchObject({ attemptsStarted: 2, attemptsMade: 1 })
  })

  test('a parent waits for its children, and is called again with their values', async () => {
    const one = await service('parent')
    const children = await service('double')
    const flows = new FlowProducer({ connection: redis.connection })
    const child = { name: 'child', queueName: children.queue.name, data: { number: 4 }, opts: { delay: 50 } }
    const { job } = await flows.add({ name: 'parent', queueName: one.queue.name, data: {}, children: [child] })
    expect(await job.waitUntilFinished(one.events)).toEqual([8])
    await flows.close()
  })

  test('a rate limit that an action tells of puts its job back', async () => {
    const { queue, events } = await service('limited', { worker: { limiter: { max: 100, duration: 1_000 } } })
    await queue.rateLimit(100)
    const job = await queue.add('any', {})
    expect(await job.waitUntilFinished(events)).toBe('later')
    expect(await queue.getJob(job.id as string)).toMatchObject({ attemptsStarted: 2, attemptsMade: 1 })
  })

  test('a job that is cancelled is told so by its signal, and fails with the reason', async () => {
    const one = await service('heeding')
    const job = await one.queue.add('any', { file: 'a' })
    await seen('a.began')
    expect(one.worker.cancelJob(job.id as string, 'nobody wants it')).toBe(true)
    expect((await failed(one, job)).failedReason).toMatch(/: nobody wants it$/)
    await seen('a.heeded')
  })

  test('a job that is cancelled and does not heed it loses its thread, and others run there', async () => {
    const one = await service('heedless', { processor: { isCancelFinal: true } })
    const { length } = server.lines
    const job = await one.queue.add('any', { file: 'b' }, { attempts: 3 })
    await seen('b.began')
    one.worker.cancelJob(job.id as string)
    expect(await failed(one, job)).toMatchObject({ attemptsMade: 1 })
    await server.until('dirty.call-forced', { action: 'heedless' }, { after: length })
  })

  test('a job that takes longer than its time loses its thread, and is tried again', async () => {
    const one = await service('heedless', { processor: { timeoutMs: 150 } })
    const errors: unknown[] = []
    one.worker.on('failed', (_, error) => errors.push(error))
    const job = await failed(one, await one.queue.add('any', { file: 'c' }, { attempts: 2 }))
    expect(job.attemptsMade).toBe(2)
    expect(errors).toEqual([expect.objectContaining({ code: 'MON_DIRTY_TIMEOUT' }), expect.objectContaining({ code: 'MON_DIRTY_TIMEOUT' })])
  })

  test.each([
    ['its process was killed', 'kill', { how: expect.stringContaining('SIGKILL'), signal: 'SIGKILL', exitCode: null }],
    ['its process aborted', 'abort', { how: expect.stringContaining('SIGABRT'), signal: 'SIGABRT', exitCode: null }],
    ['its thread ended itself', 'exit', { how: expect.stringContaining('7') }],
    ['its thread had no memory left', 'oom', { how: 'out of memory' }],
  ])('a job fails alone, and with the reason, when %s', async (_, how, reason) => {
    const dying = await service('die')
    const other = await service('compute')
    const errors: unknown[] = []
    dying.worker.on('failed', (_job, error) => errors.push(error))
    const others = await other.queue.addBulk([30, 60, 90].map((ms) => ({ name: 'any', data: { ms } })))
    const job = await failed(dying, await dying.queue.add('any', { how }))
    expect(errors).toEqual([expect.objectContaining({ code: 'MON_DIRTY_WORKER_LOST', facts: { app: 'jobs', ...reason } })])
    expect(job.failedReason).toBe((errors[0] as Error).message)
    expect(await Promise.all(others.map((one) => one.waitUntilFinished(other.events)))).toHaveLength(3)
  })
})
