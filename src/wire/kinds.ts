/** Every frame of dirty calls, on one page. `call` numbers the calls of one connection; 0 is about none. */

/** Between a client and the broker in the dirty arbiter. The meta part is the value of the type named. */
export const toBroker = {
  /** `BrokerHello`. The first frame of a connection. */
  hello: 1,
  /** `LeaseWish`. */
  lease: 2,
  /** The lease that `call` asked for is not wanted any more. */
  unqueue: 3,
  /** `{ lease }`: its holder is done with it. */
  release: 4,
  /** `StashOrder`. */
  stash: 5,
  /** How much is waiting and running. */
  counts: 6,
  /** `{ workerPath }`: a call was lost there; how has that worker ended? */
  death: 7,
} as const

export const fromBroker = {
  /** `LeaseGrant`. */
  granted: 1,
  /** `Refusal`. */
  refused: 2,
  /** `{ lease }`: others wait; give it back as soon as its call is over. */
  recall: 3,
  /** The answer to a stash order: any value. */
  stashed: 4,
  /** `Welcome`, the answer to `hello`. */
  welcome: 5,
  /** A list of `AppCounts`, the answer to `counts`. */
  counted: 6,
  /** `Death`, or null. */
  death: 7,
} as const

/** Between a client and the thread of an app, which listens itself: a call goes no way around. */
export const toThread = {
  /** The first buffer is a `CallHead` in JSON; the meta part is the list of arguments. */
  call: 1,
  /** The caller does not want the answer any more; flags is 1 when its time was up. */
  cancel: 2,
  /** flags: how many more chunks the caller has taken. */
  credit: 3,
  /** An answer of a callback: what Comlink sends, for the channel in flags. */
  callback: 4,
} as const

/** Between a client and the main thread of a dirty worker, which answers while the thread of an app is blocked. */
export const toWorker = {
  /** `CallPlace`: this call, and those before it under its lease, are to end, by force if they do not heed their signal; flags is 1 when its time was up. */
  end: 1,
  /** `CallPlace`: the connection to its thread has ended; why? */
  fate: 2,
} as const

export const fromWorker = {
  /** `Refusal`, or null: the call does not run any more. flags is 1 when it never has, and never will. The answer to both. */
  over: 1,
} as const

export const fromThread = {
  /** The value. */
  result: 1,
  /** `Refusal`, or a `Thrown` of the app when flags is 1. */
  error: 2,
  /** A value of a stream. */
  chunk: 3,
  /** The stream is over. The meta part is what it returned. */
  end: 4,
  /** A call of a callback: what Comlink sends, for the channel in flags. */
  callback: 5,
  /** The lease of the call had ended before it came: nothing was begun, and another lease is to be asked for. */
  leaseOver: 6,
  /** The first frame of a connection, of no call: a thread that was ended before it has begun nothing of what was sent to it. */
  hello: 7,
  /** Of no call: it takes no more, and ends when its callers have closed their connections. */
  goodbye: 8,
} as const

export const isThrown = 1
export const isTimeout = 1
export const isUnbegun = 1

export interface BrokerHello {
  readonly version: 1
  readonly pid: number
}

export interface Welcome {
  /** How long a call may take that says nothing of its own; 0 = for ever. */
  readonly timeoutMs: number
  readonly frameMaxBytes: number
}

export interface LeaseWish {
  readonly app: string
  /** Calls of one key go to one worker while it lives. */
  readonly key: string | null
  /** Higher is sooner; 0 is usual. */
  readonly priority: number
  /** The lease under which the caller itself runs; null outside of dirty apps. */
  readonly parent: string | null
}

export interface LeaseGrant {
  readonly lease: string
  /** Where the thread listens that takes the call. */
  readonly path: string
  /** Where the main thread of its worker listens. */
  readonly workerPath: string
  /** The number of the thread in its worker. */
  readonly place: number
  /** For one call: the worker ends after it. */
  readonly isSingle: boolean
}

/** How a dirty worker has ended, as its parent saw it. */
export interface Death {
  readonly how: string
  readonly exitCode: number | null
  readonly signal: string | null
}

/** A call, as the main thread of its worker knows it. */
export interface CallPlace {
  /** The number of the thread in its worker. */
  readonly place: number
  readonly lease: string
  /** Its number on the connection to the thread. */
  readonly call: number
}

/** What the broker knows of an app at one moment. */
export interface AppCounts {
  readonly app: string
  /** Calls that wait for a worker. */
  readonly queued: number
  /** Places that are taken: calls that run, and places kept for a moment for the next call of the same caller. */
  readonly leased: number
  /** Places of all workers. */
  readonly capacity: number
}

export interface CallHead {
  readonly lease: string
  readonly app: string
  readonly action: string
  /** What is left of the call's time; 0 = no limit. */
  readonly leftMs: number
  /** Positions of arguments that are callbacks. */
  readonly callbacks: readonly number[]
  /** OpenTelemetry's context of the caller, if it has one. */
  readonly trace?: Readonly<Record<string, string>> | undefined
}

/** An error of our own: its code and what fills its sentence. */
export interface Refusal {
  readonly code: string
  readonly facts: Readonly<Record<string, string | number | boolean | null>>
  readonly thrown?: unknown
}

export type StashOrder =
  | {
      readonly op: 'put'
      readonly table: string
      readonly key: string
      readonly value: unknown
      readonly ttlMs: number | null
      readonly ifVersion: number | null
    }
  | { readonly op: 'get' | 'delete'; readonly table: string; readonly key: string }
  | { readonly op: 'incr'; readonly table: string; readonly key: string; readonly by: number; readonly ttlMs: number | null }
  | { readonly op: 'keys'; readonly table: string; readonly pattern: string | null }
  | { readonly op: 'clear' | 'info' | 'ensure' | 'deleteTable'; readonly table: string }
  | { readonly op: 'tables' }
  | { readonly op: 'exists'; readonly table: string; readonly key: string | null }

/** How much of a stream may be under way and not yet taken: so many chunks, and no other once there are so many bytes. */
export const streamWindow = { chunks: 32, bytes: 1024 * 1024 } as const
/** Chunks are told to have been taken in such portions. */
export const creditPortion = { chunks: 8, bytes: 128 * 1024 } as const
