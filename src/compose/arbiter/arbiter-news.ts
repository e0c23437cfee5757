/** What happens in a running server, told at once to whoever asked: the dashboard, and the program that embeds it. */

import type { ErrorData } from '../../base/errors.ts'
import type { ChildAutopsy } from '../../ipc/child-autopsy.ts'

/** What became of a reload: the generation that serves now, or why the one before it serves on. */
export type ReloadOutcome = { readonly ok: true; readonly generation: number } | { readonly ok: false; readonly problem: string }

/** Which worker it is. */
export interface WorkerNews {
  readonly slot: number
  /** It was the n-th worker to be started. */
  readonly age: number
  readonly generation: number
  readonly pid: number
}

/** What a server tells of itself, by the name of the event. */
export interface NewsFacts {
  /** All workers of the start are ready. */
  readonly ready: { readonly workers: number; readonly addresses: readonly string[] }
  readonly 'worker:ready': WorkerNews
  /** A worker has ended, for whatever cause: `reload`, `scale`, `stop`, `recycle`, `crashed`, `boot-failed`, `silent` ... */
  readonly 'worker:exit': WorkerNews & {
    readonly cause: string
    /** In words: what it said of itself, else the signal, else the exit code. */
    readonly problem: string
    readonly code: number | null
    readonly signal: string | null
  }
  /** What a stuck process or thread was doing. */
  readonly autopsy: ChildAutopsy
  readonly reload: ReloadOutcome
  /** A child cannot boot: why, in its own words. */
  readonly 'boot:failed': ErrorData
}

export type NewsName = keyof NewsFacts

export interface News {
  /** A listener that throws is not called again. @returns what ends it */
  on<Name extends NewsName>(name: Name, listener: (facts: NewsFacts[Name]) => void): () => void
  tell<Name extends NewsName>(name: Name, facts: NewsFacts[Name]): void
}

type Listener = (facts: never) => void

export function createNews(onProblem: (name: NewsName, error: unknown) => void): News {
  const listeners = new Map<NewsName, Set<Listener>>()
  return {
    on(name, listener) {
      const present = listeners.get(name) ?? new Set()
      listeners.set(name, present.add(listener))
      return () => void present.delete(listener)
    },
    tell(name, facts) {
      const present = listeners.get(name)
      for (const listener of present ?? []) {
        try {
          listener(facts as never)
        } catch (error) {
          // In the middle of a chart's step: whoever looks on must not stop what it looks at.
          present?.delete(listener)
          onProblem(name, error)
        }
      }
    },
  }
}
