/** The book of living children: who they are, when they last beat, and what they have counted. */
import { addDurations } from '../base/durations.ts'
import type { Counters, Gauges, OrderToWorker, RequestInFlight, Tallies, ThreadFact } from '../ipc/messages.ts'
import type { Asks } from './asks.ts'

export interface RosterRow {
  readonly age: number
  /** Below 0 while it stands by in a dirty pool. */
  slot: number
  readonly generation: number
  readonly pid: number
  /** Milliseconds since the epoch. */
  readonly startedAt: number
  counters: Counters | null
  tallies: Tallies | null
  /** As it said with its last beat. */
  gauges: Gauges | null
  /** Of worker class gthread; others have none. */
  threads: readonly ThreadFact[]
  /** Requests that wait for a thread. */
  waiting: number
  /** Those that were under way for a while at the last beat. */
  requests: readonly RequestInFlight[]
  /** On this process's monotonic clock; null until the first beat. */
  lastBeatMs: number | null
  readonly frozenMs: number
  onFrozen(silentMs: number): void
  send(order: OrderToWorker): void
  readonly ask: Asks['ask']
  /** Its chart is gone before it: it is to take itself for an orphan, finish what it has and end. */
  letGo(): void
}

/** What is not told stays as it was told last. */
export interface BeatNews {
  readonly counters?: Counters
  readonly tallies?: Tallies
  readonly requests?: readonly RequestInFlight[]
  readonly gauges?: Gauges
}

export interface Roster {
  add(row: RosterRow): void
  remove(age: number): void
  /** It has another slot from now on. */
  move(age: number, slot: number): void
  beat(age: number, told?: BeatNews): void
  keepThreads(age: number, threads: readonly ThreadFact[], waiting: number): void
  rows(): readonly RosterRow[]
  /** Its chart is gone before the child: it finishes what it has and ends. */
  letGo(age: number): void
  /** Sums over the living and the dead. */
  totals(): Counters
  /** The same of what requests came to. */
  tallies(): Tallies
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
  let pastTallies: Tallies = { statuses: {}, durations: {} }
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
      if (row?.tallies) pastTallies = addTallies(pastTallies, row.tallies)
    },
    move(age, slot) {
      const row = rows.get(age)
      if (row !== undefined) row.slot = slot
    },
    beat(age, told = {}) {
      const row = rows.get(age)
      if (row === undefined) return
      row.lastBeatMs = performance.now()
      // Last words overtake the beats that lie in the pipe: what is counted never becomes less.
      if (told.counters !== undefined && told.counters.served >= (row.counters?.served ?? 0)) {
        row.counters = told.counters
        if (told.tallies !== undefined) row.tallies = told.tallies
      }
      if (told.requests !== undefined) row.requests = told.requests
      if (told.gauges !== undefined) row.gauges = told.gauges
    },
    keepThreads(age, threads, waiting) {
      const row = rows.get(age)
      if (row === undefined) return
      row.threads = threads
      row.waiting = waiting
    },
    rows: () => [...rows.values()],
    letGo: (age) => rows.get(age)?.letGo(),
    totals: () => [...rows.values()].reduce((total, row) => (row.counters === null ? total : sum(total, row.counters)), past),
    tallies: () => [...rows.values()].reduce((total, row) => (row.tallies === null ? total : addTallies(total, row.tallies)), pastTallies),
    stop: () => clearInterval(timer),
  }
}

function sum(a: Counters, b: Counters): Counters {
  const names = Object.keys(a) as (keyof Counters)[]
  return Object.fromEntries(names.map((name) => [name, a[name] + b[name]])) as unknown as Counters
}

function addTallies(one: Tallies, other: Tallies): Tallies {
  const statuses = { ...one.statuses }
  for (const [status, count] of Object.entries(other.statuses)) statuses[status] = (statuses[status] ?? 0) + count
  const durations = { ...one.durations }
  for (const [kind, more] of Object.entries(other.durations)) {
    const before = durations[kind]
    durations[kind] = before === undefined ? more : addDurations(before, more)
  }
  const waits = one.waits === undefined || other.waits === undefined ? (one.waits ?? other.waits) : addDurations(one.waits, other.waits)
  return { statuses, durations, ...(waits === undefined ? {} : { waits }) }
}
