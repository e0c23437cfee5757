/** The tree of processes, told from the charts that live at a moment and, where there are any, from the figures of it. */
import { slotName, slotRank } from '../../base/slot-name.ts'
import type { Instance, Instances } from '../../ipc/instances.ts'
import type { ProcessView, Snapshot, WorkerView } from '../../ipc/snapshot.ts'

export type ProcessKind = 'arbiter' | 'worker' | 'dirty-arbiter' | 'dirty-worker' | 'sidecar'

export interface ProcessRow {
  /** The same for as long as the process lives. */
  readonly key: string
  readonly kind: ProcessKind
  readonly name: string
  readonly pid: number | null
  readonly slot: number | null
  readonly age: number | null
  readonly generation: number | null
  readonly state: string
  readonly sinceAt: number
  /** The chart that says so: of the process that looks after it. */
  readonly handle: Instance
  readonly figures: ProcessView | null
}

/** `ended` are handles whose process was reaped a moment ago: an end is to be seen before its row goes. */
export function processesOf(instances: Instances, ended: readonly Instance[], snapshot: Snapshot | null): ProcessRow[] {
  const all = [...instances.values(), ...ended]
  const arbiter = all.find(({ chart }) => chart === 'arbiter')
  const handles = all.filter(({ chart }) => chart === 'worker-handle')
  const workers = new Map(snapshot?.workers.map((row) => [row.age, row]))
  const dirtyWorkers = new Map(snapshot?.dirtyWorkers.map((row) => [row.age, row]))
  const rows = handles.map((handle) => {
    const kind = kindOf(handle)
    const age = numberIn(handle, 'age')
    const figures =
      kind === 'dirty-arbiter' ? (snapshot?.dirtyArbiter ?? null) : (kind === 'worker' ? workers : dirtyWorkers).get(age ?? -1)
    return rowOf(kind, handle, figures ?? null)
  })
  const byPlace = (kind: ProcessKind) =>
    rows
      .filter((row) => row.kind === kind)
      .sort((one, other) => slotRank(one.slot ?? 0) - slotRank(other.slot ?? 0) || (one.age ?? 0) - (other.age ?? 0))
  return [
    ...(arbiter === undefined ? [] : [arbiterRow(arbiter, snapshot?.arbiter ?? null)]),
    ...byPlace('worker'),
    ...byPlace('dirty-arbiter'),
    ...byPlace('dirty-worker'),
    ...all.filter(({ chart }) => chart === 'sidecar').map(sidecarRow),
  ]
}

export function kindOf({ role, actor }: Pick<Instance, 'role' | 'actor'>): ProcessKind {
  if (role === 'dirty-arbiter') return 'dirty-worker'
  return actor.startsWith('worker-handle dirty-arbiter') ? 'dirty-arbiter' : 'worker'
}

export const dirtyName = (slot: number | null): string => (slot !== null && slot < 0 ? `dirty ${slotName(slot)}` : `dirty ${slot}`)

function rowOf(kind: ProcessKind, handle: Instance, figures: ProcessView | null): ProcessRow {
  const slot = numberIn(handle, 'slot')
  const age = numberIn(handle, 'age')
  return {
    key: `${kind} ${age}`,
    kind,
    name: kind === 'dirty-arbiter' ? 'dirty arbiter' : kind === 'worker' ? `worker ${slot}` : dirtyName(slot),
    pid: numberIn(handle, 'childPid') ?? figures?.pid ?? null,
    slot,
    age,
    generation: numberIn(handle, 'generation') ?? (figures as WorkerView | null)?.generation ?? null,
    state: handle.state,
    sinceAt: handle.sinceAt,
    handle,
    figures,
  }
}

function arbiterRow(instance: Instance, figures: ProcessView | null): ProcessRow {
  const { pid, state, sinceAt } = instance
  return {
    key: 'arbiter',
    kind: 'arbiter',
    name: 'arbiter',
    pid,
    slot: null,
    age: null,
    generation: null,
    state,
    sinceAt,
    handle: instance,
    figures,
  }
}

/** It is named by its actor: one of the same name that follows a reload is another. */
function sidecarRow(handle: Instance): ProcessRow {
  const { actor, state, sinceAt } = handle
  const hasProcess = !state.startsWith('gone')
  return {
    key: actor,
    kind: 'sidecar',
    name: actor.split('#', 1)[0] ?? actor,
    pid: hasProcess ? numberIn(handle, 'childPid') : null,
    slot: null,
    age: numberIn(handle, 'age'),
    generation: null,
    state,
    sinceAt,
    handle,
    figures: null,
  }
}

/** A later step may say less than an earlier one, so both are asked. */
function numberIn({ last, ledBy }: Instance, fact: string): number | null {
  const value = last.facts[fact] ?? ledBy.facts[fact]
  return typeof value === 'number' ? value : null
}

/** The charts that run in a process; of a worker first the one that looks at it from outside. */
export function actorsOf(row: ProcessRow, instances: Instances): Instance[] {
  const inside = [...instances.values()].filter(
    ({ pid, chart }) =>
      pid === row.pid && !((chart === 'worker-handle' || chart === 'sidecar') && (row.kind === 'arbiter' || row.kind === 'dirty-arbiter')),
  )
  const sorted = inside.sort((one, other) => rank(one) - rank(other) || one.actor.localeCompare(other.actor, 'en', { numeric: true }))
  return row.kind === 'arbiter' ? sorted : [row.handle, ...sorted]
}

const order = ['arbiter', 'worker', 'thread-pool', 'rolling', 'keeper', 'lane', 'listener']
const rank = ({ chart }: Instance) => (order.indexOf(chart) + order.length) % order.length
