/** Which child of a server it is. */
export interface ChildNews {
  readonly role: 'worker' | 'dirty-arbiter' | 'dirty-worker'
  readonly slot: number
  /** It was the n-th of its kind to be started. */
  readonly age: number
  readonly generation: number
  readonly pid: number
}

/** How it has ended. */
export interface ChildEnd extends ChildNews {
  /** In one word: `reload`, `scale`, `stop`, `recycle`, `crashed`, `boot-failed`, `silent`, `grace` ... */
  readonly cause: string
  /** In words: what it said of itself, else the signal, else the exit code. */
  readonly problem: string
  readonly code: number | null
  readonly signal: string | null
}

/** Of what a child's chart notes, what those are told who look from outside. */
export type ChildTold = { readonly what: 'ready'; readonly child: ChildNews } | { readonly what: 'ended'; readonly child: ChildEnd }
