/** What a dirty worker's main thread and the thread of an app tell each other about calls, over one port. */
export type ToThread =
  /** A frame of kind `call`, whole. */
  | { readonly type: 'call'; readonly job: number; readonly memory: ArrayBuffer; readonly lease: string }
  /** The app's signal fires. */
  | { readonly type: 'cancel'; readonly job: number; readonly why: 'cancelled' | 'timeout' }
  | { readonly type: 'credit'; readonly job: number; readonly count: number }
  /** A frame of kind `callback`, whole. */
  | { readonly type: 'callback'; readonly job: number; readonly memory: ArrayBuffer }

export type FromThread =
  /** One frame for the caller, of a kind of `fromWorker`. */
  {
    readonly job: number
    readonly kind: number
    readonly flags: number
    readonly meta: Uint8Array
    readonly buffers: readonly Uint8Array[]
    /** The call is over, and the thread takes another. */
    readonly isLast: boolean
  }
