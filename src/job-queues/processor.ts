/** The processor of a BullMQ `Worker` whose jobs run in a dirty app. */
import type { Job } from 'bullmq'
import { jobHandle } from './bullmq-job.ts'
import { type ActionOf, type CallsDirtyApps, callForJob, type DataOf, isNotBegun, type ResultOf } from './pool-call.ts'

/** How the jobs of a processor are called. */
export interface ProcessorOptions<Data = unknown> {
  /** How long one attempt may take, in milliseconds from its call, waiting included. The pool's `timeout` holds as well. */
  readonly timeoutMs?: number
  /** Jobs of one key go to one instance of the app while it lives, one after the other. */
  key?(job: Job<Data>): string
  /** How long a job waits, in milliseconds, while the pool is full, restarts or has no worker for it. 30,000 by default. */
  readonly patienceMs?: number
  /** After that it is put back, to be begun so many milliseconds later; no attempt is used up. 5,000 by default. */
  readonly postponeMs?: number
  /** A job that was cancelled (`worker.cancelJob`) has failed for good. By default it is an attempt that has failed. */
  readonly isCancelFinal?: boolean
}

/** What `createProcessor` makes, for a `Worker` of BullMQ. It declares three parameters: else BullMQ gives it no signal. */
export type JobProcessor<Data, Result> = (
  job: Job<Data, Result>,
  token: string | undefined,
  signal: AbortSignal | undefined,
) => Promise<Result>

const usualPatienceMs = 30_000
const usualPostponeMs = 5_000

/**
 * A processor for a `Worker` of BullMQ: each job is one call of an action of a dirty app, `action(data, job)`, in a process or
 * thread of its pool, and its answer is the job's result. This process stays free, so the lock of a job is renewed while the
 * job computes.
 *
 * What the action throws fails the job, with name, message, code and stack; BullMQ's own errors (`UnrecoverableError`,
 * `DelayedError`, `RateLimitError`, `WaitingChildrenError`, `WaitingError`) mean there what they mean everywhere. A process
 * that dies fails the jobs it had, with the reason (`MON_DIRTY_WORKER_LOST`). A job that is cancelled, or takes longer than
 * `timeoutMs`, is stopped (`MON_DIRTY_CANCELLED`, `MON_DIRTY_TIMEOUT`): its signal fires, and soon after its thread is ended.
 *
 * @param pool that of `createPool`; or `{ dirty }` of `monoceros/dirty`, in a process that monoceros has started
 * @param app the name of the dirty app
 * @param action one of its methods; no generator
 * @example
 * const pool = await createPool({ apps: { images: './images.ts:ImageApp' }, workers: 2 })
 * const worker = new Worker('thumbnails', createProcessor<ImageApp>(pool, 'images', 'thumbnail'), { connection, concurrency: 2 })
 */
export function createProcessor<App, Action extends ActionOf<App> = ActionOf<App>>(
  pool: CallsDirtyApps,
  app: string,
  action: Action,
  options: ProcessorOptions<DataOf<App, Action>> = {},
): JobProcessor<DataOf<App, Action>, ResultOf<App, Action>> {
  const { timeoutMs, key, patienceMs = usualPatienceMs, postponeMs = usualPostponeMs, isCancelFinal = false } = options
  return async (job, token, signal) => {
    try {
      return (await callForJob({
        pool,
        app,
        action,
        args: [job.data, jobHandle(job, token)],
        signal,
        timeoutMs,
        key: key?.(job),
        patienceMs,
      })) as ResultOf<App, Action>
    } catch (error) {
      if (isNotBegun(error)) throw await postponed(job, token, postponeMs, error as Error)
      throw isCodeOf(error, 'MON_DIRTY_CANCELLED') ? cancelled(error, signal?.reason, isCancelFinal) : error
    }
  }
}

/** Its row in the job's own log is how somebody learns why nothing happens. */
async function postponed(job: Job, token: string | undefined, postponeMs: number, why: Error): Promise<Error> {
  await job.log(`put back for ${postponeMs} ms, not begun: ${why.message}`)
  await job.moveToDelayed(Date.now() + postponeMs, token)
  return named('DelayedError', new Error('bullmq:movedToDelayed', { cause: why }))
}

function cancelled(error: Error, reason: unknown, isFinal: boolean): Error {
  const text = typeof reason === 'string' && reason !== '' ? `${error.message}: ${reason}` : error.message
  const told = Object.assign(new Error(text, { cause: reason }), { code: 'MON_DIRTY_CANCELLED' })
  return isFinal ? named('UnrecoverableError', told) : told
}

/** BullMQ knows its own errors by their names, too: it need not be loaded here. */
const named = (name: string, error: Error): Error =>
  Object.defineProperty(error, 'name', { value: name, configurable: true, writable: true })

const isCodeOf = (error: unknown, code: string): error is Error => error instanceof Error && (error as { code?: unknown }).code === code
