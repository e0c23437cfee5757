/** The consumers that the guide shows are programs, and do with real queues what it says. */
import { readFileSync, rmSync, symlinkSync } from 'node:fs'
import { join } from 'node:path'
import { Queue } from 'bullmq'
import PgBoss from 'pg-boss'
import { expect, onTestFinished, test } from 'vitest'
import { type Running, root, start, testFolder } from '../support/harness.ts'
import { said } from '../support/jobs.ts'
import { poll } from '../support/poll.ts'
import { lacksPostgres, startPostgres } from '../support/postgres.ts'
import { lacksRedis, startRedis } from '../support/redis.ts'

const text = readFileSync(join(root, 'docs/guide/jobs.md'), 'utf8')
const [first = '', bullmq = '', pgBoss = '', cron = ''] = [...text.matchAll(/^```ts\n(.*?)^```$/gms)].map(([, block = '']) => block)

/** In a folder whose packages are those of this repository. */
function run(program: string, args: readonly string[], env: Readonly<Record<string, string>> = {}): Running {
  const folder = testFolder({ 'consumer.ts': program })
  onTestFinished(() => rmSync(folder, { recursive: true, force: true }))
  symlinkSync(join(root, 'node_modules'), join(folder, 'node_modules'))
  return start({ args: ['consumer.ts', '-k', 'job', ...args], cwd: folder, env })
}

test('the first consumer takes messages, and ends when it is told to', async () => {
  const server = run(first, ['-w', '2'])
  await server.ready()
  await poll(() => new Set(server.all('app.info', { text: 'takes one' }).map(({ slot }) => slot)).size === 2)
  expect(await server.stop()).toEqual({ code: 0, signal: null })
  expect(server.all('job.cut')).toEqual([])
  expect(server.all('job.failed')).toEqual([])
})

test.skipIf(lacksRedis)('the consumer of BullMQ loses no job in a reload and a stop', async () => {
  const redis = await startRedis()
  onTestFinished(() => redis.stop())
  const queue = new Queue('mail', { connection: redis.connection })
  onTestFinished(() => queue.close())
  const server = run(bullmq, ['-w', '2'], { REDIS_URL: `redis://127.0.0.1:${redis.port}` })
  await server.ready()
  await queue.addBulk(Array.from({ length: 300 }, (_, n) => ({ name: 'mail', data: { to: `${n}` } })))
  server.signal('SIGHUP')
  await server.until('reload.done')
  await poll(async () => (await queue.getCompletedCount()) === 300)
  expect(await server.stop()).toEqual({ code: 0, signal: null })
  expect(await queue.getJobCounts('active', 'failed', 'waiting', 'completed')).toEqual({ active: 0, failed: 0, waiting: 0, completed: 300 })
  expect(server.all('job.failed')).toEqual([])
  expect(said(server, 'app.error')).toEqual([])
})

test.skipIf(lacksPostgres)('the consumer of pg-boss does jobs, and ends when it is told to', async () => {
  const postgres = await startPostgres()
  onTestFinished(() => postgres.stop())
  const { host, user, database } = postgres.connection
  const server = run(pgBoss, ['-w', '2'], { DATABASE_URL: `postgres://${user}@/${database}?host=${encodeURIComponent(host)}` })
  await server.ready()
  const boss = new PgBoss({ ...postgres.connection, supervise: false, schedule: false })
  boss.on('error', () => undefined)
  await boss.start()
  onTestFinished(() => boss.stop({ graceful: false }))
  const ids = await Promise.all(Array.from({ length: 4 }, (_, n) => boss.send('mail', { to: `${n}` })))
  for (const id of ids) await poll(async () => (await boss.getJobById('mail', String(id)))?.state === 'completed')
  expect(await server.stop()).toEqual({ code: 0, signal: null })
  expect(server.all('job.failed')).toEqual([])
})

test('the cron runner does its tasks each time, and in a reload the old one has left before the new one starts', async () => {
  const server = run(cron, ['-w', '1', '-t', '90', '--reload-max-unavailable', '1'], { EVERY_MS: '300' })
  await server.untilCount('app.info', 4)
  server.signal('SIGHUP')
  await server.until('reload.done')
  await server.untilCount('app.info', 2, { gen: 2 })
  expect(new Set(said(server))).toEqual(new Set(['cleanUp done', 'report done']))
  const lines = server.lines.map(({ event, gen, age }) => ({ event, gen, age }))
  const drains = lines.findIndex(({ event, age }) => event === 'worker.draining' && age === 1)
  expect(drains).toBeLessThan(lines.findIndex(({ event, age }) => event === 'worker.ready' && age === 2))
  expect(await server.stop()).toEqual({ code: 0, signal: null })
  expect(server.all('job.failed')).toEqual([])
})
