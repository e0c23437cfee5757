/** A snapshot told as what has changed in it: of two hundred idle workers nothing is sent. */
import type { ProcessView, Snapshot, WorkerView } from '../ipc/snapshot.ts'
import type { RowsChange, SnapshotChange } from './stream-messages.ts'

const memoryStep = 256 * 1_024
const requestsMax = 20

/** Small changes of what is measured all the time are none. */
export function calmed(snapshot: Snapshot): Snapshot {
  return {
    ...snapshot,
    arbiter: calm(snapshot.arbiter),
    dirtyArbiter: snapshot.dirtyArbiter === null ? null : calm(snapshot.dirtyArbiter),
    workers: snapshot.workers.map(calmWorker),
    dirtyWorkers: snapshot.dirtyWorkers.map(calmWorker),
    sidecars: snapshot.sidecars.map((view) => ({ ...view, memoryBytes: calmBytes(view.memoryBytes) })),
  }
}

const calmBytes = (bytes: number) => Math.round(bytes / memoryStep) * memoryStep

function calm<View extends ProcessView>(view: View): View {
  return {
    ...view,
    memoryBytes: calmBytes(view.memoryBytes),
    heapBytes: calmBytes(view.heapBytes),
    utilization: Math.round(view.utilization * 100) / 100,
    lagMs: Math.round(view.lagMs),
  }
}

function calmWorker(view: WorkerView): WorkerView {
  const { lastBeatMs } = view
  return {
    ...calm(view),
    // A beat comes about every second: only one that is late is news.
    lastBeatMs: lastBeatMs === null || lastBeatMs < 2_000 ? (lastBeatMs === null ? null : 0) : Math.round(lastBeatMs / 1_000) * 1_000,
    requests: view.requests.slice(0, requestsMax),
  }
}

export function changeFrom(before: Snapshot, now: Snapshot): SnapshotChange {
  const { workers, dirtyWorkers, at, ...facts } = now
  const changed = Object.entries(facts).filter(([name, value]) => !isSame(before[name as keyof typeof facts], value))
  return {
    at,
    facts: Object.fromEntries(changed),
    workers: rowsChange(before.workers, workers),
    dirtyWorkers: rowsChange(before.dirtyWorkers, dirtyWorkers),
  }
}

function rowsChange(before: readonly WorkerView[], now: readonly WorkerView[]): RowsChange {
  const known = new Map(before.map((row) => [row.age, row]))
  const alive = new Set(now.map(({ age }) => age))
  return {
    changed: now.filter((row) => !isSame(known.get(row.age), row)),
    gone: before.filter(({ age }) => !alive.has(age)).map(({ age }) => age),
  }
}

export function applyChange(before: Snapshot, { at, facts, workers, dirtyWorkers }: SnapshotChange): Snapshot {
  return {
    ...before,
    ...facts,
    at,
    workers: applyRows(before.workers, workers),
    dirtyWorkers: applyRows(before.dirtyWorkers, dirtyWorkers),
  }
}

/** Rows that have not changed stay the same objects. */
function applyRows(before: readonly WorkerView[], { changed, gone }: RowsChange): readonly WorkerView[] {
  if (changed.length === 0 && gone?.length === 0) return before
  const rows = new Map(gone === null ? [] : before.map((row) => [row.age, row]))
  for (const age of gone ?? []) rows.delete(age)
  for (const row of changed) rows.set(row.age, row)
  return [...rows.values()].sort((one, other) => one.slot - other.slot || one.age - other.age)
}

const isSame = (one: unknown, other: unknown) => one === other || JSON.stringify(one) === JSON.stringify(other)
