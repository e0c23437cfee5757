/** One second of a server, as numbers to be drawn over time. */
import { addDurations, type Durations, durationBuckets, quantileMs } from '../base/durations.ts'
import type { Tallies } from '../ipc/messages.ts'
import type { Snapshot } from '../ipc/snapshot.ts'

export interface TrendPoint {
  readonly at: number
  /** A second. */
  readonly answers: number
  readonly errors: number
  /** Of the requests that ended since the point before; null when there were none. */
  readonly p50Ms: number | null
  readonly p99Ms: number | null
  readonly inFlight: number
  readonly connections: number
  /** Calls of dirty apps: waiting for a place, and under way. */
  readonly queued: number
  readonly leased: number
  /** Threads of all workers: at work, and there. */
  readonly threadsBusy: number
  readonly threads: number
  readonly memoryBytes: number
  /** Of the busiest loop, and the mean, from 0 to 1. */
  readonly utilizationMax: number
  readonly utilization: number
  readonly lagMs: number
}

/** What a point is told from, beside the snapshot itself. */
export interface TrendMark {
  readonly at: number
  readonly served: number
  readonly failed: number
  readonly durations: Durations
}

export const trendPointsMax = 900

export function markOf(snapshot: Snapshot, tallies: Tallies): TrendMark {
  const { served, status5xx } = snapshot.totals
  const nothing: Durations = { sumMs: 0, buckets: Array.from({ length: durationBuckets }, () => 0) }
  return { at: snapshot.at, served, failed: status5xx, durations: Object.values(tallies.durations).reduce(addDurations, nothing) }
}

export function pointOf(snapshot: Snapshot, mark: TrendMark, before: TrendMark): TrendPoint {
  const seconds = Math.max(0.001, (mark.at - before.at) / 1_000)
  const processes = [
    snapshot.arbiter,
    ...snapshot.workers,
    ...(snapshot.dirtyArbiter === null ? [] : [snapshot.dirtyArbiter]),
    ...snapshot.dirtyWorkers,
  ]
  const threads = snapshot.workers.flatMap((worker) => worker.threads)
  const serving = [...snapshot.workers, ...snapshot.dirtyWorkers]
  const sum = (numbers: readonly number[]) => numbers.reduce((total, one) => total + one, 0)
  const most = (numbers: readonly number[]) => numbers.reduce((max, one) => Math.max(max, one), 0)
  const lately = since(mark.durations, before.durations)
  return {
    at: snapshot.at,
    answers: rounded(Math.max(0, mark.served - before.served) / seconds, 10),
    errors: rounded(Math.max(0, mark.failed - before.failed) / seconds, 10),
    p50Ms: quantile(lately, 0.5),
    p99Ms: quantile(lately, 0.99),
    inFlight: snapshot.totals.active,
    connections: snapshot.totals.connections,
    queued: sum(snapshot.dirtyApps.map(({ queued }) => queued)),
    leased: sum(snapshot.dirtyApps.map(({ leased }) => leased)),
    threadsBusy: threads.filter(({ inFlight }) => inFlight > 0).length,
    threads: threads.length,
    memoryBytes: sum(processes.map(({ memoryBytes }) => memoryBytes)),
    utilizationMax: rounded(most(serving.map(({ utilization }) => utilization)), 100),
    utilization: serving.length === 0 ? 0 : rounded(sum(serving.map(({ utilization }) => utilization)) / serving.length, 100),
    lagMs: rounded(most(serving.map(({ lagMs }) => lagMs)), 10),
  }
}

function since(now: Durations, before: Durations): Durations {
  return {
    sumMs: now.sumMs - before.sumMs,
    buckets: now.buckets.map((count, bucket) => Math.max(0, count - (before.buckets[bucket] ?? 0))),
  }
}

function quantile(durations: Durations, share: number): number | null {
  const ms = quantileMs(durations, share)
  return ms === null ? null : rounded(ms, 100)
}

const rounded = (value: number, parts: number) => Math.round(value * parts) / parts
