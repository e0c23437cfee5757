/** Those who wait, on their way out, until something that is written beside the loop is out too, but not for ever. */
export interface FlushWaits {
  /** Settles at the next `settle`, or after `boxMs`. */
  wait(boxMs: number): Promise<void>
  /** All is out. */
  settle(): void
}

/** For how long an exit is held up. */
export const flushBoxMs = 500

export function createFlushWaits(): FlushWaits {
  const waiters = new Set<() => void>()
  return {
    wait: (boxMs) =>
      new Promise((resolve) => {
        const done = () => {
          clearTimeout(box)
          waiters.delete(done)
          resolve()
        }
        const box = setTimeout(done, boxMs)
        waiters.add(done)
      }),
    settle() {
      for (const done of [...waiters]) done()
    },
  }
}
