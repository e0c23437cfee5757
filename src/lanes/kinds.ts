/** Every record of a lane, on one page. Each is about the request in one slot. */

/** From the main thread to the thread that runs the app. */
export const down = {
  /** Payload: the head (`head-text.ts`). a: flags of `requestFlags`. b: which of the app's servers. */
  request: 1,
  /** Payload: bytes of the body. */
  body: 2,
  /** The body is whole. Payload: trailers, if there are any. */
  bodyEnd: 3,
  /** The client is gone. */
  abort: 4,
  /** a: bytes of the answer that have left. */
  sent: 5,
} as const

/** From the thread to the main thread. Payloads are bytes as they go over the wire. */
export const up = {
  /** An informational answer (1xx). */
  inform: 1,
  /** Payload: the head, and what of the body was written with it. a: bytes of the head. b: status | `headFlags`. */
  head: 2,
  /** More of the body. */
  body: 3,
  /** The answer is whole. a: bytes of the body, where they are counted. */
  end: 4,
  /** The app has cut the connection. a: bytes of the body until then, where they are counted. */
  cut: 5,
  /** a: bytes of the request's body that the app has taken. */
  taken: 6,
  /** The handler knows that its client is gone. */
  gone: 7,
} as const

export const requestFlags = { keepAlive: 1, hasBody: 2, expectsContinue: 4, expectsOther: 8, isHttp10: 16, isComplete: 32 } as const

/** Above the ten bits of the status. */
export const headFlags = { isLast: 1024 } as const

/** This many bytes of a body, one way, may be under way and not yet taken. */
export const windowBytes = 256 * 1024

/** What has been taken, of a body or of an answer, is told in such portions, so that one of many small chunks does not cost a record for each. */
export const portionBytes = 32 * 1024
