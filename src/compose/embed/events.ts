/** What a supervisor tells: to listeners by name, and to loops in order. */
import { MonocerosError, problemOf } from '../../base/errors.ts'
import { createHearing } from '../../base/hearing.ts'
import { nearest } from '../../base/nearest.ts'
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

const eventNames: Readonly<Record<SupervisorEventName, true>> = {
  ready: true,
  'worker:ready': true,
  'worker:exit': true,
  autopsy: true,
  reload: true,
  'boot:failed': true,
  transition: true,
  stopped: true,
}

function noSuchEvent(given: string): MonocerosError {
  const meant = nearest(given, Object.keys(eventNames))
  return new MonocerosError('MON_EMBED_EVENT', { given, hint: meant === undefined ? '' : ` (did you mean ${meant}?)` })
}

/** One event, as a loop over a supervisor gets it. */
export type SupervisorEvent =
  | { [Name in SupervisorEventName]: { readonly type: Name; readonly facts: SupervisorEvents[Name] } }[SupervisorEventName]
  /** A loop was too slow: so many events before the next one were dropped. */
  | { readonly type: 'dropped'; readonly facts: { readonly count: number } }

export interface EventHub {
  on<Name extends SupervisorEventName>(name: Name, listener: (facts: SupervisorEvents[Name]) => void): () => void
  tell<Name extends SupervisorEventName>(name: Name, facts: SupervisorEvents[Name]): void
  /** Tells of a listener that threw, or rejected, and is not called again; null while there is no log. */
  log: ((event: 'news.failed', facts: { readonly name: string; readonly problem: string }, error: unknown) => void) | null
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
  const readers = new Set<Reader>()
  let isOver = false

  function iterate(): AsyncIterableIterator<SupervisorEvent> {
    const waiting: (() => void)[] = []
    let isLeft = false
    const wake = () => {
      for (const go of waiting.splice(0)) go()
    }
    const reader: Reader = { unread: [], dropped: 0, wake }
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
          await new Promise<void>((resolve) => waiting.push(resolve))
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

  const hearing = createHearing<SupervisorEvents>((name, error) => hub.log?.('news.failed', { name, problem: problemOf(error) }, error))
  const hub: EventHub = {
    log: null,
    on(name, hear) {
      if (!Object.hasOwn(eventNames, name)) throw noSuchEvent(name)
      return hearing.on(name, hear)
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
      hearing.tell(name, facts)
    },
    iterate,
  }
  return hub
}
