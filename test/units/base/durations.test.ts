import { expect, test } from 'vitest'
import { addDurations, bucketOf, durationBoundsMs, durationBuckets, quantileMs } from '../../../src/base/durations.ts'

const spread = (...durations: number[]) => ({
  sumMs: durations.reduce((sum, one) => sum + one, 0),
  buckets: Array.from({ length: durationBuckets }, (_, bucket) => durations.filter((one) => bucketOf(one) === bucket).length),
})

test('a duration is in the first bucket whose bound it does not exceed', () => {
  for (const [index, bound] of durationBoundsMs.entries()) {
    expect(bucketOf(bound)).toBe(index)
    expect(bucketOf(bound + 0.001)).toBe(index + 1)
  }
  expect(bucketOf(0)).toBe(0)
  expect(bucketOf(Number.POSITIVE_INFINITY)).toBe(durationBuckets - 1)
})

test('durations of two processes add up to those of one', () => {
  expect(addDurations(spread(1, 40), spread(40, 9_000, 100_000))).toEqual(spread(1, 40, 40, 9_000, 100_000))
})

test('a quantile is in the bucket where it lies', () => {
  expect(quantileMs(spread(), 0.5)).toBeNull()
  const many = spread(...Array.from({ length: 99 }, () => 3), 700)
  expect(quantileMs(many, 0.5)).toBeGreaterThan(2.5)
  expect(quantileMs(many, 0.5)).toBeLessThanOrEqual(5)
  expect(quantileMs(many, 0.999)).toBeGreaterThan(500)
})
