/** Workers as the charts and the roster of their arbiter know them. */
import type { SnapshotFrom } from 'xstate'
import type { arbiterMachine } from '../../machines/arbiter.ts'
import { rowsOf } from '../../machines/arbiter-rules.ts'
import type { HandleContext } from '../../machines/worker-handle.ts'
import type { Roster, RosterRow } from '../arbiter/roster.ts'
import { slotRank } from '../base/slot-name.ts'
import { statePath } from '../base/state-path.ts'
import type { Gauges } from '../ipc/messages.ts'
import type { WorkerView } from '../ipc/snapshot.ts'

export const noGauges: Gauges = { memoryBytes: 0, heapBytes: 0, utilization: 0, lagMs: 0 }

interface HandleSnapshot {
  readonly value: unknown
  readonly context: HandleContext
}

/** In the order of their slots, the elder first; spares at the end. */
export function workerViews(
  chart: SnapshotFrom<typeof arbiterMachine>,
  roster: Roster,
  appsOf: (age: number) => readonly string[] = () => [],
): WorkerView[] {
  const seen = new Map(roster.rows().map((row) => [row.age, row]))
  const children = chart.children as unknown as Readonly<Record<string, { getSnapshot(): HandleSnapshot } | undefined>>
  const rows = rowsOf(chart.context).flatMap(({ age, actorId }) => {
    const [row, handle] = [seen.get(age), children[actorId]?.getSnapshot()]
    // Until it is spawned there is no process to be shown.
    return row === undefined || handle === undefined ? [] : [viewOf(row, handle, appsOf(age))]
  })
  return rows.sort((one, other) => slotRank(one.slot) - slotRank(other.slot) || one.age - other.age)
}

function viewOf(row: RosterRow, { value, context }: HandleSnapshot, apps: readonly string[]): WorkerView {
  const { slot, age, generation, pid, startedAt, gauges, counters, requests, threads, lastBeatMs } = row
  return {
    pid,
    slot,
    age,
    generation,
    startedAt,
    state: statePath(value),
    stateSince: startedAt,
    ...(gauges ?? noGauges),
    isBooted: context.wasReady,
    lastBeatMs: lastBeatMs === null ? null : Math.round(performance.now() - lastBeatMs),
    counters,
    requests,
    threads,
    apps,
  }
}
