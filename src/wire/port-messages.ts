/** What a dirty worker's main thread and the thread of an app tell each other beside the calls. */
export type ToThread =
  /** Calls under this lease, up to the one of that number, are to end: their signal fires. Without a number: whichever runs under it. */
  | { readonly type: 'end'; readonly lease: string; readonly call: number | null; readonly why: 'cancelled' | 'timeout' }
  /** This lease ends with the call that runs under it, or at once: a call that comes under it later is not begun. */
  | { readonly type: 'revoke'; readonly lease: string }
  /** Take no more calls, finish the one that runs, and see the callers off. */
  | { readonly type: 'leave' }

export type FromThread =
  /** The first word: Node's number of the thread. */
  | { readonly type: 'hello'; readonly threadId: number }
  /** Nothing runs under the revoked lease any more. */
  | { readonly type: 'over'; readonly lease: string }
  /** A call is over; told where calls are counted. */
  | { readonly type: 'done' }
  /** The last word before it can end: no call runs, and none comes. */
  | { readonly type: 'quiet' }
