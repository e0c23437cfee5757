import { expect, test } from 'vitest'
import { grown } from '../../bench/chaos/report.ts'
import { runChaos } from '../../bench/chaos/run.ts'

/** `npm run chaos` has the long form, of a hundred faults; this seed has every kind of victim. */
test('ten faults in the processes of a dirty pool and of its callers leave no call open, no answer astray and nothing behind', async () => {
  const chaos = await runChaos({ faults: 10, seed: 19_415, callers: 30, betweenMs: 400 })
  expect(chaos.problems).toEqual([])
  expect(grown(chaos)).toEqual([])
  expect(chaos.outcomes['answered']).toBeGreaterThan(100)
})
