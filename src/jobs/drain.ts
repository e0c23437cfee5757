/** The drain of a worker that runs a job: its function and its tracked jobs have as long as the grace, and no longer. */

export interface DrainOrder {
  readonly graceMs: number
  readonly isQuick: boolean
}

export interface JobDrainOptions {
  /** When the function has returned and nothing tracked is in flight. */
  finished(): Promise<void>
  /** The grace is over. True: what is left can be left behind, and the drain is over; false: the process has to be killed. */
  onGraceOver(graceMs: number): boolean
  /** Nothing holds the event loop any more: what is left can never come to its end. */
  onHopeless(): void
  /** What an order comes to, a quick one too. */
  graceMsOf(order: DrainOrder): number
}

export interface JobDrain {
  readonly done: Promise<{ readonly tookMs: number }>
  /** A later order with less patience. */
  hasten(order: DrainOrder): void
  /** Nothing holds the event loop any more. */
  giveUp(): void
}

export function startJobDrain(first: DrainOrder, options: JobDrainOptions): JobDrain {
  const startedMs = performance.now()
  let timer: NodeJS.Timeout | undefined
  let isOver = false
  let finish: (result: { tookMs: number }) => void
  const done = new Promise<{ tookMs: number }>((resolve) => {
    finish = resolve
  })

  function end(): void {
    isOver = true
    clearTimeout(timer)
    finish({ tookMs: Math.round(performance.now() - startedMs) })
  }

  function arm(order: DrainOrder): void {
    if (isOver) return
    clearTimeout(timer)
    const graceMs = options.graceMsOf(order)
    timer = setTimeout(
      () => {
        if (isOver) return
        isOver = true
        if (options.onGraceOver(graceMs)) end()
      },
      Math.max(0, graceMs - (performance.now() - startedMs)),
    )
    // It is not what keeps the process alive: were there nothing else, waiting would be in vain.
    timer.unref()
  }

  arm(first)
  // After the grace too: a function that returns late need not be killed.
  void options.finished().then(end)
  return {
    done,
    hasten: arm,
    giveUp() {
      if (!isOver) options.onHopeless()
      end()
    },
  }
}
