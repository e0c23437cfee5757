/** All that is known of a running server at one moment, as plain data: for the control socket, the dashboard and metrics. */
import type { Durations } from '../base/durations.ts'
import type { Counters, RequestInFlight, ThreadFact } from './messages.ts'

/** A running server at one moment, as plain data: its processes, what they do, and what they have done. */
export interface Snapshot {
  /** Milliseconds since the epoch. */
  readonly at: number
  readonly name: string
  readonly version: string
  readonly node: string
  readonly startedAt: number
  readonly generation: number
  readonly workersWanted: number
  readonly dirtyWorkersWanted: number
  readonly listeners: readonly ListenerView[]
  readonly arbiter: ProcessView
  readonly workers: readonly WorkerView[]
  readonly dirtyArbiter: ProcessView | null
  readonly dirtyWorkers: readonly WorkerView[]
  readonly dirtyApps: readonly DirtyAppView[]
  /** In the order in which they were started. */
  readonly sidecars: readonly SidecarView[]
  /** Calls that have ended. */
  readonly dirtyCalls: number
  /** Of all workers since the start, those that are gone included. */
  readonly totals: Counters
  /** How many processes were started and have ended, by cause. */
  readonly spawned: number
  readonly ended: Readonly<Record<string, number>>
  readonly reloads: number
}

/** One process. */
export interface ProcessView {
  readonly pid: number
  readonly startedAt: number
  /** Path of the state of its chart, as the arbiter sees it: `ready`, `draining`, `killing.autopsy`. */
  readonly state: string
  readonly stateSince: number
  /** Resident set size; 0 = not known yet. */
  readonly memoryBytes: number
  readonly heapBytes: number
  /** Share of the last seconds in which its event loop was busy, from 0 to 1. */
  readonly utilization: number
  /** How late its event loop ran at worst in the last second. */
  readonly lagMs: number
}

/** One worker, or dirty worker. */
export interface WorkerView extends ProcessView {
  readonly slot: number
  readonly age: number
  readonly generation: number
  /** It has been ready. */
  readonly isBooted: boolean
  readonly lastBeatMs: number | null
  readonly counters: Counters | null
  /** Longest first. */
  readonly requests: readonly RequestInFlight[]
  readonly threads: readonly ThreadFact[]
  /** Of a dirty worker. */
  readonly apps: readonly string[]
}

/** A foreign command that runs beside the workers. */
export interface SidecarView {
  readonly name: string
  /** With its arguments. */
  readonly command: string
  readonly restart: 'always' | 'on-failure' | 'never'
  /** Null while there is no process. */
  readonly pid: number | null
  readonly state: string
  readonly stateSince: number
  readonly startedAt: number | null
  /** How often it was started again. */
  readonly restarts: number
  /** Resident memory of the process itself; 0 = not known. */
  readonly memoryBytes: number
}

/** One address that is listened at. */
export interface ListenerView {
  readonly address: string
  readonly fd: number
  readonly type: 'tcp' | 'tcp6' | 'unix'
}

/** One app of the dirty pool. */
export interface DirtyAppView {
  readonly app: string
  /** Calls that wait for a worker. */
  readonly queued: number
  /** Places that are taken. */
  readonly leased: number
  /** Places of all workers. */
  readonly capacity: number
  /** Of the calls that had to wait, since the dirty arbiter started; null when there was none. */
  readonly waits: Durations | null
  readonly spec: string
  readonly workersWanted: number | null
  readonly workerPids: readonly number[]
}
