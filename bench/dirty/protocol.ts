/** What the driver and the processes that call tell each other. */

/** Where an arm is to be called, and how. */
export type Way =
  | { readonly kind: 'monoceros'; readonly dist: string; readonly socket: string }
  | { readonly kind: 'ping-pong'; readonly socket: string }
  | { readonly kind: 'piscina'; readonly threads: number }
  | { readonly kind: 'bullmq'; readonly socket: string }

export type Task =
  /** Calls of nothing, one after another by each of so many callers. */
  | { readonly type: 'no-op'; readonly callers: number; readonly seconds: number }
  | { readonly type: 'buffer'; readonly bytes: number; readonly times: number }
  | { readonly type: 'stream'; readonly chunks: number }
  /** All at once. */
  | { readonly type: 'queued'; readonly calls: number }
  /** So many jobs at any time, each of which computes. */
  | { readonly type: 'burn'; readonly turns: number; readonly jobs: number; readonly seconds: number }

export interface TaskResult {
  readonly figures: Readonly<Record<string, number>>
  readonly problems: readonly string[]
}
