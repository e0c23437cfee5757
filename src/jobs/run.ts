/** The life of a job's function: started, ready, told to end, ended. What that means for the worker is decided by who runs it. */
import { setMaxListeners } from 'node:events'

export interface RunHost {
  /** The function threw, or rejected, after it was ready. */
  onFailed(error: unknown): void
}

export interface Run {
  readonly signal: AbortSignal
  /** It has called `ctx.ready()`, or returned without it. Again has no effect. */
  ready(): void
  /**
   * Calls the function.
   *
   * @returns when it is ready; rejects with what it throws before that
   */
  start(): Promise<void>
  /** Told to end: aborts the signal. */
  end(reason: string): void
  /** When the function has returned, whichever way; at once where it was never called. */
  readonly done: Promise<void>
  readonly isRunning: boolean
}

export function createRun(call: (run: Run) => unknown, host: RunHost): Run {
  const controller = new AbortController()
  // Every wait of every job listens to it.
  setMaxListeners(0, controller.signal)
  let isRunning = false
  let isReady = false
  let becomeReady: () => void = () => undefined
  let becomeDone: () => void = () => undefined
  const readiness = new Promise<void>((resolve) => {
    becomeReady = resolve
  })
  const done = new Promise<void>((resolve) => {
    becomeDone = resolve
  })

  async function execute(): Promise<void> {
    isRunning = true
    // What starts us is of no interest in the stacks of the app.
    await null
    try {
      await call(run)
      run.ready()
    } catch (error) {
      if (!isReady) throw error
      // The usual way in which a wait with this signal ends.
      if (!(controller.signal.aborted && isAbort(error, controller.signal))) host.onFailed(error)
    } finally {
      isRunning = false
      becomeDone()
    }
  }

  const run: Run = {
    signal: controller.signal,
    ready() {
      isReady = true
      becomeReady()
    },
    start: () => Promise.race([execute().then(() => readiness), readiness]),
    end(reason) {
      controller.abort(new DOMException(`this worker is to end: ${reason}`, 'AbortError'))
    },
    get done() {
      return isRunning ? done : Promise.resolve()
    },
    get isRunning() {
      return isRunning
    },
  }
  return run
}

function isAbort(error: unknown, { reason }: AbortSignal): boolean {
  return error === reason || (error instanceof Error && error.name === 'AbortError')
}
