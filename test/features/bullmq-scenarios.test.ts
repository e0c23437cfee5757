/** What went wrong in BullMQ's own sandboxes, and in services that used them, with jobs in a pool instead. */
import { existsSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { type ServiceOptions, startService } from '../support/bullmq.ts'
import { dirtyWorkers, failure, ofDirty, startDirty } from '../support/dirty.ts'
import type { Running } from '../support/harness.ts'
import { poll } from '../support/poll.ts'
import { lacksRedis, type Redis, startRedis } from '../support/redis.ts'

const apps = `
import { existsSync, writeFileSync } from 'node:fs'
import { DirtyApp } from 'monoceros/dirty'
if (existsSync('no-import')) throw new Error('ENOMEM: not enough memory')
export class Jobs extends DirtyApp {
  #kept = []
  init() { if (existsSync('no-init')) throw new Error('the model is not there') }
  who() { return process.pid }
  async hold({ file }) {
    writeFileSync(file + '.began', String(process.pid))
    await new Promise((resolve) => { const timer = setInterval(() => { if (existsSync(file + '.go')) { clearInterval(timer); resolve() } }, 5) })
    return process.pid
  }
  spin({ file }) { writeFileSync(file + '.began', ''); for (;;); }
  leak({ mib }) { this.#kept.push(Buffer.alloc(mib * 2 ** 20, 1)); return process.pid }
}
`

let redis: Redis

const begin = async (args: readonly string[]): Promise<Running> => {
  const server = startDirty({ args: ['--dirty-app', 'jobs=./apps.mjs:Jobs', ...args], files: { 'apps.mjs': apps } })
  await server.ready()
  return server
}
const service = (server: Running, action: string, options: Pick<ServiceOptions, 'worker' | 'processor'> = {}) =>
  startService({ redis, server, app: 'jobs', action, ...options })
const seen = (server: Running, file: string) =>
  poll(
    () => existsSync(join(server.folder, file)),
    () => `${file} did not come`,
  )
const put = (server: Running, file: string) => writeFileSync(join(server.folder, file), '')
const all = (count: number) => Array.from({ length: count }, (_, index) => ({ name: 'any', data: { index } }))

describe.skipIf(lacksRedis)('with a Redis', () => {
  beforeAll(async () => {
    redis = await startRedis()
  })
  afterAll(() => redis.stop())

  // taskforcesh/bullmq#4283: a child whose first import failed (one ENOMEM) went back to the pool of free children, answered
  // each job at once with an error, and so got the next one before any healthy child: 41,776 jobs had failed 38 minutes later.
  test('a worker that could not import its app is given no job, and no job fails for it', async () => {
    const server = await begin(['--dirty-workers', '2'])
    const { queue, events } = await service(server, 'who', { worker: { concurrency: 4 } })
    put(server, 'no-import')
    const [[slot, pid] = [0, 0], [, healthy] = [0, 0]] = [...dirtyWorkers(server)]
    process.kill(pid, 'SIGKILL')
    await server.until('worker.boot-failed', (line) => ofDirty('worker.boot-failed')(line) && line.slot === slot)
    const jobs = await queue.addBulk(all(300))
    const pids = await Promise.all(jobs.map((job) => job.waitUntilFinished(events)))
    expect(new Set(pids)).toEqual(new Set([healthy]))
    expect(await queue.getFailedCount()).toBe(0)
  })

  // The same where no healthy one is left: it is not the jobs' fault, and it is not they who pay for it.
  test('jobs that nobody can do are put back, with no attempt used up, and done when somebody can', async () => {
    const server = await begin(['--dirty-workers', '1'])
    const processor = { patienceMs: 100, postponeMs: 100 }
    const { queue, events } = await service(server, 'who', { processor })
    put(server, 'no-import')
    process.kill(dirtyWorkers(server).get(0) as number, 'SIGKILL')
    await server.until('worker.boot-failed', ofDirty('worker.boot-failed'))
    const jobs = await queue.addBulk(all(5))
    await Promise.all(jobs.map(({ id }) => poll(async () => (await queue.getJobLogs(id as string)).count > 0)))
    rmSync(join(server.folder, 'no-import'))
    await Promise.all(jobs.map((job) => job.waitUntilFinished(events)))
    const done = await queue.getCompleted()
    expect(done.map(({ attemptsMade }) => attemptsMade)).toEqual([1, 1, 1, 1, 1])
    expect(await queue.getFailedCount()).toBe(0)
  })

  // taskforcesh/bullmq#2979: a child that was killed in the middle of a job left it active for ever, as nobody settled it.
  test('a job whose process is killed has failed within moments, and does not wait to be found stalled', async () => {
    const server = await begin(['--dirty-workers', '1'])
    const { queue, events, stalled } = await service(server, 'hold', { worker: { lockDuration: 60_000, stalledInterval: 60_000 } })
    const job = await queue.add('any', { file: 'a' })
    await seen(server, 'a.began')
    process.kill(dirtyWorkers(server).get(0) as number, 'SIGKILL')
    expect(String(await failure(job.waitUntilFinished(events)))).toContain('SIGKILL')
    expect(await queue.getActiveCount()).toBe(0)
    expect(stalled).toEqual([])
  })

  // taskforcesh/bullmq#1533: where a processor threw while it was set up, each job made a child more; `ps` showed hundreds.
  test('an app whose init throws is started again at growing intervals, in one process at a time', async () => {
    const server = await begin(['--dirty-workers', '1'])
    const { queue, events } = await service(server, 'who')
    put(server, 'no-init')
    const before = server.family().length
    process.kill(dirtyWorkers(server).get(0) as number, 'SIGKILL')
    const jobs = await queue.addBulk(all(20))
    let most = 0
    const isThird = () => {
      most = Math.max(most, server.family().length)
      return server.all('worker.boot-failed', ofDirty('worker.boot-failed')).length >= 3
    }
    await poll(isThird, server.stderr, 60_000)
    expect(most).toBeLessThanOrEqual(before)
    rmSync(join(server.folder, 'no-init'))
    await Promise.all(jobs.map((job) => job.waitUntilFinished(events)))
    expect(await queue.getFailedCount()).toBe(0)
  })

  // taskforcesh/bullmq#3804, #632: a job in a sandbox could not be stopped. It had failed by its timeout, computed on as a
  // zombie, and kept the child from the others.
  test('a job that is over does not compute on, and its place is the next one’s', async () => {
    const server = await begin(['--dirty-workers', '1', '--dirty-cancel-grace', '0.1'])
    const spinning = await service(server, 'spin')
    const others = await service(server, 'who')
    const job = await spinning.queue.add('any', { file: 'b' })
    await seen(server, 'b.began')
    const next = await others.queue.add('any', {})
    spinning.worker.cancelJob(job.id as string)
    await failure(job.waitUntilFinished(spinning.events))
    // One place for one call: it is done there only when nothing spins any more, in the same process.
    expect(await next.waitUntilFinished(others.events)).toBe(dirtyWorkers(server).get(0))
  })

  // taskforcesh/bullmq#1555, OptimalBits/bull#718: children grew with each job, and nothing limited or ended them.
  test('a worker that has grown beyond its limit is replaced between jobs, and none of them is lost', async () => {
    const server = await begin(['--dirty-workers', '2', '--dirty-memory-limit', '250'])
    const { queue, events } = await service(server, 'leak')
    const first = new Set(dirtyWorkers(server).values())
    while (server.all('worker.recycle').length < 2) {
      const jobs = await queue.addBulk(Array.from({ length: 4 }, () => ({ name: 'any', data: { mib: 20 } })))
      await Promise.all(jobs.map((job) => job.waitUntilFinished(events)))
    }
    expect(server.all('worker.recycle')[0]).toMatchObject({ reason: expect.stringContaining('memory') })
    await poll(() => [...dirtyWorkers(server).values()].every((pid) => !first.has(pid)))
    expect(await queue.getFailedCount()).toBe(0)
  })
})
