/**
 * Every message between the arbiter and a worker, on one page. Orders go down and facts come up over the child's IPC
 * channel (structured clone); beats and autopsies come up the beat pipe, written by the child's watchdog thread.
 */
import type { Durations } from '../base/durations.ts'
import type { ErrorData } from '../base/errors.ts'
import type { ChildAutopsy } from './child-autopsy.ts'
import type { ChildTold } from './child-news.ts'
import type { Answered, Asked } from './questions.ts'
import type { DirtyAppView, WorkerView } from './snapshot.ts'
import type { Transition } from './transition.ts'

/** A bound socket as a worker sees it. `fd` is its position in the worker's descriptors; null: it is sent as a handle. */
export interface ListenerFact {
  readonly id: string
  readonly address: string
  readonly fd: number | null
}

/** What an unmodified program asked for with `listen()`. */
export interface ListenWish {
  readonly host: string | null
  readonly port: number | null
  readonly path: string | null
}

/** All that a worker needs to start; sent as the answer to `hello`. `settings` is the arbiter's validated snapshot. */
export interface BootOrder {
  readonly slot: number
  readonly age: number
  readonly generation: number
  readonly arbiterPid: number
  readonly name: string
  readonly settings: Readonly<Record<string, unknown>>
  readonly listeners: readonly ListenerFact[]
  /** True when `bind` was set by the user: then it wins over what the program listens to. */
  readonly isBindGiven: boolean
  readonly hookFile: { readonly path: string; readonly sha256: string } | null
  readonly hookNames: readonly string[]
  readonly maxRequests: number
  /** Of processes of the dirty pool only; for a worker, with how many threads each of its apps wants: else it is to ask their classes. */
  readonly dirty?: DirtyBoot
  readonly dirtyThreads?: Readonly<Record<string, number>>
}

/** What a dirty arbiter or a dirty worker is started with beside the rest. */
export interface DirtyBoot {
  /** The private folder of the sockets. */
  readonly folder: string
  /** Names and specs of the apps: all of them, or those that this worker has. */
  readonly apps: readonly { readonly name: string; readonly spec: string }[]
}

/** What a class says of itself, once it is loaded. */
export interface DirtyAppFacts {
  readonly name: string
  readonly workers: number | null
  readonly threads: number | null
  readonly stashes: readonly string[]
}

export type OrderToWorker =
  | { readonly type: 'boot'; readonly boot: BootOrder }
  | { readonly type: 'drain'; readonly graceMs: number; readonly isQuick: boolean; readonly reason: string }
  | { readonly type: 'reopen' }
  | { readonly type: 'level'; readonly level: string }
  /** It answers with `answer` and the same number. */
  | ({ readonly type: 'ask' } & Asked)
  /** To a dirty arbiter: ask that worker of yours. */
  | ({ readonly type: 'ask-worker'; readonly pid: number; readonly patienceMs: number } & Asked)
  /** To a dirty arbiter: kill all workers and end. */
  | { readonly type: 'force' }
  /** To a dirty worker: this lease ends with the call that runs under it, or at once; its holder is gone, or does not give it back. */
  | { readonly type: 'revoke'; readonly place: number; readonly lease: string; readonly isHolderGone: boolean }
  /** To a dirty worker, as the answer to `apps`: those that are its own, with how many threads each has. */
  | { readonly type: 'share'; readonly apps: DirtyBoot['apps']; readonly threads: Readonly<Record<string, number>> }
  /** To a dirty worker that stood by: it has this slot now, and these of its apps. */
  | { readonly type: 'promoted'; readonly slot: number; readonly apps: readonly string[] }
  /** To a dirty arbiter: replace the workers, with these settings; it answers with `reloaded` and the same number. */
  | {
      readonly type: 'reload'
      readonly reload: number
      readonly settings: Readonly<Record<string, unknown>>
      readonly apps: DirtyBoot['apps']
    }
  /** Comes with a handle, unless `problem` says why there is none. */
  | { readonly type: 'door'; readonly wishId: number; readonly listener: ListenerFact | null; readonly problem: ErrorData | null }

/** One thread of a worker, as its main thread sees it. */
export interface ThreadFact {
  readonly thread: number
  readonly isLeaving: boolean
  readonly inFlight: number
  readonly handled: number
  /** Share of the last second in which its loop was busy, from 0 to 1. */
  readonly utilization: number
  /** Of V8's old generation; 0 = not told yet. */
  readonly heapBytes: number
}

