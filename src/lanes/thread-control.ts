/**
 * What a worker's main thread and its threads tell each other beside the requests, on one page. It goes over a port of its
 * own, as calls (Comlink): steps of the thread's life down, wishes and news up.
 */
import type { MessagePort } from 'node:worker_threads'
import type { ErrorData } from '../base/errors.ts'
import type { LaneMemory } from './lane-memory.ts'

/** What a thread is started with. */
export interface ThreadTask {
  readonly memory: LaneMemory
  readonly bell: MessagePort
  readonly freight: MessagePort
  readonly control: MessagePort
  readonly orders: ThreadOrders
}

export interface ThreadOrders {
  readonly lane: number
  /** The app, as the user wrote it. */
  readonly spec: string
  readonly name: string
  readonly facts: { readonly pid: number; readonly ppid: number; readonly slot: number; readonly age: number; readonly generation: number }
  readonly concurrency: number
  readonly keepaliveMs: number
  readonly isFastResponse: boolean
  readonly isBodyCounted: boolean
}

export type StepAnswer = { readonly ok: true } | { readonly ok: false; readonly exitCode: number; readonly error: ErrorData }

/** The deadlines that the app has set on its server, away from Node's own. */
export interface ServerFacts {
  readonly hasUpgrade: boolean
  readonly keepAliveTimeout?: number
  readonly headersTimeout?: number
  readonly requestTimeout?: number
  readonly maxRequestsPerSocket?: number
  readonly timeout?: number
}

export type OpenAnswer =
  /** `server` is null when the program has listened itself, or said that it is ready. */
  | { readonly ok: true; readonly kind: string; readonly loadMs: number; readonly server: ServerFacts | null }
  | { readonly ok: false; readonly exitCode: number; readonly error: ErrorData }

/** What `server.address()` answers in the thread. */
export type ShownAddress = { readonly address: string; readonly port: number; readonly family: string } | string

export type DoorAnswer =
  | { readonly ok: true; readonly door: number; readonly address: ShownAddress }
  | { readonly ok: false; readonly problem: string }

/** The thread's side. */
export interface ThreadControl {
  /** Imports the app, runs its onStartup and waits until it has a server. */
  open(host: ThreadHost): Promise<OpenAnswer>
  /** Runs the app's onShutdown, closes its framework and calls its own signal handlers, within the patience. */
  shutDown(patienceMs: number): Promise<StepAnswer>
  /** What the app keeps with prom-client; empty where it has none. */
  appMetrics(): Promise<unknown[]>
}

/** What an unmodified program asked for with `listen()`. */
export interface ProgramListen {
  readonly host: string | null
  readonly port: number | null
  readonly path: string | null
}

/** The main thread's side. */
export interface ThreadHost {
  hello(threadId: number): void
  /** An event of the log's table, told by the thread. */
  log(event: string, facts: Readonly<globalThis.Record<string, unknown>>, stack: string | null): void
  /** Where the server of an exported app listens; settles when it does. */
  addressOf(door: number): Promise<ShownAddress>
  /** A `listen()` of an unmodified program. */
  listen(wish: ProgramListen, server: ServerFacts): Promise<DoorAnswer>
  closed(door: number): void
}
