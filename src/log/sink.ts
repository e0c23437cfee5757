import fs from 'node:fs'
import { problemOf } from '../base/errors.ts'
import { type Descriptor, isRefusal, openLog, openLogNow, openStandard, standardOf, writeUntil } from './descriptor.ts'
import { LineQueue } from './line-queue.ts'

/** What a log cannot say in its own file. The names and facts are those of the events, so that `log.event` fits. */
export type OnProblem = (name: 'log.failed' | 'log.dropped', facts: Readonly<Record<string, string | number>>) => void

export interface SinkOptions {
  readonly destination: string
  /** The standard stream that `-` means. */
  readonly usual: 1 | 2
  /** Lines are gathered up to this many bytes, but for no longer than `gatherMs`. */
  readonly gatherBytes?: number
  readonly gatherMs?: number
  readonly queueMaxBytes?: number
  readonly onProblem: OnProblem
}

interface Waiter {
  readonly targetBytes: number
  readonly done: () => void
}

type State = 'idle' | 'gathering' | 'opening' | 'writing' | 'resting'

const longestPauseMs = 50
const longestRetryMs = 5_000

/** Between the flag and a write in another thread, a child that is spawned would clear the flag again: nothing comes between them here. */
function writeNow(
  fd: number,
  chunk: Buffer,
  unblock: () => void,
  done: (error: NodeJS.ErrnoException | null, bytes: number) => void,
): void {
  let error: NodeJS.ErrnoException | null = null
  let bytes = 0
  try {
    unblock()
    bytes = fs.writeSync(fd, chunk)
  } catch (thrown) {
    error = thrown as NodeJS.ErrnoException
  }
  setImmediate(done, error, bytes)
}

/**
 * Where lines go: a bounded queue before one descriptor, with one write under way at a time. Nothing here throws, waits
 * or stops the loop; what does not fit is counted in `dropped` and reported when writing works again.
 */
export class Sink {
  dropped = 0
  readonly #options: Required<SinkOptions>
  readonly #isStandard: boolean
  readonly #queue: LineQueue
  #state: State = 'idle'
  #descriptor: Descriptor | null
  #timer: NodeJS.Timeout | undefined
  #reportedDrops = 0
  #dueBytes = 0
  #pauseMs = 0
  #problem = ''
  #isReopenDue = false
  #waiters: Waiter[] = []

  constructor(options: SinkOptions) {
    this.#options = { gatherBytes: 0, gatherMs: 0, queueMaxBytes: 4 * 1_048_576, ...options }
    this.#queue = new LineQueue(this.#options.queueMaxBytes)
    const standard = standardOf(options.destination, options.usual)
    this.#isStandard = standard !== null
    // A file that cannot be opened now is tried again, and reported, by its first line.
    this.#descriptor = standard === null ? openLogNow(options.destination) : openStandard(standard)
  }

