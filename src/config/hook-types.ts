import type { IncomingMessage, ServerResponse } from 'node:http'

/** The error log, for hooks: what is written here is a line of it, with the process that wrote it. */
export interface HookLog {
  readonly debug: (text: string) => void
  readonly info: (text: string) => void
  readonly warning: (text: string) => void
  readonly error: (text: string) => void
}

/** What a hook learns about the arbiter. */
export interface ArbiterFacts {
  readonly pid: number
  readonly name: string
  /** How many workers are wanted. */
  readonly workers: number
  readonly generation: number
  readonly address: readonly string[]
  /** The URL of the dashboard, with its token where one was made for it; null when there is none. */
  readonly dashboard: string | null
  readonly log: HookLog
}

/** What a hook learns about a worker. In `preFork` its pid is 0: there is none yet. */
export interface WorkerFacts {
  readonly pid: number
  readonly ppid: number
  readonly slot: number
  readonly age: number
  readonly generation: number
  /** Requests answered so far. */
  readonly served: number
  readonly log: HookLog
}

type Answer = void | Promise<void>

/** The hooks of a config file, by name. Each may be async. */
export interface Hooks {
  readonly onStarting?: (arbiter: ArbiterFacts) => Answer
  readonly whenReady?: (arbiter: ArbiterFacts) => Answer
  readonly onReload?: (arbiter: ArbiterFacts) => Answer
  readonly onExit?: (arbiter: ArbiterFacts) => Answer
  readonly nworkersChanged?: (arbiter: ArbiterFacts, newCount: number, oldCount: number | null) => Answer
  readonly preFork?: (arbiter: ArbiterFacts, worker: WorkerFacts) => Answer
  readonly childExit?: (arbiter: ArbiterFacts, worker: WorkerFacts) => Answer
  readonly postFork?: (worker: WorkerFacts) => Answer
  readonly postWorkerInit?: (worker: WorkerFacts) => Answer
  readonly preRequest?: (worker: WorkerFacts, req: IncomingMessage) => Answer
  readonly postRequest?: (worker: WorkerFacts, req: IncomingMessage, res: ServerResponse) => Answer
  readonly workerInt?: (worker: WorkerFacts) => Answer
  readonly workerAbort?: (worker: WorkerFacts) => Answer
  readonly workerExit?: (worker: WorkerFacts) => Answer
  readonly onDirtyStarting?: (arbiter: ArbiterFacts) => Answer
  readonly dirtyPostFork?: (worker: WorkerFacts) => Answer
  readonly dirtyWorkerInit?: (worker: WorkerFacts) => Answer
  readonly dirtyWorkerExit?: (worker: WorkerFacts) => Answer
}

export type HookName = keyof Hooks
