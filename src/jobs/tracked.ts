/** The jobs of a worker that its drain waits for: counted, shown while they are in flight, and told by name when they are cut. */
import { setImmediate as nextTurn } from 'node:timers/promises'
import type { RequestInFlight } from '../ipc/messages.ts'
import { nowMs, type Pulse } from '../ipc/pulse.ts'

export interface TrackedOptions {
  readonly pulse: Pick<Pulse, 'begin' | 'end'>
  /** Hears how each ended, as a status: 200 it resolved, 500 it rejected. */
  readonly onCounted: ((status: number, tookMs: number) => void) | null
  /** One has settled; `settled` is how many have. */
  onSettled(settled: number): void
}

export interface Tracked {
  /** Counts a promise as one job until it settles. Answers one that settles alike. */
  track<T>(promise: PromiseLike<T> | T, label: string): Promise<T>
  /** Longest first. */
  inFlight(): RequestInFlight[]
  /** When none is in flight; those that are begun meanwhile, or by whoever awaited the last, are waited for too. */
  idle(): Promise<void>
  /** Those in flight are given up: each is counted as one that came to nothing. */
  cut(): void
}

/** What jobs are called where requests have a method. */
const method = 'JOB'
const resolved = 200
const rejected = 500

export function createTracked({ pulse, onCounted, onSettled }: TrackedOptions): Tracked {
  const jobs = new Map<symbol, { readonly label: string; readonly startedMs: number; readonly place: number }>()
  let waiters: (() => void)[] = []
  let settled = 0

  function end(key: symbol, status: number): void {
    const job = jobs.get(key)
    // It settles after it was cut.
    if (job === undefined) return
    jobs.delete(key)
    const tookMs = nowMs() - job.startedMs
    pulse.end(job.place, status, status !== 0, tookMs)
    onCounted?.(status, tookMs)
    settled++
    onSettled(settled)
    if (jobs.size > 0) return
    for (const wake of waiters) wake()
    waiters = []
  }

  return {
    track(promise, label) {
      const key = Symbol()
      const startedMs = nowMs()
      const shown = labelOf(label)
      jobs.set(key, { label: shown, startedMs, place: pulse.begin(method, shown, startedMs) })
      // Passed on, not the promise itself: a rejection that nobody handles stays one.
      return Promise.resolve(promise).then(
        (value) => {
          end(key, resolved)
          return value
        },
        (error: unknown) => {
          end(key, rejected)
          throw error
        },
      )
    },
    inFlight() {
      const now = nowMs()
      return [...jobs.values()].map(({ label, startedMs }) => ({ method, path: label, ageMs: Math.round(now - startedMs) }))
    },
    async idle() {
      while (jobs.size > 0) {
        await new Promise<void>((resolve) => waiters.push(resolve))
        // Whoever has awaited the last one may begin the next.
        await nextTurn()
      }
    },
    cut() {
      for (const key of [...jobs.keys()]) end(key, 0)
    },
  }
}

/** As the ring of requests can hold it: one byte a character, one line, and no `?`, from where on a path is not shown. */
export function labelOf(label: string): string {
  const shown = label.replace(/[^\x20-\x3e\x40-\x7e\xa0-\xff]/gu, '·').trim()
  return shown === '' ? 'job' : shown
}
