/** What a supervisor tells: to listeners by name, and to loops in order. */
import type { Transition } from '../../ipc/transition.ts'
import type { NewsFacts } from '../arbiter/arbiter-news.ts'

/** The events of a supervisor, by name, with what each brings. */
export interface SupervisorEvents extends NewsFacts {
  /** One step of one chart in one of its processes. */
  readonly transition: Transition
  /** Nothing of it is left. 0 as asked, else as of the command line: 1 failed, 3 nothing got ready, 4 the app could not be loaded. */
  readonly stopped: { readonly exitCode: number; readonly problem: string | null }
}

/** The names of its events. */
export type SupervisorEventName = keyof SupervisorEvents

/** One event, as a loop over a supervisor gets it. */
export type SupervisorEvent =
  | { [Name in SupervisorEventName]: { readonly type: Name; readonly facts: SupervisorEvents[Name] } }[SupervisorEventName]
  /** A loop was too slow: so many events before the next one were dropped. */
  | { readonly type: 'dropped'; readonly facts: { readonly count: number } }

export interface EventHub {
  on<Name extends SupervisorEventName>(name: Name, listener: (facts: SupervisorEvents[Name]) => void): () => void
  tell<Name extends SupervisorEventName>(name: Name, facts: SupervisorEvents[Name]): void
  /** Hears of a listener that threw, and is not called again. */
  onProblem: (name: SupervisorEventName, error: unknown) => void
  /** Everything from now on, until the supervisor has stopped. */
  iterate(): AsyncIterableIterator<SupervisorEvent>
}

/** What a loop may leave unread. */
const unreadMax = 10_000

interface Reader {
  readonly unread: SupervisorEvent[]
  dropped: number
  wake(): void
}

export function createEventHub(): EventHub {
  const listeners = new Map<string, Set<(facts: never) => void>>()
  const readers = new Set<Reader>()
  let isOver = false

  function iterate(): AsyncIterableIterator<SupervisorEvent> {
    let wake: () => void = () => undefined
    let isLeft = false
    const reader: Reader = { unread: [], dropped: 0, wake: () => wake() }
    readers.add(reader)
    const leave = () => {
      isLeft = true
      readers.delete(reader)
      wake()
    }
    return {
      async next() {
        for (;;) {
          if (reader.dropped > 0 && !isLeft) {
            const count = reader.dropped
            reader.dropped = 0
            return { done: false, value: { type: 'dropped', facts: { count } } }
          }
          const value = isLeft ? undefined : reader.unread.shift()
          if (value !== undefined) return { done: false, value }
          if (isOver || isLeft) {
            leave()
            return { done: true, value: undefined }
          }
          await new Promise<void>((resolve) => (wake = resolve))
        }
      },
      async return() {
        leave()
        return { done: true, value: undefined }
      },
      [Symbol.asyncIterator]() {
        return this
      },
    }
  }

  const hub: EventHub = {
    onProblem: () => undefined,
    on(name, listener) {
      const present = listeners.get(name) ?? new Set()
      listeners.set(name, present.add(listener))
      return () => void present.delete(listener)
    },
    tell(name, facts) {
      if (name === 'stopped') isOver = true
      for (const reader of readers) {
        reader.unread.push({ type: name, facts } as SupervisorEvent)
        if (reader.unread.length > unreadMax) {
          reader.unread.shift()
          reader.dropped++
        }
        reader.wake()
      }
      const present = listeners.get(name)
      for (const listener of present ?? []) {
        try {
          listener(facts as never)
        } catch (error) {
          // In the middle of a chart's step: whoever looks on must not stop what it looks at.
          present?.delete(listener)
          hub.onProblem(name, error)
        }
      }
    },
    iterate,
  }
  return hub
}
