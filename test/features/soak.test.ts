import { expect, test } from 'vitest'
import { soakArbiter } from '../../bench/soak/arbiter.ts'
import { soakCharts } from '../../bench/soak/charts.ts'
import { chartsHeapGrowthMaxKiB } from '../../bench/soak/report.ts'

/** XState keeps for ever what it worked out for an event type: a name of its own for each child left 0.4 KiB behind. */
test('ten thousand recycles and 200 reloads leave no actor, timer, row or memory behind in the charts of the arbiter', async () => {
  const { before, after, heapGrowthKiB } = await soakCharts(10_000, 200)
  expect(after).toEqual(before)
  expect(heapGrowthKiB).toBeLessThan(chartsHeapGrowthMaxKiB)
})

/** `npm run soak` has the long form; this one sees what leaks by the descriptor or by the megabyte. */
test('recycles and reloads leave no descriptor, process or megabyte behind in the arbiter, and lose no request', async () => {
  const { rest, samples, failures, problems, recycles } = await soakArbiter({ recycles: 40, reloads: 5, sampleEvery: 5 })
  expect(recycles).toBeGreaterThanOrEqual(60)
  expect(failures).toEqual([])
  expect(problems).toEqual([])
  const [before, after] = rest
  expect(after).toEqual(before)
  const [first, last] = [samples.at(1)!, samples.at(-1)!]
  expect(last.heapKiB - first.heapKiB).toBeLessThan(4 * 1_024)
  expect(last.rssKiB - first.rssKiB).toBeLessThan(40 * 1_024)
})
