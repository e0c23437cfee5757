/** The threads themselves: Piscina owns them; each is given one task, which lasts as long as it lives. */
import type { MessagePort, Worker } from 'node:worker_threads'
import { Piscina } from 'piscina'

export interface ThreadsOptions {
  /** The file of the thread's image. */
  readonly entryPath: string
  /** How many may run at once, replacements included. */
  readonly threadsMax: number
  /** V8's limit of the old generation; 0 = Node's own. */
  readonly heapMaxMib: number
  /** Of the threads; without it that of this process. */
  readonly env?: NodeJS.ProcessEnv
}

/** How a thread ended, in words, and the error that ended it if there was one. */
export interface ThreadEnd {
  readonly how: string
  readonly error: unknown
}

export interface RunningThread {
  /** Settles when the thread has exited. */
  readonly ended: Promise<ThreadEnd>
  /** Node's number of it, as the thread itself told. */
  identify(threadId: number): void
  terminate(): void
  /** Share of the time since it was last asked in which its loop was busy, from 0 to 1. */
  utilization(): number
}

export interface Threads {
  /** @param ports of the task, which go to the thread */
  start(task: object, ports: readonly MessagePort[]): RunningThread
}

/**
 * V8 lets buffers that nobody uses any more pile up to twice a semi-space, which is a third of this. With Node's own 48 MiB
 * that is 32 MiB in every thread that bodies pass through.
 */
const youngMaxMib = 24

export function createThreads({ entryPath, threadsMax, heapMaxMib, env }: ThreadsOptions): Threads {
  const pool = new Piscina({
    filename: entryPath,
    minThreads: 0,
    maxThreads: threadsMax,
    // The task never ends by itself: a thread that waits for the next one would stand still.
    atomics: 'disabled',
    recordTiming: false,
    ...(env === undefined ? {} : { env: env as Record<string, string> }),
    resourceLimits: { maxYoungGenerationSizeMb: youngMaxMib, ...(heapMaxMib > 0 ? { maxOldGenerationSizeMb: heapMaxMib } : {}) },
  })
  // Of a thread without a task; each has one, which tells of its end.
  pool.on('error', () => undefined)
  return {
    start: (task, ports) => startThread(pool, task, ports),
  }
}

function startThread(pool: Piscina, task: object, ports: readonly MessagePort[]): RunningThread {
  const controller = new AbortController()
  let worker: Worker | undefined
  let lastUse = performance.eventLoopUtilization()
  let isTerminated = false
  let resolveExit!: () => void
  const exited = new Promise<void>((resolve) => {
    resolveExit = resolve
  })

  const ended = pool
    .run(task, { signal: controller.signal, transferList: [...ports] })
    .then(
      () => ({ how: 'its task ended', error: undefined }),
      (error: unknown) => ({ how: isTerminated ? 'terminated' : wordsFor(error), error }),
    )
    .then(async (end) => {
      // Piscina has forgotten it by now; in native code it may go on for long.
      if (worker !== undefined) await exited
      return end
    })

  return {
    ended,
    identify(threadId) {
      worker = pool.threads.find((thread) => thread.threadId === threadId)
      if (worker === undefined) return
      worker.once('exit', resolveExit)
      lastUse = worker.performance.eventLoopUtilization()
    },
    terminate() {
      if (isTerminated) return
      isTerminated = true
      controller.abort()
    },
    utilization() {
      if (worker === undefined || worker.threadId === -1) return 0
      const now = worker.performance.eventLoopUtilization()
      const share = worker.performance.eventLoopUtilization(now, lastUse).utilization
      lastUse = now
      return share
    },
  }
}

function wordsFor(error: unknown): string {
  const { code, message, name } = (error ?? {}) as { code?: string; message?: string; name?: string }
  if (code === 'ERR_WORKER_OUT_OF_MEMORY') return 'out of memory'
  const exit = /^worker exited with code: (-?\d+)$/.exec(message ?? '')
  if (exit !== null) return `process.exit(${exit[1]}) was called in it`
  return `uncaught ${name ?? 'exception'}: ${message ?? String(error)}`
}
