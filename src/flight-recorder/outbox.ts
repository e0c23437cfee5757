/** How the steps of a child get to its parent: in batches, one under way at a time, what does not fit counted. */
import type { Transition } from '../ipc/transition.ts'

/** Sends a batch, and says when it has been handed to the kernel or cannot be any more. */
export type SendBatch = (steps: readonly Transition[], dropped: number, onSent: () => void) => void

export interface Outbox {
  add(step: Transition): void
  /** Steps of another process that passes through this one. */
  countDropped(count: number): void
  /** Sends what is left, whatever is under way: for a process that is about to end. */
  flush(): void
}

export interface OutboxOptions {
  readonly send: SendBatch
  readonly batchMax?: number
  readonly waitingMax?: number
}

export function createOutbox({ send, batchMax = 200, waitingMax = 2_000 }: OutboxOptions): Outbox {
  let waiting: Transition[] = []
  let dropped = 0
  let isUnderWay = false
  let turn: NodeJS.Immediate | undefined

  function next(): void {
    turn = undefined
    if (isUnderWay || (waiting.length === 0 && dropped === 0)) return
    isUnderWay = true
    const batch = waiting.slice(0, batchMax)
    waiting = waiting.slice(batchMax)
    const lost = dropped
    dropped = 0
    send(batch, lost, () => {
      isUnderWay = false
      if (waiting.length > 0) arm()
    })
  }

  // What one turn of the loop makes goes together, and what comes while a batch is under way goes with the next.
  const arm = () => {
    turn ??= setImmediate(next).unref()
  }

  return {
    add(step) {
      if (waiting.length >= waitingMax) dropped++
      else waiting.push(step)
      if (!isUnderWay) arm()
    },
    countDropped(count) {
      dropped += count
      if (!isUnderWay) arm()
    },
    flush() {
      clearImmediate(turn)
      turn = undefined
      isUnderWay = false
      while (waiting.length > 0 || dropped > 0) {
        next()
        isUnderWay = false
      }
    },
  }
}
