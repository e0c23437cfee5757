import { expect, test } from 'vitest'
import { grown } from '../../bench/chaos/report.ts'
import { runChaos } from '../../bench/chaos/run.ts'

/** `npm run chaos` has the long form, of a hundred faults; this seed has every kind of victim. */
test('six faults in the processes of a dirty pool and of its callers leave no call open, no answer astray and nothing behind', async () => {
  const chaos = await runChaos({ faults: 6, seed: 39, callers: 30, betweenMs: 400 })
  expect(chaos.problems).toEqual([])
  expect(grown(chaos)).toEqual([])
  expect(chaos.outcomes['answered']).toBeGreaterThan(30)
})

test('calls that are given up while they block their threads cost no other call its answer', async () => {
  const chaos = await runChaos({ faults: 2, seed: 1, callers: 30, betweenMs: 100, only: ['given up'] })
  expect(chaos.problems).toEqual([])
  expect(grown(chaos)).toEqual([])
  expect(Object.keys(chaos.outcomes)).not.toContain('MON_DIRTY_WORKER_LOST')
  expect(chaos.outcomes['answered']).toBeGreaterThan(30)
})
