/** What a dirty worker's main thread and the threads of its apps tell each other beside the calls, as calls of Comlink. */
import type { MessagePort } from 'node:worker_threads'
import type { StepAnswer } from './thread-control.ts'

export interface DirtyTask {
  /** Carries words about calls (`wire/port-messages.ts`); the calls come to the thread's own socket. */
  readonly words: MessagePort
  readonly control: MessagePort
  readonly vitals: SharedArrayBuffer
  readonly page: SharedArrayBuffer
  readonly orders: DirtyThreadOrders
}

export interface DirtyThreadOrders {
  /** The name by which the app is called, and where its class is. */
  readonly app: string
  readonly spec: string
  /** Where it is called. */
  readonly path: string
  readonly frameMaxBytes: number
  /** Upper limit of any call; 0 = none. */
  readonly timeoutMs: number
  /** Each call that ends is told, and not only counted. */
  readonly isCounted: boolean
}

export type DirtyOpenAnswer = { readonly ok: true; readonly loadMs: number } | Extract<StepAnswer, { ok: false }>

export type DirtyLookAnswer =
  | { readonly ok: true; readonly workers: number | null; readonly threads: number | null; readonly stashes: readonly string[] }
  | Extract<StepAnswer, { ok: false }>

export interface DirtyControl {
  /** Loads the class, and says what it wants. */
  look(): Promise<DirtyLookAnswer>
  /** Loads the app, and takes calls. */
  open(): Promise<DirtyOpenAnswer>
  shutDown(patienceMs: number): Promise<StepAnswer>
}
