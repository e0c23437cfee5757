/** Jobs of pg-boss and of Graphile Worker in dirty apps, with a real PostgreSQL. */
import { existsSync } from 'node:fs'
import { join } from 'node:path'
import { run } from 'graphile-worker'
import PgBoss from 'pg-boss'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { indexDoor, poolOf } from '../support/bullmq.ts'
import { failure, startDirtyShared } from '../support/dirty.ts'
import type { Running } from '../support/harness.ts'
import { poll } from '../support/poll.ts'
import { lacksPostgres, type Postgres, startPostgres } from '../support/postgres.ts'

const apps = `
import { writeFileSync } from 'node:fs'
import { DirtyApp } from 'monoceros/dirty'
export class Jobs extends DirtyApp {
  double({ number }, job) { return { twice: 2 * number, of: job.name, id: job.id } }
  fail() { throw Object.assign(new RangeError('out of paper'), { code: 'E_PAPER' }) }
  die() { process.kill(process.pid, 'SIGKILL') }
  async more({ number }, { job, logger, addJob }) {
    await logger.info('begun')
    if (number > 0) await addJob(job.task_identifier, { number: number - 1 })
    writeFileSync('more.' + number, job.id)
  }
  async hold() {
    writeFileSync('held', '')
    await new Promise((resolve) => this.signal.addEventListener('abort', resolve))
    writeFileSync('let-go', '')
  }
}
`
const { createHandler } = indexDoor

describe.skipIf(lacksPostgres)('with a PostgreSQL', () => {
  let postgres: Postgres
  let server: Running
  let close: (keep?: boolean) => Promise<void>
  const handler = (action: string) => createHandler(poolOf(server), 'jobs', action)
  const seen = (file: string) => poll(() => existsSync(join(server.folder, file)))

  beforeAll(async () => {
    ;({ running: server, close } = startDirtyShared({
      args: ['--dirty-app', 'jobs=./apps.mjs:Jobs', '--dirty-workers', '1'],
      files: { 'apps.mjs': apps },
    }))
    postgres = await startPostgres()
    await server.ready()
  })
  afterAll(async () => {
    await postgres.stop()
    await close()
  })

  describe('pg-boss', () => {
    let boss: PgBoss
    beforeAll(async () => {
      boss = new PgBoss({ ...postgres.connection, supervise: false, schedule: false })
      boss.on('error', () => undefined)
      await boss.start()
    })
    afterAll(() => boss.stop({ graceful: false }))

    /** What becomes of a job that may be tried once. */
    async function outcome(action: string, data: object) {
      await boss.createQueue(action)
      const id = (await boss.send(action, data, { retryLimit: 0 })) as string
      const handle = handler(action)
      await boss.work(action, { pollingIntervalSeconds: 0.5 }, async ([job]) => handle(job?.data, { job: job as object }))
      return await poll(async () => {
        const job = await boss.getJobById(action, id)
        return job !== null && ['completed', 'failed'].includes(job.state) ? job : null
      })
    }

    test('a job is a call of an action, and its answer the job’s output', async () => {
      const job = await outcome('double', { number: 21 })
      expect(job).toMatchObject({ state: 'completed', output: { twice: 42, of: 'double', id: job.id } })
    })

    test('a job fails with what the action threw', async () => {
      const job = await outcome('fail', {})
      expect(job).toMatchObject({ state: 'failed', output: { name: 'RangeError', message: 'out of paper', code: 'E_PAPER' } })
    })

    test('a job whose process dies fails with the reason', async () => {
      const { length } = server.lines
      const job = await outcome('die', {})
      expect(job).toMatchObject({ state: 'failed', output: { code: 'MON_DIRTY_WORKER_LOST', facts: { signal: 'SIGKILL' } } })
      await server.until('worker.ready', { role: 'dirty-arbiter' }, { after: length })
    })
  })

  describe('Graphile Worker', () => {
    const connectionString = () => `postgres:///postgres?host=${postgres.connection.host}&user=postgres`

    test('an action calls what its job brings along, from the process of the pool', async () => {
      const runner = await run({
        connectionString: connectionString(),
        noHandleSignals: true,
        pollInterval: 200,
        taskList: { more: (data, helpers) => handler('more')(data, { job: helpers, signal: helpers.abortSignal }).then(() => undefined) },
      })
      await runner.addJob('more', { number: 2 })
      for (const number of [2, 1, 0]) await seen(`more.${number}`)
      await runner.stop()
    })

    test('a signal ends the job, and tells its action', async () => {
      const leaving = new AbortController()
      const held = handler('hold')({}, { signal: leaving.signal })
      await seen('held')
      leaving.abort()
      expect(await failure(held)).toMatchObject({ code: 'MON_DIRTY_CANCELLED' })
      await seen('let-go')
    })
  })
})
