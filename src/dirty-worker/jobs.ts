/** The calls that a dirty worker has: from their frame to the last one of their answer, whoever dies in between. */
import type { Socket } from 'node:net'
import type { MessagePort } from 'node:worker_threads'
import { encode } from '../wire/codec.ts'
import { type Frame, frameBytes, type OutFrame, writeFrame } from '../wire/frames.ts'
import { type CallHead, fromWorker, isTimeout, type Refusal, toWorker } from '../wire/kinds.ts'
import type { FromThread, ToThread } from '../wire/port-messages.ts'

/** A thread that has an app, as the jobs see it. */
export interface AppThread {
  readonly lane: number
  readonly app: string
  readonly port: MessagePort
  job: Job | null
  /** It has left: it is given no more. */
  isLeaving: boolean
  /** Ends it, as it did not heed its signal: `overdue` shows where it stood. */
  kill(why: 'overdue' | 'kill', reason: string): void
  /** Its call is over. */
  onFree(): void
}

export interface Job {
  readonly id: number
  readonly caller: Caller
  readonly call: number
  readonly head: CallHead
  readonly startedMs: number
  thread: AppThread | null
  memory: ArrayBuffer | null
  timer: NodeJS.Timeout | undefined
  /** Why it is to end before its time. */
  ending: 'cancelled' | 'timeout' | null
  isAnswered: boolean
}

export interface JobsOptions {
  readonly cancelGraceMs: number
  /** Upper limit of any call, in milliseconds; 0 = none. */
  readonly timeoutMs: number
  readonly frameMaxBytes: number
  readonly nowMs: () => number
  /** A lease is over, whatever became of its call. */
  onLeaseOver(lease: string): void
  onJobDone(): void
  /** A call had to be ended by force. */
  onForced(job: Job, why: 'cancelled' | 'timeout'): void
}

interface Caller {
  readonly socket: Socket
  readonly jobs: Map<number, Job>
}

export interface Jobs {
  /** A client has connected. */
  connect(socket: Socket): { onFrame(frame: Frame): void; onTooLarge(bytes: number): void }
  join(thread: AppThread): void
  leave(thread: AppThread): void
  /** The thread is gone, and its call with it. */
  lose(thread: AppThread, how: string): void
  /** The lease ends with its call; one whose holder is gone is stopped. A call that comes under it later is not begun. */
  revoke(lease: string, isHolderGone: boolean): void
  readonly running: number
  readonly done: number
}

const maxTimerMs = 2 ** 31 - 1
const overMax = 1_000

