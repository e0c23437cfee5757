/** One request that a thread is to answer, from its head to the last byte of its answer. */
import type { IncomingMessage, ServerResponse } from 'node:http'
import { portionBytes, requestFlags, windowBytes } from '../lanes/kinds.ts'
import { discard } from './discard.ts'

/** Where it is now; null while it waits for a thread. */
export interface Holder {
  sendBody(exchange: Exchange, bytes: Uint8Array): void
  endBody(exchange: Exchange, trailers: readonly string[]): void
  /** Its client is gone. */
  abandon(exchange: Exchange): void
}

export class Exchange {
  holder: Holder | null = null
  slot = -1
  stamp = -1
  /** When the thread was given it, and when it last gave a sign of life or was given more of the body. */
  startedMs = 0
  movedMs = 0
  hasHead = false
  /** Whatever else comes of it from its thread is not wanted. */
  isOver = false
  /** Of the body, sent to the thread and not yet taken by the app. */
  untakenBytes = 0
  /** Of the answer, taken by the client's socket and not yet told to the thread. */
  untoldBytes = 0
  /** Of the answer, not yet taken by the client's socket. */
  unsentBytes = 0
  #isReading = false
  /** The body has come to its end. */
  #isWhole = false
  /** Of the body, what was sent to a thread that may not have begun: another one is given it again. Within the window. */
  #kept: Buffer[] | null = []

  readonly queuedMs: number
  readonly req: IncomingMessage
  readonly res: ServerResponse
  readonly door: number
  readonly flags: number

  constructor(req: IncomingMessage, res: ServerResponse, door: number, flags: number, nowMs: number) {
    this.req = req
    this.res = res
    this.door = door
    this.flags = flags
    this.queuedMs = nowMs
  }

  get hasBody(): boolean {
    return (this.flags & requestFlags.hasBody) !== 0
  }

  /** The handler is waited for, not the client. */
  get isHandlersTurn(): boolean {
    if (this.unsentBytes > portionBytes) return false
    // Less than a portion may be taken already, and not yet told.
    return !this.#isReading || this.req.complete || this.untakenBytes >= portionBytes
  }

  /** Gives the body to the thread as it comes, and no faster than the app takes it. */
  readBody(): void {
    if (!this.hasBody) return
    for (const chunk of this.#kept ?? []) this.holder?.sendBody(this, chunk)
    if (this.#isWhole) this.holder?.endBody(this, this.req.rawTrailers)
    if (this.#isWhole || this.#isReading) return
    this.#isReading = true
    this.req.on('data', this.#onData)
    this.req.on('end', this.#onEnd)
  }

  /** Its thread has given a sign of it: it cannot be another one's any more. */
  onBegun(): void {
    this.#kept = null
  }

  onTaken(bytes: number): void {
    this.untakenBytes -= bytes
    if (this.#isReading && this.req.isPaused() && this.untakenBytes < windowBytes / 2) this.req.resume()
  }

  /** What still comes of the body is dropped, so that the next request of the connection can be read. */
  stopReading(): void {
    this.#kept = null
    if (!this.#isReading) return
    this.#isReading = false
    this.req.off('data', this.#onData)
    this.req.off('end', this.#onEnd)
    this.req.resume()
  }

  readonly #onData = (chunk: Buffer): void => {
    this.untakenBytes += chunk.byteLength
    this.#kept?.push(chunk)
    this.holder?.sendBody(this, chunk)
    // A hook may listen too, and keep what it hears.
    if (this.#kept === null && this.holder !== null && this.req.listenerCount('data') === 1) discard(chunk)
    if (this.untakenBytes >= windowBytes) this.req.pause()
  }

  readonly #onEnd = (): void => {
    this.#isReading = false
    this.#isWhole = true
    this.holder?.endBody(this, this.req.rawTrailers)
  }
}
