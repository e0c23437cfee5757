/** What a dirty worker's main thread and the threads of its apps tell each other beside the calls, as calls of Comlink. */
import type { MessagePort } from 'node:worker_threads'
import type { StepAnswer } from './thread-control.ts'

export interface DirtyTask {
  /** Carries the calls (`wire/port-messages.ts`). */
  readonly calls: MessagePort
  readonly control: MessagePort
  readonly vitals: SharedArrayBuffer
  readonly orders: DirtyThreadOrders
}

export interface DirtyThreadOrders {
  readonly lane: number
  /** The name by which the app is called, and where its class is. */
  readonly app: string
  readonly spec: string
}

export type DirtyOpenAnswer = { readonly ok: true; readonly loadMs: number } | Extract<StepAnswer, { ok: false }>

export type DirtyLookAnswer =
  | { readonly ok: true; readonly workers: number | null; readonly threads: number | null; readonly stashes: readonly string[] }
  | Extract<StepAnswer, { ok: false }>

export interface DirtyControl {
  /** Loads the class, and says what it wants. */
  look(): Promise<DirtyLookAnswer>
  /** Loads the app, and takes calls. */
  open(host: DirtyThreadHost): Promise<DirtyOpenAnswer>
  shutDown(patienceMs: number): Promise<StepAnswer>
}

export interface DirtyThreadHost {
  hello(threadId: number): void
}
