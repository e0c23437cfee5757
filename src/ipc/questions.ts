/** What a process may be asked by its arbiter, for whoever looks at the server, and how it answers. */

export type Question =
  /** To the watchdog thread, which answers whatever the main thread does. */
  | { readonly kind: 'stack' }
  | { readonly kind: 'requests' }
  /** To a thread that is started for it. The file must not be there. */
  | { readonly kind: 'profile'; readonly seconds: number; readonly path: string }
  | { readonly kind: 'heap'; readonly path: string }
  /** To the main thread of a worker of class gthread. */
  | { readonly kind: 'thread-stacks' }
  | { readonly kind: 'thread-requests' }
  /** To the main thread of a worker: the metrics that its app keeps itself, an `AppRegistry` for each thread that has one. */
  | { readonly kind: 'app-metrics' }
  /** To a dirty arbiter: so many workers more or less, or in all. */
  | { readonly kind: 'scale'; readonly by: number }
  | { readonly kind: 'scale'; readonly to: number }
  | { readonly kind: 'pool' }

export type QuestionAnswer = { readonly ok: true; readonly value: unknown } | { readonly ok: false; readonly problem: string }

export interface Asked {
  readonly id: number
  readonly question: Question
}

export interface Answered {
  readonly id: number
  readonly answer: QuestionAnswer
}

/** The kinds that the watchdog thread takes, by the beat pipe. */
export const isForWatchdog = ({ kind }: Question): boolean =>
  kind === 'stack' || kind === 'requests' || kind === 'profile' || kind === 'heap'

/** What a dirty arbiter has done of `scale`. */
export interface Scaled {
  readonly previous: number
  readonly total: number
  /** Why it is not what was asked for; null: it is. */
  readonly reason: string | null
}

export interface ThreadStack {
  readonly thread: number
  /** `native`: in native code, or waiting for what its requests await. */
  readonly where: 'javascript' | 'native' | 'idle'
  readonly stack: readonly string[]
}

/** What an app counts in one thread of a worker; `thread` 0: in its main thread. */
export interface AppRegistry {
  readonly thread: number
  /** As prom-client has it; null: this time it did not answer. */
  readonly metrics: readonly unknown[] | null
}
