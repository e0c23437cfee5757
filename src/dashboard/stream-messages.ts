/** What the page is told over its stream: server-sent events of these names, with these as their data. */
import type { ChildAutopsy } from '../ipc/child-autopsy.ts'
import type { Instance } from '../ipc/instances.ts'
import type { Snapshot, WorkerView } from '../ipc/snapshot.ts'
import type { Recorded } from '../ipc/transition.ts'
import type { TrendPoint } from './trend.ts'

export interface StreamMessages {
  readonly hello: Hello
  readonly steps: readonly Recorded[]
  readonly snapshot: SnapshotChange
  readonly trend: TrendPoint
  readonly autopsy: AutopsyReport
}

export interface Hello {
  /** Another one means another arbiter: what the page knows is of a life that is over. */
  readonly life: string
  readonly source: 'server' | 'file'
  readonly name: string
  /** Of the clock of the server. */
  readonly nowAt: number
  /** Charts that lived before the first step that follows. */
  readonly before: readonly Instance[]
  readonly firstId: number
  readonly lastId: number
  readonly snapshot: Snapshot | null
  readonly trend: readonly TrendPoint[]
  readonly autopsies: readonly AutopsyReport[]
}

export interface AutopsyReport extends ChildAutopsy {
  /** The n-th, from 1. */
  readonly id: number
}

/** What has changed since the snapshot before. */
export interface SnapshotChange {
  readonly at: number
  /** The fields that are no lists of workers, where they have changed. */
  readonly facts: Readonly<Partial<Omit<Snapshot, 'workers' | 'dirtyWorkers'>>>
  readonly workers: RowsChange
  readonly dirtyWorkers: RowsChange
}

export interface RowsChange {
  readonly changed: readonly WorkerView[]
  /** Ages of those that are no more; null: there are none but the changed ones. */
  readonly gone: readonly number[] | null
}
