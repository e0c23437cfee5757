/**
 * How durations are counted: in buckets, so that those of many processes can be added up. The bounds are those that
 * quantiles are told from, from a quarter of a millisecond to a minute.
 */
export const durationBoundsMs = [
  0.25, 0.5, 1, 2.5, 5, 10, 25, 50, 75, 100, 250, 500, 750, 1_000, 2_500, 5_000, 10_000, 30_000, 60_000,
] as const

/** Those of the bounds, and one for all that takes longer. */
export const durationBuckets = durationBoundsMs.length + 1

/** The bucket of a duration: the first bound that is not below it. Most requests are short, so the search begins there. */
export function bucketOf(durationMs: number): number {
  let bucket = 0
  while (bucket < durationBoundsMs.length && durationMs > durationBoundsMs[bucket]!) bucket++
  return bucket
}

/** What the durations of one kind of request come to. */
export interface Durations {
  readonly sumMs: number
  /** One count for each bucket, not accumulated. */
  readonly buckets: readonly number[]
}

export function addDurations(one: Durations, other: Durations): Durations {
  return {
    sumMs: one.sumMs + other.sumMs,
    buckets: Array.from({ length: durationBuckets }, (_, bucket) => (one.buckets[bucket] ?? 0) + (other.buckets[bucket] ?? 0)),
  }
}

/** Below which time the given share (0 to 1) of them took, guessed evenly within its bucket; null when there were none. */
export function quantileMs({ buckets }: Durations, share: number): number | null {
  const count = buckets.reduce((sum, one) => sum + one, 0)
  if (count === 0) return null
  let wanted = share * count
  for (const [bucket, here] of buckets.entries()) {
    const from = durationBoundsMs[bucket - 1] ?? 0
    const to = durationBoundsMs[bucket] ?? from
    if (wanted <= here && here > 0) return from + (to - from) * (wanted / here)
    wanted -= here
  }
  return durationBoundsMs.at(-1)!
}
