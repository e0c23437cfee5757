/**
 * Two thousand jobs, while services, processes of their pools and connections to Redis are killed, and Redis itself: each job
 * ends once, completed with its own answer or failed with a reason that is true, and nothing is left behind.
 */
import { readFileSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import { Queue } from 'bullmq'
import { Redis as Client } from 'ioredis'
import { describe, expect, onTestFinished, test } from 'vitest'
import { distPath, type Running, root, testFolder } from '../support/harness.ts'
import { startHost } from '../support/host.ts'
import { poll } from '../support/poll.ts'
import { lacksRedis, startRedis } from '../support/redis.ts'

const jobs = `
import { appendFileSync } from 'node:fs'
import { setTimeout as pause } from 'node:timers/promises'
export class Jobs {
  async work({ nonce, journal }, job) {
    appendFileSync(journal, nonce + ' ' + process.pid + '\\n')
    if (nonce % 20 === 1) throw new Error('on purpose')
    if (nonce % 20 === 2) await job.updateProgress(nonce)
    if (nonce % 2 === 0) await pause(nonce % 17)
    else for (const end = Date.now() + (nonce % 11); Date.now() < end; );
    return { nonce }
  }
}
`
const service = (port: number) => `
import { createRequire } from 'node:module'
import { createProcessor } from ${JSON.stringify(join(distPath, 'src/bullmq.js'))}
const { Worker } = createRequire(${JSON.stringify(join(root, 'package.json'))})('bullmq')
const pool = await createPool({ apps: { jobs: './jobs.mjs:Jobs' }, workers: 1, gracefulTimeout: 5 })
const worker = new Worker('chaos', createProcessor(pool, 'jobs', 'work'), {
  connection: { host: '127.0.0.1', port: ${port}, maxRetriesPerRequest: null },
  concurrency: 3, lockDuration: 2_000, stalledInterval: 500, maxStalledCount: 20,
})
worker.on('error', () => undefined)
await worker.waitUntilReady()
tell('up')
process.once('SIGTERM', async () => {
  await worker.close()
  await pool.close()
})
`
const count = 2_000
const services = 2
/** One each time so many more jobs are over. */
const everyJobs = 90
const faults = [
  ...['worker', 'worker', 'connections', 'worker', 'service', 'worker', 'arbiter', 'worker', 'connections', 'worker', 'redis'],
  ...['worker', 'service', 'worker', 'connections', 'arbiter', 'worker', 'service', 'worker', 'connections'],
] as const

const titleOf = (pid: number) => {
  try {
    return readFileSync(`/proc/${pid}/cmdline`, 'latin1')
  } catch {
    return '' // it has ended meanwhile
  }
}

describe.skipIf(lacksRedis)('with a Redis', () => {
  test('every job ends once, and for a true reason', async () => {
    const redis = await startRedis({ isLasting: true })
    onTestFinished(() => redis.stop())
    const queue = new Queue('chaos', { connection: redis.connection, streams: { events: { maxLen: 1_000_000 } } })
    queue.on('error', () => undefined)
    const client = new Client({ ...redis.connection })
    client.on('error', () => undefined)
    onTestFinished(() => client.disconnect())
    const folder = testFolder()
    onTestFinished(() => rmSync(folder, { recursive: true }))
    const journal = join(folder, 'journal')
    const doomed = new Set<number>()
    const running: Running[] = []

    const begin = () => {
      const host = startHost(service(redis.port), { 'jobs.mjs': jobs })
      running.push(host)
      return host.until('up')
    }
    const some = <T>(all: readonly T[]): T | undefined => all[Math.floor(Math.random() * all.length)]
    const killOne = (role: string) => {
      const up = running.filter((host) => host.all('up').length > 0)
      const pid = some(up.flatMap((host) => host.family()).filter((one) => titleOf(one).includes(`monoceros: ${role}`)))
      if (pid === undefined) return
      doomed.add(pid)
      process.kill(pid, 'SIGKILL')
    }

    async function strike(fault: (typeof faults)[number]): Promise<void> {
      switch (fault) {
        case 'worker':
          return killOne('dirty-worker')
        case 'arbiter':
          return killOne('dirty-arbiter')
        case 'connections':
          return void (await client.call('CLIENT', 'KILL', 'TYPE', 'normal', 'SKIPME', 'yes'))
        case 'redis':
          return await redis.restart()
        case 'service': {
          const [host] = running.splice(0, 1)
          host?.process.kill('SIGKILL')
          await host?.exited
          // The others go on meanwhile.
          void begin()
        }
      }
    }

    await Promise.all(Array.from({ length: services }, begin))
    const opts = (nonce: number) => ({ attempts: nonce % 3 === 0 ? 3 : 1 })
    const data = Array.from({ length: count }, (_, nonce) => ({ name: 'work', data: { nonce, journal }, opts: opts(nonce) }))
    const added = await queue.addBulk(data)
    const over = async () => {
      const { completed = 0, failed = 0 } = await queue.getJobCounts('completed', 'failed')
      return completed + failed
    }
    for (const [index, fault] of faults.entries()) {
      await poll(
        async () => (await over()) >= Math.min(count - 1, (index + 1) * everyJobs),
        () => `${fault}: nothing goes on`,
        60_000,
      )
      await strike(fault)
    }
    await poll(
      async () => (await over()) === count,
      () => 'not all jobs have ended',
      60_000,
    )

    await checkEnds(
      client,
      queue,
      added.map(({ id }) => id as string),
      pidsIn(journal),
      doomed,
    )
    await checkNothingLeft(client, queue)
    for (const host of running) await host.until('up')
    for (const host of running) expect(await host.stop()).toEqual({ code: 0, signal: null })
    await queue.close()
  })
})

/** Which processes have had each job. */
function pidsIn(journal: string): Map<number, number[]> {
  const pids = new Map<number, number[]>()
  for (const line of readFileSync(journal, 'utf8').trim().split('\n')) {
    const [nonce = 0, pid = 0] = line.split(' ').map(Number)
    pids.set(nonce, [...(pids.get(nonce) ?? []), pid])
  }
  return pids
}

async function checkEnds(
  client: Client,
  queue: Queue,
  ids: readonly string[],
  pids: Map<number, number[]>,
  doomed: Set<number>,
): Promise<void> {
  const ends = new Map<string, number>()
  const events = (await client.call('XRANGE', queue.toKey('events'), '-', '+')) as [string, string[]][]
  for (const [, fields] of events) {
    const at = (name: string) => fields[fields.indexOf(name) + 1] ?? ''
    if (['completed', 'failed'].includes(at('event'))) ends.set(at('jobId'), (ends.get(at('jobId')) ?? 0) + 1)
  }
  expect(ids.filter((id) => ends.get(id) !== 1)).toEqual([])

  for (const { data, returnvalue } of await queue.getCompleted(0, -1)) expect(returnvalue).toEqual({ nonce: data.nonce })
  const failed = await queue.getFailed(0, -1)
  const onPurpose = failed.filter(({ failedReason }) => failedReason === 'on purpose').map(({ data }) => data.nonce % 20)
  expect(new Set(onPurpose)).toEqual(new Set([1]))
  const others = failed.filter(({ failedReason }) => failedReason !== 'on purpose')
  // A job that had come to a process, and was not begun by it, is not in the journal.
  const isTrue = (nonce: number) => pids.get(nonce) === undefined || doomed.has(pids.get(nonce)?.at(-1) ?? 0)
  const lies = others.filter(({ data, failedReason }) => !failedReason.includes('killed by SIGKILL') || !isTrue(data.nonce))
  expect(lies.map(({ data, failedReason }) => `${data.nonce}: ${failedReason}, by ${pids.get(data.nonce)}`)).toEqual([])
  // At most what a process has in its hands when it is killed.
  expect(others.length).toBeLessThanOrEqual(doomed.size)
}

async function checkNothingLeft(client: Client, queue: Queue): Promise<void> {
  const { active, waiting, delayed } = await queue.getJobCounts('active', 'waiting', 'delayed')
  expect({ active, waiting, delayed }).toEqual({ active: 0, waiting: 0, delayed: 0 })
  expect(await client.call('KEYS', queue.toKey('*:lock'))).toEqual([])
}
