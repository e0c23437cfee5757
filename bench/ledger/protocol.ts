/** What the ledger's driver and its load process say to each other. */

export interface LoadOptions {
  readonly port: number
  /** Connections that carry one request each. */
  readonly fresh: number
  /** Connections that are kept and never rest. */
  readonly kept: number
  /** Connections that are kept and rest for up to 1.5 s between two requests, as a browser's do. */
  readonly resting: number
}

export type LoadKind = 'fresh' | 'kept' | 'resting'

/** How far a request had come when it was lost. */
export type LossPhase = 'connecting' | 'sent' | 'head' | 'answered'

/** A request that did not get the answer it should have got. Times are milliseconds of the wall clock. */
export interface Loss {
  readonly id: string
  readonly kind: LoadKind
  readonly what: string
  readonly why: string
  readonly phase: LossPhase
  readonly isReused: boolean
  readonly localPort: number | null
  /** When the client began to connect, and when it was seen to be connected, which a busy machine may make late. */
  readonly openedAtMs: number | null
  readonly connectedAtMs: number | null
  readonly sentAtMs: number
  readonly lostAtMs: number
  /** The process that answered last on this connection. */
  readonly lastPid: number | null
}

export interface LoadResult {
  readonly requests: number
  readonly ok: number
  readonly losses: readonly Loss[]
}

export type ToLoad =
  | { readonly type: 'start'; readonly options: LoadOptions }
  /** Stops as soon as so many more have been answered; 0 = now. */
  | { readonly type: 'finish'; readonly after: number }

export type FromLoad = { readonly type: 'progress'; readonly done: number } | { readonly type: 'result'; readonly result: LoadResult }