export function createJobs(options: JobsOptions): Jobs {
  const { nowMs } = options
  const threads = new Set<AppThread>()
  const jobs = new Map<number, Job>()
  /** Given before a thread was free: a thread of theirs has just died, and its successor boots. */
  let waiting: Job[] = []
  /** Revoked: a call that its holder had already sent may still come. */
  const over = new Set<string>()
  let nextJob = 1
  let done = 0

  function answer(job: Job, frame: Omit<OutFrame, 'call'>): void {
    if (job.isAnswered || job.caller.socket.destroyed) return
    if (frame.kind === fromWorker.result || frame.kind === fromWorker.error || frame.kind === fromWorker.end) job.isAnswered = true
    writeFrame(job.caller.socket, { ...frame, call: job.call })
  }

  function refuse(job: Job, refusal: Refusal): void {
    answer(job, { kind: fromWorker.error, ...encode(refusal) })
  }

  function begin(caller: Caller, frame: Frame): void {
    const head = JSON.parse(Buffer.from(frame.buffers[0] ?? '{}').toString()) as CallHead
    // Its place may be another caller's by now.
    if (over.has(head.lease)) return void writeFrame(caller.socket, { kind: fromWorker.leaseOver, call: frame.call, ...encode(null) })
    const job: Job = {
      id: nextJob++,
      caller,
      call: frame.call,
      head,
      startedMs: nowMs(),
      thread: null,
      memory: frame.memory,
      timer: undefined,
      ending: null,
      isAnswered: false,
    }
    jobs.set(job.id, job)
    caller.jobs.set(frame.call, job)
    waiting.push(job)
    distribute()
    const limitMs = Math.min(head.leftMs || maxTimerMs, options.timeoutMs || maxTimerMs)
    if (limitMs < maxTimerMs) job.timer = setTimeout(end, limitMs, job, 'timeout').unref()
  }

  function distribute(): void {
    if (waiting.length === 0) return
    waiting = waiting.filter((job) => {
      const thread = freeThread(job.head.app)
      if (thread === null) return true
      run(thread, job)
      return false
    })
  }

  function freeThread(app: string): AppThread | null {
    for (const thread of threads) if (thread.app === app && thread.job === null && !thread.isLeaving) return thread
    return null
  }

  function run(thread: AppThread, job: Job): void {
    thread.job = job
    job.thread = thread
    const memory = job.memory!
    job.memory = null
    thread.port.postMessage({ type: 'call', job: job.id, memory, lease: job.head.lease } satisfies ToThread, [memory])
  }

  /** The call is to end; a handler that does not heed its signal is ended with its thread. */
  function end(job: Job, why: 'cancelled' | 'timeout'): void {
    if (job.ending !== null || !jobs.has(job.id)) return
    job.ending = why
    if (job.thread === null) {
      refuse(job, endRefusal(job, why))
      finish(job)
      return
    }
    const { thread } = job
    thread.port.postMessage({ type: 'cancel', job: job.id, why } satisfies ToThread)
    setTimeout(() => {
      if (thread.job !== job) return
      options.onForced(job, why)
      refuse(job, endRefusal(job, why))
      if (why === 'timeout') thread.kill('overdue', 'a call took longer than its timeout')
      else thread.kill('kill', 'a call was cancelled')
      // In native code its thread may last: neither its lease nor the drain of this worker waits for that.
      abandon(job, thread)
    }, options.cancelGraceMs).unref()
  }

  function finish(job: Job): void {
    const { thread } = job
    if (thread?.job === job && jobs.has(job.id)) {
      thread.job = null
      thread.onFree()
    }
    close(job)
  }

  /** Its thread is not free again, and is shown with it. */
  function abandon(job: Job, thread: AppThread): void {
    thread.isLeaving = true
    close(job)
  }

  function close(job: Job): void {
    if (!jobs.delete(job.id)) return
    clearTimeout(job.timer)
    job.caller.jobs.delete(job.call)
    if (job.thread === null) waiting = waiting.filter((other) => other !== job)
    done++
    options.onLeaseOver(job.head.lease)
    options.onJobDone()
    distribute()
  }

  function hear(thread: AppThread, message: FromThread): void {
    const job = jobs.get(message.job)
    if (job === undefined || job.thread !== thread) return
    pass(job, message)
    if (message.isLast) finish(job)
  }

  function pass(job: Job, { kind, flags, meta, buffers }: FromThread): void {
    // What comes of a call that was told to end is its own error, which would hide why.
    if (job.ending !== null && kind === fromWorker.error) refuse(job, endRefusal(job, job.ending))
    else if (frameBytes({ kind, call: job.call, meta, buffers }) > options.frameMaxBytes) {
      // Its caller could not read on after it, and has other calls on this connection.
      refuse(job, { code: 'MON_DIRTY_FRAME', facts: { bytes: frameBytes({ kind, call: job.call, meta, buffers }) } })
      end(job, 'cancelled')
    } else answer(job, { kind, flags, meta, buffers })
  }

  return {
    connect(socket) {
      const caller: Caller = { socket, jobs: new Map() }
      writeFrame(socket, { kind: fromWorker.hello, call: 0, ...encode(null) })
      socket.on('error', () => undefined) // its close tells
      socket.once('close', () => {
        for (const job of [...caller.jobs.values()]) end(job, 'cancelled')
      })
      return {
        onTooLarge(bytes) {
          writeFrame(socket, {
            kind: fromWorker.error,
            call: 0,
            ...encode({ code: 'MON_DIRTY_FRAME', facts: { bytes } } satisfies Refusal),
          })
          socket.destroySoon()
        },
        onFrame(frame) {
          // What has no head is of no client of ours.
          if (frame.kind === toWorker.call && frame.buffers.length === 0) return void socket.destroy()
          const job = caller.jobs.get(frame.call)
          if (frame.kind === toWorker.call) begin(caller, frame)
          else if (job === undefined) return
          else if (frame.kind === toWorker.cancel) end(job, frame.flags === isTimeout ? 'timeout' : 'cancelled')
          else if (frame.kind === toWorker.credit) {
            job.thread?.port.postMessage({ type: 'credit', job: job.id, count: frame.flags } satisfies ToThread)
          } else if (frame.kind === toWorker.callback && frame.memory !== null) {
            job.thread?.port.postMessage({ type: 'callback', job: job.id, memory: frame.memory } satisfies ToThread, [frame.memory])
          }
        },
      }
    },
    join(thread) {
      threads.add(thread)
      thread.port.on('message', (message: FromThread) => hear(thread, message))
      distribute()
    },
    leave(thread) {
      thread.isLeaving = true
    },
    lose(thread, how) {
      threads.delete(thread)
      const { job } = thread
      if (job === null) return
      refuse(job, job.ending === null ? { code: 'MON_DIRTY_WORKER_LOST', facts: { app: job.head.app, how } } : endRefusal(job, job.ending))
      finish(job)
    },
    revoke(lease, isHolderGone) {
      over.add(lease)
      const [oldest] = over
      if (over.size > overMax && oldest !== undefined) over.delete(oldest)
      const job = [...jobs.values()].find((one) => one.head.lease === lease)
      if (job === undefined) options.onLeaseOver(lease)
      else if (isHolderGone) end(job, 'cancelled')
    },
    get running() {
      return jobs.size
    },
    get done() {
      return done
    },
  }
}

function endRefusal(job: Job, why: 'cancelled' | 'timeout'): Refusal {
  const { app, action } = job.head
  if (why === 'cancelled') return { code: 'MON_DIRTY_CANCELLED', facts: { app, action } }
  return { code: 'MON_DIRTY_TIMEOUT', facts: { app, action, phase: 'running', afterMs: job.head.leftMs } }
}
