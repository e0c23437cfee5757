/** The processor with pools that a program makes: moving a job from a thread to a process is one word. */
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { distPath } from '../support/harness.ts'
import { quietEnd, runHost } from '../support/host.ts'

const jobs = `
export class Jobs {
  async work(data, job) {
    await job.updateProgress(5)
    return { id: job.id, rows: await job.log('begun'), data, isOwn: process.pid }
  }
  end() { process.exit(7) }
}`

test.each(['process', 'thread'])('a job is the same in a pool of each isolation: %s', async (isolation) => {
  const run = await runHost(
    `
    import { createProcessor } from ${JSON.stringify(join(distPath, 'src/bullmq.js'))}
    const pool = await createPool({ apps: { jobs: './jobs.mjs:Jobs' }, workers: 1, isolation: ${JSON.stringify(isolation)} })
    const progress = []
    const job = { id: '9', data: { a: 1 }, opts: {}, log: async () => 1, updateProgress: async (done) => void progress.push(done) }
    const { isOwn, ...answer } = await createProcessor(pool, 'jobs', 'work')(job, 'token', undefined)
    tell('done', { ...answer, progress, isOwn: isOwn === process.pid })
    const error = await createProcessor(pool, 'jobs', 'end')(job, 'token', undefined).catch((thrown) => thrown)
    tell('ended', { code: error.code, how: error.facts.how })
    await pool.close()
  `,
    { 'jobs.mjs': jobs },
  )
  expect(run).toMatchObject(quietEnd)
  expect(run.told('done')).toEqual([{ id: '9', rows: 1, data: { a: 1 }, progress: [5], isOwn: isolation === 'thread' }])
  expect(run.told('ended')).toEqual([{ code: 'MON_DIRTY_WORKER_LOST', how: expect.stringContaining('7') }])
})
