/** What the arbiter remembers of every chart of every process: a bounded ring of steps, and the state of all that lives. */

import { applyTransition, type Instance, type Instances } from '../ipc/instances.ts'
import type { Recorded, Transition } from '../ipc/transition.ts'

export interface History {
  add(step: Transition): void
  /** Steps that a process made and could not send. */
  countDropped(count: number): void
  /** All kept steps with a larger number, oldest first; `limit` keeps the newest. */
  since(id: number, limit?: number): readonly Recorded[]
  /** Called for each step from now on, at once; one that throws is not called again. @returns what ends it */
  subscribe(listener: (recorded: Recorded) => void): () => void
  /** Every chart that lives now. */
  instances(): Instance[]
  /** Every chart that lived just before the oldest kept step: from there on the steps tell the rest. */
  before(): Instance[]
  readonly lastId: number
  readonly size: number
  readonly bytes: number
  readonly dropped: number
}

export interface HistoryOptions {
  readonly stepsMax: number
  readonly bytesMax: number
}

const defaults: HistoryOptions = { stepsMax: 20_000, bytesMax: 8 * 2 ** 20 }

export function createHistory({ stepsMax, bytesMax }: HistoryOptions = defaults): History {
  /** A step with number n stands at n % stepsMax. */
  const ring: (Transition | undefined)[] = []
  const now: Instances = new Map()
  const past: Instances = new Map()
  const listeners = new Set<(recorded: Recorded) => void>()
  let lastId = 0
  let size = 0
  let bytes = 0
  let dropped = 0

  function forgetOldest(): void {
    const place = (lastId - size + 1) % stepsMax
    const step = ring[place] as Transition
    ring[place] = undefined
    size--
    bytes -= bytesOf(step)
    applyTransition(past, step)
  }

  return {
    add(step) {
      const own = bytesOf(step)
      while (size > 0 && (size >= stepsMax || bytes + own > bytesMax)) forgetOldest()
      lastId++
      ring[lastId % stepsMax] = step
      size++
      bytes += own
      applyTransition(now, step)
      const recorded = { id: lastId, step }
      for (const listener of listeners) {
        try {
          listener(recorded)
        } catch {
          listeners.delete(listener) // whoever looks on must not stop what it looks at
        }
      }
    },
    countDropped(count) {
      dropped += count
    },
    since(id, limit = size) {
      const first = Math.max(id + 1, lastId - size + 1, lastId - limit + 1)
      return Array.from({ length: Math.max(0, lastId - first + 1) }, (_, index) => {
        const number = first + index
        return { id: number, step: ring[number % stepsMax] as Transition }
      })
    },
    subscribe(listener) {
      listeners.add(listener)
      return () => void listeners.delete(listener)
    },
    instances: () => [...now.values()],
    before: () => [...past.values()],
    get lastId() {
      return lastId
    },
    get size() {
      return size
    },
    get bytes() {
      return bytes
    },
    get dropped() {
      return dropped
    },
  }
}

/** About what V8 keeps of it: the object with its numbers, and its words at one byte a character. */
function bytesOf({ chart, actor, event, from, to, cause, facts }: Transition): number {
  let bytes = 200 + chart.length + actor.length + event.length + (from?.length ?? 0) + to.length + (cause?.length ?? 0)
  for (const name in facts) {
    const value = facts[name]
    bytes += 24 + name.length + (typeof value === 'string' ? value.length : 8)
  }
  return bytes
}
