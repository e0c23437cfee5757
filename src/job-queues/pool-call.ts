/** A job as a call of a dirty app: it waits while the pool has no room or is not there, and fails with what the app threw. */
import { setTimeout as sleep } from 'node:timers/promises'

/** What `createPool` answers with, or `{ dirty }` of `monoceros/dirty` in a process that monoceros has started. */
export interface CallsDirtyApps {
  dirty(app: string): unknown
}

/** The actions of an app; of one whose type is not given, any name. */
export type ActionOf<App> = unknown extends App
  ? string
  : Exclude<
      { [Name in keyof App]: App[Name] extends (...args: never[]) => unknown ? Name : never }[keyof App] & string,
      'init' | 'close' | `_${string}`
    >

// biome-ignore lint/suspicious/noExplicitAny: an app whose type is not given takes and answers what it likes
type Untyped = any

export type DataOf<App, Action> = Action extends keyof App
  ? App[Action] extends (data: infer Data, ...rest: never[]) => unknown
    ? Data
    : never
  : Untyped

export type ResultOf<App, Action> = Action extends keyof App
  ? App[Action] extends (...args: never[]) => infer Result
    ? Awaited<Result>
    : never
  : Untyped

export interface JobCall {
  readonly pool: CallsDirtyApps
  readonly app: string
  readonly action: string
  readonly args: readonly unknown[]
  /** The job is over when it fires: what runs for it is ended. */
  readonly signal: AbortSignal | undefined
  readonly timeoutMs: number | undefined
  readonly key: string | undefined
  /** How long it may wait, in all, for a pool that cannot take it. */
  readonly patienceMs: number
}

type Actions = Readonly<Record<string, (...args: readonly unknown[]) => PromiseLike<unknown>>>
type Failure = Error & { readonly code?: unknown; readonly facts?: { readonly phase?: unknown } }

const firstWaitMs = 50
const longestWaitMs = 2_000
const notBegun = new Set<unknown>(['MON_DIRTY_QUEUE_FULL', 'MON_DIRTY_CONNECTION', 'MON_DIRTY_CLOSING', 'MON_DIRTY_NO_WORKER'])

/** Nothing of the job has run: it may be done at another time. */
export function isNotBegun(error: unknown): boolean {
  if (!(error instanceof Error)) return false
  const { code, facts } = error as Failure
  return notBegun.has(code) || (code === 'MON_DIRTY_TIMEOUT' && facts?.phase === 'queued')
}

/** @throws the app's own error, or a DirtyError of what became of the call */
export async function callForJob(job: JobCall): Promise<unknown> {
  const { pool, app, action, args, signal, timeoutMs, key, patienceMs } = job
  const options = {
    ...(signal === undefined ? {} : { signal }),
    ...(timeoutMs === undefined ? {} : { timeoutMs }),
    ...(key === undefined ? {} : { key }),
  }
  const actions = (pool.dirty(app) as { with(options: object): Actions }).with(options)
  const startedMs = performance.now()
  for (let waitMs = firstWaitMs; ; waitMs = Math.min(2 * waitMs, longestWaitMs)) {
    try {
      return await actions[action]?.(...args)
    } catch (error) {
      const isPatient = performance.now() + waitMs - startedMs <= patienceMs
      if (!isNotBegun(error) || !isPatient) throw ownError(error)
      // An abort ends the wait; the call that follows says that it was cancelled.
      await sleep(waitMs, undefined, signal === undefined ? {} : { signal }).catch(() => undefined)
    }
  }
}

/** What the app threw is what the job's owner looks for; that it came out of a dirty app he knows. */
function ownError(error: unknown): unknown {
  const { code, cause } = error as Failure
  return code === 'MON_DIRTY_APP' && cause instanceof Error ? cause : error
}
