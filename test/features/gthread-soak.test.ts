import { expect, test } from 'vitest'
import { growthOfWorkers } from '../../bench/soak/report.ts'
import { soakThreads } from '../../bench/soak/threads.ts'

/** `npm run soak -- --faults 5000` has the long form; this one sees what leaks by the thread, the descriptor or the megabyte. */
test('a hundred and twenty faults leave no thread, descriptor or megabyte behind in the workers', async () => {
  const soak = await soakThreads({ faults: 120, workers: 3, samples: 4 })
  expect(soak.problems).toEqual([])
  expect(soak.ended['thread.died']).toBeGreaterThanOrEqual(25)
  expect(growthOfWorkers(soak)).toEqual([])
})
