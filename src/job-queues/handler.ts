/** For job queues that take plain functions: pg-boss, Graphile Worker. */
import { remoteObject } from '../wire/remote-object.ts'
import { type ActionOf, type CallsDirtyApps, callForJob, type DataOf, type ResultOf } from './pool-call.ts'

/** How the jobs of a handler are called. */
export interface HandlerOptions {
  /** How long a job may take, in milliseconds from its call, waiting included. The pool's `timeout` holds as well. */
  readonly timeoutMs?: number
  /** How long a job waits, in milliseconds, while the pool is full, restarts or has no worker for it. 30,000 by default. */
  readonly patienceMs?: number
}

/** What a queue knows of a job beside its data. */
export interface HandledJob {
  /** When it fires the job is stopped. */
  readonly signal?: AbortSignal | undefined
  /** Jobs of one key go to one instance of the app while it lives, one after the other. */
  readonly key?: string
  /** What the action gets as its second argument: what is plain in it is read there, its methods are called here. */
  readonly job?: object
}

/** What `createHandler` makes: does one job, and answers with its result. */
export type JobHandler<Data, Result> = (data: Data, of?: HandledJob) => Promise<Result>

const usualPatienceMs = 30_000

/**
 * A function that does a job by a call of a dirty app, `action(data, job)`, and answers with its result. It fails with what
 * the action threw, or with a DirtyError that says what became of the job.
 *
 * @example
 * const thumbnail = createHandler<ImageApp>(pool, 'images', 'thumbnail')
 * // pg-boss
 * await boss.work<Uint8Array>('thumbnails', async ([job]) => thumbnail(job.data, { job }))
 * // Graphile Worker
 * const taskList: TaskList = {
 *   thumbnail: async (data, { job, abortSignal }) => void (await thumbnail(data as Uint8Array, { job, signal: abortSignal })),
 * }
 */
export function createHandler<App, Action extends ActionOf<App> = ActionOf<App>>(
  pool: CallsDirtyApps,
  app: string,
  action: Action,
  { timeoutMs, patienceMs = usualPatienceMs }: HandlerOptions = {},
): JobHandler<DataOf<App, Action>, ResultOf<App, Action>> {
  return async (data, { signal, key, job = {} } = {}) =>
    (await callForJob({
      pool,
      app,
      action,
      args: [data, remoteObject(job, plainFactsOf(job))],
      signal,
      timeoutMs,
      key,
      patienceMs,
    })) as ResultOf<App, Action>
}

/** Without the data, which the action has. */
function plainFactsOf(job: object): object {
  return Object.fromEntries(Object.entries(job).filter(([name, value]) => name !== 'data' && name !== 'payload' && isPlain(value)))
}

/** No socket, no pool, no function at any depth that a job would have. */
function isPlain(value: unknown, depth = 0): boolean {
  if (typeof value === 'function' || typeof value === 'symbol') return false
  if (typeof value !== 'object' || value === null || value instanceof Date) return true
  const proto = Object.getPrototypeOf(value)
  if (!Array.isArray(value) && proto !== Object.prototype && proto !== null) return false
  return depth < 8 && Object.values(value).every((one) => isPlain(one, depth + 1))
}
