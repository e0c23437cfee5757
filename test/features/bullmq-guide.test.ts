/** The services that the guide shows are programs, and do with real queues what it says. */
import { mkdirSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import { dirname, join } from 'node:path'
import { pathToFileURL } from 'node:url'
import { Queue, QueueEvents } from 'bullmq'
import { makeWorkerUtils } from 'graphile-worker'
import PgBoss from 'pg-boss'
import { expect, onTestFinished, test } from 'vitest'
import { distPath, type Running, root, start, testFolder } from '../support/harness.ts'
import { poll } from '../support/poll.ts'
import { lacksPostgres, type Postgres, startPostgres } from '../support/postgres.ts'
import { lacksRedis, startRedis } from '../support/redis.ts'

const text = readFileSync(join(root, 'docs/guide/bullmq.md'), 'utf8')
const [images = '', bullmq = '', pgBoss = '', graphile = '', initials = ''] = [...text.matchAll(/^```ts\n(.*?)^```$/gms)].map(
  ([, block = '']) => block,
)
const jiti = join(dirname(createRequire(import.meta.url).resolve('jiti')), 'jiti-cli.mjs')

/** In a folder whose packages are those of this repository, and `monoceros` the build under test. */
function run(files: { 'service.ts': string; 'images.ts': string }, env: Readonly<Record<string, string>>): Running {
  const folder = testFolder(files)
  onTestFinished(() => rmSync(folder, { recursive: true, force: true }))
  const modules = join(folder, 'node_modules')
  mkdirSync(join(modules, 'monoceros'), { recursive: true })
  for (const name of ['bullmq', 'pg-boss', 'graphile-worker']) symlinkSync(join(root, 'node_modules', name), join(modules, name))
  const doors = { '.': 'index', './bullmq': 'bullmq', './dirty': 'dirty' }
  for (const file of Object.values(doors)) {
    const from = pathToFileURL(join(distPath, `src/${file}.js`)).href
    writeFileSync(join(modules, 'monoceros', `${file}.js`), `export * from ${JSON.stringify(from)}\n`)
  }
  const exports = Object.fromEntries(Object.entries(doors).map(([door, file]) => [door, `./${file}.js`]))
  writeFileSync(join(modules, 'monoceros/package.json'), JSON.stringify({ name: 'monoceros', type: 'module', exports }))
  writeFileSync(join(folder, 'package.json'), JSON.stringify({ type: 'module' }))
  return start({ cli: jiti, args: ['service.ts'], cwd: folder, env })
}

const urlOf = ({ connection: { host, user, database } }: Postgres) => `postgres://${user}@/${database}?host=${encodeURIComponent(host)}`

test.skipIf(lacksRedis)('the service of BullMQ does a job, and finishes it when it is told to end', async () => {
  const redis = await startRedis()
  onTestFinished(() => redis.stop())
  const { connection } = redis
  const queue = new Queue('thumbnails', { connection })
  const events = new QueueEvents('thumbnails', { connection })
  await events.waitUntilReady()
  const service = run({ 'service.ts': bullmq, 'images.ts': images }, { REDIS_URL: `redis://127.0.0.1:${redis.port}` })
  const job = await queue.add('any', { words: ['all', 'be', 'calm'] }, { attempts: 4 })
  expect(await job.waitUntilFinished(events)).toBe('abc')
  expect((await queue.getJobLogs(job.id as string)).logs).toEqual(['attempt 1 of 4'])
  expect((await queue.getJob(job.id as string))?.progress).toBe(50)
  expect(await service.stop()).toEqual({ code: 0, signal: null })
  await events.close()
  await queue.close()
})

test.skipIf(lacksPostgres)('the services of pg-boss and Graphile Worker do jobs, and end when they are told to', async () => {
  const postgres = await startPostgres()
  onTestFinished(() => postgres.stop())
  const env = { DATABASE_URL: urlOf(postgres) }

  const one = run({ 'service.ts': pgBoss, 'images.ts': initials }, env)
  const boss = new PgBoss({ ...postgres.connection, supervise: false, schedule: false })
  boss.on('error', () => undefined)
  await boss.start()
  const queue = () => boss.getQueue('initials').catch(() => null)
  await poll(queue)
  const id = (await boss.send('initials', { words: ['x', 'y'] })) as string
  await poll(async () => (await boss.getJobById('initials', id))?.state === 'completed')
  expect((await boss.getJobById('initials', id))?.output).toEqual({ text: 'xy' })
  await boss.stop({ graceful: false })
  expect(await one.stop()).toEqual({ code: 0, signal: null })

  const other = run({ 'service.ts': graphile, 'images.ts': initials }, env)
  const utils = await makeWorkerUtils({ connectionString: env.DATABASE_URL })
  await utils.migrate()
  const job = await utils.addJob('initials', { words: ['x', 'y'] })
  // A job that is done is deleted; one that has failed stays.
  const left = () => utils.withPgClient((client) => client.query('select 1 from graphile_worker.jobs where id = $1', [job.id]))
  await poll(async () => (await left()).rowCount === 0)
  await utils.release()
  expect(await other.stop()).toEqual({ code: 0, signal: null })
})
