/** What a job is given: the types for its authors, and the object itself. */
import { dirty } from '../../dirty-client/dirty.ts'
import type { Run } from '../../jobs/run.ts'
import type { Tracked } from '../../jobs/tracked.ts'
import type { AppLogger } from '../../log/app-logger.ts'

/** What the function of worker class `job` is called with. Its members may be taken apart: `async ({ signal, track }) => …`. */
export interface JobContext {
  /**
   * Aborts when this worker is to end: at a stop, a reload, a recycle, or when there are to be fewer workers. From then on
   * the function has `graceful_timeout` to return, and the tracked promises have it to settle; what has not is cut.
   */
  readonly signal: AbortSignal
  /** The number of the place that this worker fills, from 0; a worker that is replaced leaves it to its successor. */
  readonly slot: number
  /** The n-th worker that was started; never used again. */
  readonly age: number
  /** Number of the configuration that this worker was started with; a reload counts one more. */
  readonly generation: number
  /** The name of the service, as in `ps` (`proc_name`). */
  readonly name: string
  /** A pino logger whose lines are lines of the error log, with `role`, `slot` and `pid`; `child()` and all levels work. */
  readonly logger: AppLogger
  /** The actions of a dirty app: the function of the same name of `monoceros/dirty`. */
  readonly dirty: typeof dirty
  /**
   * A sign of life. From the first on, this worker is held to hang when none comes for `timeout` seconds, although its event
   * loop turns: an await that never comes back. It is shown, killed and replaced. Until the function has returned.
   */
  beat(): void
  /**
   * Says that work is under way: drain waits for it, it counts as one job (towards `max_requests` too), and it is shown
   * with its label and age wherever requests in flight are.
   *
   * @param label what it is called, up to about 180 characters of Latin-1; others are shown as a dot, and `?` too
   * @returns a promise that settles as the given one does; a rejection is the caller's to handle
   * @example await ctx.track(resize(job), `resize ${job.id}`)
   */
  track<T>(promise: PromiseLike<T> | T, label?: string): Promise<T>
  /** This worker is ready: what it needs is connected. Without it, it is when the function returns. */
  ready(): void
}

/**
 * What an app of worker class `job` exports, as `default`, `job` or `run`, or by the name after the colon. A throw before it
 * is ready fails the boot; after that it ends the worker, which is replaced.
 *
 * @example
 * // consumer.ts: monoceros consumer.ts -k job -w 2
 * import { setTimeout as sleep } from 'node:timers/promises'
 * import type { Job } from 'monoceros'
 *
 * export default (async ({ signal, ready, track, logger, slot }) => {
 *   ready()
 *   while (!signal.aborted) await track(sleep(100), `round of ${slot}`)
 *   logger.info('no more rounds')
 * }) satisfies Job
 */
export type Job = (context: JobContext) => unknown

export interface JobFacts {
  readonly slot: number
  readonly age: number
  readonly generation: number
  readonly name: string
}

export function jobContext(facts: JobFacts, run: Run, tracked: Tracked, logger: AppLogger, beat: () => void): JobContext {
  return {
    ...facts,
    signal: run.signal,
    logger,
    dirty,
    beat,
    track: (promise, label = 'job') => tracked.track(promise, String(label)),
    ready: run.ready,
  }
}
