/** The lives of processes as stretches of time, a row for each place: what the timeline draws. */
import { slotRank } from '../../base/slot-name.ts'
import type { Transition } from '../../ipc/transition.ts'
import { dirtyName, kindOf } from './processes.ts'

export interface Stretch {
  readonly fromAt: number
  /** Null while it lasts. */
  toAt: number | null
  readonly state: string
  /** The process that it is of. */
  readonly process: string
  /** Two processes may fill one place at a time: each has its half of the row. */
  readonly half: 0 | 1
}

export interface Lane {
  readonly name: string
  readonly rank: number
  readonly stretches: Stretch[]
}

export interface Lanes {
  add(step: Transition): void
  rows(): readonly Lane[]
}

interface Place {
  readonly name: string
  readonly rank: number
  readonly process: string
}

export function createLanes(): Lanes {
  const lanes = new Map<string, Lane>()
  const open = new Map<string, Stretch>()
  const starts = new Map<string, number>()
  let rows: Lane[] | null = null

  return {
    add(step) {
      const place = placeOf(step)
      if (place === null) return
      let lane = lanes.get(place.name)
      if (lane === undefined) {
        lane = { name: place.name, rank: place.rank, stretches: [] }
        lanes.set(place.name, lane)
        rows = null
      }
      const last = open.get(place.process)
      if (last !== undefined && last.state === step.to && !step.isOver) return
      if (last !== undefined) last.toAt = step.at
      if (step.isOver) {
        open.delete(place.process)
        // An end is seen too, however short.
        if (step.to !== last?.state)
          lane.stretches.push({ fromAt: step.at, toAt: step.at, state: step.to, process: place.process, half: last?.half ?? 0 })
        return
      }
      if (last === undefined) starts.set(place.name, (starts.get(place.name) ?? -1) + 1)
      const half = last?.half ?? (((starts.get(place.name) ?? 0) % 2) as 0 | 1)
      const stretch: Stretch = { fromAt: step.at, toAt: null, state: step.to, process: place.process, half }
      lane.stretches.push(stretch)
      open.set(place.process, stretch)
    },
    rows() {
      rows ??= [...lanes.values()].sort((one, other) => one.rank - other.rank)
      return rows
    },
  }
}

function placeOf(step: Transition): Place | null {
  if (step.chart === 'arbiter') return { name: 'arbiter', rank: 0, process: 'arbiter' }
  if (step.chart === 'sidecar') return { name: step.actor.split('#', 1)[0] ?? step.actor, rank: 3e6, process: step.actor }
  if (step.chart !== 'worker-handle') return null
  const kind = kindOf(step)
  const { slot, age } = step.facts
  if (typeof slot !== 'number') return null
  const process = `${kind} ${age}`
  if (kind === 'dirty-arbiter') return { name: 'dirty arbiter', rank: 1e6, process }
  return kind === 'worker'
    ? { name: `worker ${slot}`, rank: 1 + slot, process }
    : { name: dirtyName(slot), rank: 2e6 + slotRank(slot), process }
}
