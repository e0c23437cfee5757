/** The book of living children: who they are, when they last beat, and what they have counted. */
import type { Counters, RequestInFlight, ThreadFact } from '../ipc/messages.ts'

export interface RosterRow {
  readonly age: number
  readonly slot: number
  readonly generation: number
  readonly pid: number
  counters: Counters | null
  /** Of worker class gthread; others have none. */
  threads: readonly ThreadFact[]
  /** Those that were under way for a while at the last beat. */
  requests: readonly RequestInFlight[]
  /** On this process's monotonic clock; null until the first beat. */
  lastBeatMs: number | null
  readonly frozenMs: number
  onFrozen(silentMs: number): void
  reopen(): void
  /** Its chart is gone before it: it is to take itself for an orphan, finish what it has and end. */
  letGo(): void
}

export interface Roster {
  add(row: RosterRow): void
  remove(age: number): void
  /** What is not told stays as it was told last. */
  beat(age: number, counters?: Counters, requests?: readonly RequestInFlight[]): void
  keepThreads(age: number, threads: readonly ThreadFact[]): void
  rows(): readonly RosterRow[]
  /** Sums over the living and the dead. */
  totals(): Counters
  stop(): void
}

const lookMs = 500
const nothing: Counters = {
  accepted: 0,
  connections: 0,
  active: 0,
  served: 0,
  aborted: 0,
  status1xx: 0,
  status2xx: 0,
  status3xx: 0,
  status4xx: 0,
  status5xx: 0,
}

export function createRoster(): Roster {
  const rows = new Map<number, RosterRow>()
  let past = nothing
  let lookedMs = performance.now()

  const look = () => {
    const now = performance.now()
    const wasAway = now - lookedMs > 4 * lookMs
    lookedMs = now
    for (const row of rows.values()) {
      if (row.lastBeatMs === null || row.frozenMs === 0) continue
      // We stood still ourselves: their beats lie unread in the pipe.
      if (wasAway) row.lastBeatMs = now
      else if (now - row.lastBeatMs > row.frozenMs) {
        const silentMs = Math.round(now - row.lastBeatMs)
        row.lastBeatMs = null
        row.onFrozen(silentMs)
      }
    }
  }
  const timer = setInterval(look, lookMs)

  return {
    add: (row) => void rows.set(row.age, row),
    remove(age) {
      const row = rows.get(age)
      rows.delete(age)
      // What it had open is gone; what it has done stays counted.
      if (row?.counters) past = sum(past, { ...row.counters, connections: 0, active: 0 })
    },
    beat(age, counters, requests) {
      const row = rows.get(age)
      if (row === undefined) return
      row.lastBeatMs = performance.now()
      if (counters !== undefined) row.counters = counters
      if (requests !== undefined) row.requests = requests
    },
    keepThreads(age, threads) {
      const row = rows.get(age)
      if (row !== undefined) row.threads = threads
    },
    rows: () => [...rows.values()],
    totals: () => [...rows.values()].reduce((total, row) => (row.counters === null ? total : sum(total, row.counters)), past),
    stop: () => clearInterval(timer),
  }
}

function sum(a: Counters, b: Counters): Counters {
  const names = Object.keys(a) as (keyof Counters)[]
  return Object.fromEntries(names.map((name) => [name, a[name] + b[name]])) as unknown as Counters
}
