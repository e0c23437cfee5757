/** A job and a pool that cannot take it: it waits, and what has not begun uses up no attempt. */
import { expect, test } from 'vitest'
import { dirtyError } from '../../../src/dirty-client/errors.ts'
import { callForJob, isNotBegun, type JobCall } from '../../../src/job-queues/pool-call.ts'
import { createProcessor } from '../../../src/job-queues/processor.ts'

/** One whose action answers, or fails, with these one after the other; the last one for ever. */
function poolOf(...answers: readonly unknown[]) {
  const options: object[] = []
  let calls = 0
  const work = async () => {
    const answer = answers[Math.min(calls++, answers.length - 1)]
    if (answer instanceof Error) throw answer
    return answer
  }
  const dirty = () => ({
    with(given: object) {
      options.push(given)
      return { work }
    },
  })
  return { dirty, options, calls: () => calls }
}
const full = dirtyError('MON_DIRTY_QUEUE_FULL', { app: 'jobs', queueMax: 1 })
const order = (pool: ReturnType<typeof poolOf>, more: Partial<JobCall> = {}): JobCall => ({
  pool,
  app: 'jobs',
  action: 'work',
  args: [],
  signal: undefined,
  timeoutMs: undefined,
  key: undefined,
  patienceMs: 5_000,
  ...more,
})

test.each([
  ['its queue is full', full],
  ['it restarts', dirtyError('MON_DIRTY_CONNECTION', { problem: 'ECONNREFUSED' })],
  ['it stops', dirtyError('MON_DIRTY_CLOSING', {})],
  ['no worker has the app', dirtyError('MON_DIRTY_NO_WORKER', { app: 'jobs' })],
  ['its queue was too long', dirtyError('MON_DIRTY_TIMEOUT', { app: 'jobs', action: 'work', afterMs: 1, phase: 'queued' })],
])('a job waits while a pool cannot take it: %s', async (_, why) => {
  const pool = poolOf(why, why, 'done')
  expect(await callForJob(order(pool))).toBe('done')
  expect(pool.calls()).toBe(3)
})

test('a job that has begun is not called again', async () => {
  for (const why of [
    dirtyError('MON_DIRTY_WORKER_LOST', { app: 'jobs', how: 'killed by SIGKILL' }),
    dirtyError('MON_DIRTY_TIMEOUT', { app: 'jobs', action: 'work', afterMs: 1, phase: 'running' }),
  ]) {
    const pool = poolOf(why, 'done')
    await expect(callForJob(order(pool))).rejects.toBe(why)
    expect(pool.calls()).toBe(1)
    expect(isNotBegun(why)).toBe(false)
  }
})

test('its patience is all of its waiting, and then it is told why', async () => {
  const pool = poolOf(full)
  await expect(callForJob(order(pool, { patienceMs: 200 }))).rejects.toBe(full)
  expect(pool.calls()).toBeGreaterThan(1)
  const hasty = poolOf(full)
  await expect(callForJob(order(hasty, { patienceMs: 0 }))).rejects.toBe(full)
  expect(hasty.calls()).toBe(1)
})

test('a job that is cancelled while it waits does not wait on', async () => {
  const cancelled = dirtyError('MON_DIRTY_CANCELLED', { app: 'jobs', action: 'work' })
  const leaving = new AbortController()
  const pool = poolOf(full, full, full, full, cancelled)
  const done = callForJob(order(pool, { signal: leaving.signal, patienceMs: 60_000 }))
  leaving.abort()
  await expect(done).rejects.toBe(cancelled)
})

test('a job that has waited for too long is put back, which is no attempt, and its log says why', async () => {
  const rows: string[] = []
  const moved: unknown[] = []
  const job = {
    data: {},
    log: async (row: string) => rows.push(row),
    moveToDelayed: async (...given: unknown[]) => void moved.push(given),
  }
  const processor = createProcessor(poolOf(full), 'jobs', 'work', { patienceMs: 0, postponeMs: 60_000 })
  const before = Date.now()
  await expect(processor(job as never, 'the token', undefined)).rejects.toMatchObject({ name: 'DelayedError', cause: full })
  const [[atMs, token] = []] = moved as [number, string][]
  expect(token).toBe('the token')
  expect(atMs).toBeGreaterThanOrEqual(before + 60_000)
  expect(rows).toEqual([expect.stringContaining(full.message)])
})

test('BullMQ gives a processor its signal', () => {
  expect(createProcessor(poolOf('done'), 'jobs', 'work')).toHaveLength(3)
})