  /** Takes one record, its newline included, and its length in UTF-8: a caller whose lines are ASCII need not count. */
  write(line: string, bytes = Buffer.byteLength(line)): void {
    if (!this.#queue.add(line, bytes, this.#descriptor?.chunkBytes ?? 0)) this.dropped++
    else if (this.#state === 'idle' || (this.#state === 'gathering' && this.#queue.bytes >= this.#options.gatherBytes)) this.#next()
  }

  /** Opens the path again, once the write under way is done; the old file is kept when that fails. */
  reopen(): void {
    if (this.#isStandard) return
    this.#isReopenDue = true
    this.#hurry()
  }

  /** Waits until all that was taken so far is written, `boxMs` have passed, or the destination fails. */
  flush(boxMs = 500): Promise<void> {
    if (this.#queue.bytes === 0) return Promise.resolve()
    return new Promise((resolve) => {
      const waiter: Waiter = {
        targetBytes: this.#queue.takenBytes,
        done: () => {
          clearTimeout(box)
          this.#waiters = this.#waiters.filter((other) => other !== waiter)
          resolve()
        },
      }
      const box = setTimeout(waiter.done, boxMs)
      this.#waiters.push(waiter)
      this.#hurry()
    })
  }

  /** Flushes, and gives the descriptor back unless a write hangs in it. A line that comes later opens the path again. */
  async close(): Promise<void> {
    await this.flush()
    if (this.#descriptor === null || this.#isStandard || this.#state === 'writing' || this.#state === 'opening') return
    fs.close(this.#descriptor.fd, () => {})
    this.#descriptor = null
  }

  /** Writes what it can within `boxMs`. The chunk that a thread is writing at this moment is left to that thread. */
  flushSync(boxMs = 200): void {
    const deadlineMs = performance.now() + boxMs
    const flying = this.#state === 'writing' ? this.#queue.takeHead() : null
    for (let head = this.#queue.head(); head !== null && this.#descriptor !== null; head = this.#queue.head()) {
      const written = writeUntil(this.#descriptor, head, deadlineMs)
      this.#queue.advance(written)
      if (written < head.length) break
    }
    this.#queue.putBack(flying)
  }

  // All that is queued now goes out without gathering more.
  #hurry(): void {
    this.#dueBytes = this.#queue.takenBytes
    if (this.#state !== 'writing' && this.#state !== 'opening') this.#next()
  }

  #next(): void {
    const { bytes, takenBytes } = this.#queue
    if (bytes >= this.#options.gatherBytes) this.#dueBytes = takenBytes
    if (this.#isReopenDue || (this.#descriptor === null && bytes > 0)) this.#open()
    else if (this.#descriptor === null || bytes === 0) this.#become('idle')
    else if (takenBytes - bytes < this.#dueBytes) this.#write(this.#descriptor)
    else this.#become('gathering', this.#options.gatherMs)
  }

  #write({ fd, unblock }: Descriptor): void {
    this.#become('writing')
    const head = this.#queue.head()!
    const onDone = (error: NodeJS.ErrnoException | null, bytes: number) => {
      if (error === null) this.#written(bytes)
      else this.#failed(error)
    }
    if (unblock === undefined) fs.write(fd, head, onDone)
    else writeNow(fd, head, unblock, onDone)
  }

  #written(bytes: number): void {
    this.#queue.advance(bytes)
    this.#pauseMs = 0
    this.#problem = ''
    const writtenBytes = this.#queue.takenBytes - this.#queue.bytes
    for (const waiter of this.#waiters) if (waiter.targetBytes <= writtenBytes) waiter.done()
    this.#reportDrops()
    // Nothing written and no error, again and again, would turn the loop hot.
    if (bytes === 0) this.#pause(longestPauseMs)
    else this.#next()
  }

  #failed(error: NodeJS.ErrnoException): void {
    if (isRefusal(error)) {
      this.#pause(Math.min(Math.max(1, this.#pauseMs * 2), longestPauseMs))
      return
    }
    this.#reportFailure(error)
    for (const waiter of this.#waiters) waiter.done()
    this.#pause(Math.min(Math.max(100, this.#pauseMs * 2), longestRetryMs))
  }

  #pause(ms: number): void {
    this.#pauseMs = ms
    this.#become('resting', ms)
  }

  #open(): void {
    this.#isReopenDue = false
    this.#become('opening')
    openLog(this.#options.destination, (error, opened) => {
      if (opened !== null) this.#swap(opened)
      else if (this.#descriptor !== null) this.#reportFailure(error)
      if (this.#descriptor === null) this.#failed(error!)
      else this.#next()
    })
  }

  #swap(opened: Descriptor): void {
    if (this.#descriptor !== null) fs.close(this.#descriptor.fd, () => {})
    this.#descriptor = opened
    // Half of a line is in the old file: its other half must not begin the new one.
    if (this.#queue.cutTornLine()) this.dropped++
  }

  #become(state: State, wakeMs?: number): void {
    clearTimeout(this.#timer)
    this.#state = state
    this.#timer = wakeMs === undefined ? undefined : setTimeout(() => this.#hurry(), wakeMs).unref()
  }

  #reportFailure(error: NodeJS.ErrnoException | null): void {
    const problem = problemOf(error)
    if (problem === this.#problem) return
    this.#problem = problem
    this.#tell('log.failed', { destination: this.#options.destination, problem })
  }

  // Only once the queue is half empty: the report itself must not be what is dropped.
  #reportDrops(): void {
    const count = this.dropped - this.#reportedDrops
    if (count === 0 || !this.#queue.isHalfEmpty) return
    this.#reportedDrops = this.dropped
    this.#tell('log.dropped', { count, destination: this.#options.destination })
  }

  #tell(...problem: Parameters<OnProblem>): void {
    try {
      this.#options.onProblem(...problem)
    } catch {
      // a log must not end the process because nobody could be told that it failed
    }
  }
}