export type FactFromWorker =
  | { readonly type: 'hello' }
  /** `none`: it exports nothing to serve, and has not listened yet. */
  | { readonly type: 'loaded'; readonly kind: string; readonly loadMs: number }
  | { readonly type: 'ready'; readonly readyMs: number }
  | { readonly type: 'failed'; readonly exitCode: number; readonly error: ErrorData }
  | { readonly type: 'recycle'; readonly reason: string; readonly served: number }
  /** `problem`: its job has ended, and this is how; null: it was told to go. */
  | { readonly type: 'draining'; readonly problem: string | null }
  /** With its last counters: no beat may come any more. */
  | {
      readonly type: 'drained'
      readonly tookMs: number
      readonly cutRequests: number
      readonly counters: Counters
      readonly tallies?: Tallies
    }
  /** The process ends, by whatever it is that still lets it speak; of what a SIGKILL ends the last beat tells. */
  | { readonly type: 'counted'; readonly counters: Counters; readonly tallies: Tallies }
  /** Worker class gthread, once a second while it changes. */
  | { readonly type: 'threads'; readonly threads: readonly ThreadFact[]; readonly waiting: number }
  /** Steps of its charts, or of those of its own children, in their order; `dropped`: how many before them did not fit. */
  | { readonly type: 'transitions'; readonly steps: readonly Transition[]; readonly dropped: number }
  /** From a dirty worker that was to ask: what its apps say of themselves. It waits for its share of them. */
  | { readonly type: 'apps'; readonly apps: readonly DirtyAppFacts[] }
  /** A thread of it takes calls, takes no more, or has ended; `place` is its number in this worker. */
  | { readonly type: 'place'; readonly place: number; readonly app: string; readonly state: 'open' | 'leaving' | 'gone' }
  /** What ran under a revoked lease has ended. */
  | { readonly type: 'lease.over'; readonly lease: string }
  /** From a dirty arbiter. */
  | { readonly type: 'reloaded'; readonly reload: number; readonly problem: string | null }
  /** From a dirty arbiter, of one of its workers. */
  | { readonly type: 'child'; readonly told: ChildTold }
  /** From a dirty arbiter, once a second. */
  | { readonly type: 'pool'; readonly pool: DirtyPoolFacts }
  /** What a thread was at, or, from a dirty arbiter, one of its workers. */
  | { readonly type: 'autopsy'; readonly autopsy: ChildAutopsy }
  | ({ readonly type: 'answer' } & Answered)
  /** What nobody catches; the request is told if it was the only one in flight. It ends now, unless the app has a listener for it. */
  | { readonly type: 'uncaught'; readonly problem: string; readonly request: string | null }
  /** It is about to end itself by SIGKILL, and this is why. */
  | { readonly type: 'stuck'; readonly problem: string }
  /** Send the handle of a listener again (after a pause), or bind what the program listens to. */
  | { readonly type: 'door.wanted'; readonly wishId: number; readonly listenerId: string | null; readonly wish: ListenWish | null }

/** Counters of one worker, as they stand in its shared memory; the watchdog reads them even while the loop is blocked. */
export interface Counters {
  readonly accepted: number
  readonly connections: number
  readonly active: number
  readonly served: number
  readonly aborted: number
  readonly status1xx: number
  readonly status2xx: number
  readonly status3xx: number
  readonly status4xx: number
  readonly status5xx: number
}

/** What requests came to. Kinds that had none are left out, as most of them have. */
export interface Tallies {
  /** By status; `0`: nothing was sent. */
  readonly statuses: Readonly<Record<string, number>>
  /** By class of status, `2xx`; `0xx`: nothing was sent. */
  readonly durations: Readonly<Record<string, Durations>>
  /** How long those waited for a thread that had to. */
  readonly waits?: Durations
}

/** A request that is being answered, or a job or dirty call that runs: then `method` says which. */
export interface RequestInFlight {
  readonly method: string
  readonly path: string
  readonly ageMs: number
}

/** What the dirty arbiter knows of its workers and their apps. */
export interface DirtyPoolFacts {
  /** Calls that its workers have ended, the dead ones included. */
  readonly calls: number
  readonly workersWanted: number
  readonly workers: readonly WorkerView[]
  readonly apps: readonly DirtyAppView[]
}

/** What a process weighs, and how its event loop does. */
export interface Gauges {
  /** Resident set size. */
  readonly memoryBytes: number
  readonly heapBytes: number
  /** Share of the last second in which its loop was busy, from 0 to 1. */
  readonly utilization: number
  /** How late its loop ran at worst in the last second. */
  readonly lagMs: number
}

/** What a stuck process was doing. `where` tells apart JavaScript, native code, an idle loop and a frozen process. */
export interface Autopsy {
  readonly where: 'javascript' | 'native' | 'idle' | 'frozen'
  readonly phase: string
  readonly blockedMs: number
  readonly stack: readonly string[]
  readonly requests: readonly RequestInFlight[]
  /** From /proc where there is one: the kernel's wait channel and the process's children. */
  readonly waitChannel: string | null
  readonly children: readonly string[]
}

export type FactFromWatchdog =
  /** With the requests that take their time: of a process that dies at once nothing else is known. */
  | {
      readonly type: 'beat'
      readonly blockedMs: number
      readonly counters: Counters
      readonly tallies: Tallies
      readonly requests: readonly RequestInFlight[]
      readonly gauges: Gauges
    }
  /** The loop was blocked for a while and turns again; the autopsy, when one was taken, is of the time it was blocked. */
  | { readonly type: 'unblocked'; readonly blockedMs: number; readonly autopsy: Autopsy | null }
  | { readonly type: 'silent'; readonly blockedMs: number; readonly autopsy: Autopsy }
  /** The loop turns, but the job has given no beat for longer than the timeout. */
  | { readonly type: 'hung'; readonly silentMs: number; readonly autopsy: Autopsy }
  | { readonly type: 'autopsy'; readonly autopsy: Autopsy }
  | ({ readonly type: 'answer' } & Answered)

/** Down the beat pipe: read by the watchdog thread, whatever the main loop does. */
export type OrderToWatchdog = { readonly type: 'autopsy' } | ({ readonly type: 'ask' } & Asked)

/** What the watchdog thread is started with. */
export interface WatchOrders {
  readonly memory: SharedArrayBuffer
  readonly beatFd: number
  /** Silence of the loop that ends the worker while it serves; 0 = never. */
  readonly timeoutMs: number
  readonly graceMs: number
  /** Whom its own lines of the log are about. */
  readonly who: Readonly<object>
}

/** From the watchdog to its main thread, and back. */
export type WatchdogNews = { readonly type: 'parent.gone' } | { readonly type: 'last-beat' }
export type MainAnswer = { readonly type: 'drains' } | { readonly type: 'last-beat'; readonly stack: readonly string[] }
