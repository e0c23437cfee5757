/** The socket that a request has in a thread: a genuine `net.Socket` without a descriptor, whose bytes go through the lane. */
import type { ServerResponse } from 'node:http'
import { Socket } from 'node:net'
import type { Ends } from '../lanes/head-text.ts'
import { headOf, takeNeedDrain } from '../os/http-internals.ts'

/** What one request's socket tells and asks. */
export interface SocketHost {
  /** Bytes in the order of writing; `headBytes` of the first of them are the head, and are told once. */
  onBytes(parts: readonly Part[], what: 'inform' | 'head' | 'body'): void
  /** The app wants more of the body. */
  onResume(): void
  /** It is closed, by the app or because its client is gone. */
  onDestroyed(): void
}

export interface Part {
  readonly chunk: string | Uint8Array
  readonly encoding: BufferEncoding
}

type Callback = (error?: Error | null) => void

/** Above this, `write()` answers false; below half of it, `drain` is due. */
const highWaterBytes = 64 * 1024

export class LaneSocket extends Socket {
  readonly #host: SocketHost
  readonly #ends: Ends
  #parts: Part[] = []
  #hasHead = false
  /** Written, and not yet taken by the client's socket. */
  #unsentBytes = 0
  #waiting: Callback[] = []
  #isTimed = false

  constructor(host: SocketHost, ends: Ends) {
    super()
    this.#host = host
    this.#ends = ends
  }

  get #response(): ServerResponse | null {
    return (this as unknown as { _httpMessage: ServerResponse | null })._httpMessage
  }

  // net.Socket has them as getters of its own, which ask the descriptor.
  static {
    const ends = (read: (of: Ends) => unknown) => ({
      configurable: true,
      get(this: LaneSocket) {
        return read(this.#ends) ?? undefined
      },
    })
    Object.defineProperties(LaneSocket.prototype, {
      remoteAddress: ends((of) => of.remoteAddress),
      remotePort: ends((of) => of.remotePort),
      remoteFamily: ends((of) => familyOf(of.remoteAddress)),
      localAddress: ends((of) => of.localAddress),
      localPort: ends((of) => of.localPort),
      localFamily: ends((of) => familyOf(of.localAddress)),
      connecting: { configurable: true, writable: true, value: false },
      pending: { configurable: true, value: false },
      readyState: {
        configurable: true,
        get(this: LaneSocket) {
          return this.destroyed ? 'closed' : 'open'
        },
      },
      writableLength: {
        configurable: true,
        get(this: LaneSocket) {
          return this.#unsentBytes
        },
      },
    })
  }

  override address() {
    const { localAddress: address, localPort: port } = this.#ends
    return address === null ? {} : { address, family: familyOf(address) ?? 'IPv4', port: port ?? 0 }
  }

  override write(chunk: Uint8Array | string, encoding?: BufferEncoding | Callback, callback?: Callback): boolean {
    const onTaken = typeof encoding === 'function' ? encoding : callback
    if (this.destroyed) {
      if (onTaken) process.nextTick(onTaken, Object.assign(new Error('write after the client has gone'), { code: 'ERR_STREAM_DESTROYED' }))
      return false
    }
    if (this.#isTimed) (this as unknown as { _unrefTimer(): void })._unrefTimer()
    if (chunk.length > 0) this.#take({ chunk, encoding: typeof encoding === 'string' ? encoding : 'utf8' })
    if (this.writableCorked === 0) this.flush()
    const hasRoom = this.#unsentBytes < highWaterBytes
    if (onTaken) {
      if (hasRoom) process.nextTick(onTaken)
      else this.#waiting.push(onTaken)
    }
    return hasRoom
  }

  override uncork(): void {
    super.uncork()
    if (this.writableCorked === 0) this.flush()
  }

  // Counted when it is written, corked or not: a handler that writes until it is told to wait must be told in the same turn.
  #take(part: Part): void {
    this.#parts.push(part)
    const { chunk, encoding } = part
    this.#unsentBytes += typeof chunk === 'string' ? Buffer.byteLength(chunk, encoding) : chunk.byteLength
  }

  /** Gives what was written to the main thread. */
  flush(): void {
    if (this.#parts.length === 0) return
    const parts = this.#parts
    this.#parts = []
    const response = this.#response
    if (this.#hasHead) this.#host.onBytes(parts, 'body')
    else if (response !== null && headOf(response) !== null) {
      this.#hasHead = true
      this.#host.onBytes(parts, 'head')
    } else this.#host.onBytes(parts, 'inform')
  }

  /** The client's socket has taken that much. */
  onSent(bytes: number): void {
    this.#unsentBytes -= bytes
    if (this.#unsentBytes > highWaterBytes / 2) return
    const waiting = this.#waiting
    this.#waiting = []
    for (const callback of waiting) callback()
    const response = this.#response
    if (response !== null && takeNeedDrain(response)) response.emit('drain')
    this.emit('drain')
  }

  /** The main thread has the whole answer, and tells no more of what has left. */
  handOver(): void {
    this.#unsentBytes = 0
    for (const waiting of this.#waiting.splice(0)) process.nextTick(waiting)
  }

  // biome-ignore lint/suspicious/noExplicitAny: one of the forms that net.Socket has
  override end(...args: any[]): this {
    const [chunk, encoding] = args
    if (typeof chunk === 'string' || chunk instanceof Uint8Array)
      this.write(chunk, typeof encoding === 'string' ? (encoding as BufferEncoding) : undefined)
    this.flush()
    this.destroy()
    return this
  }

  override destroySoon(): void {
    this.flush()
    this.destroy()
  }

  override resume(): this {
    this.#host.onResume()
    return this
  }

  override pause(): this {
    return this
  }

  override setNoDelay(): this {
    return this
  }

  override setKeepAlive(): this {
    return this
  }

  override setTimeout(timeoutMs: number, callback?: () => void): this {
    if (!this.#isTimed) {
      this.#isTimed = true
      this.on('timeout', this.#onTimeout)
    }
    return super.setTimeout(timeoutMs, callback)
  }

  /** As a server does: whoever waits for it is told, and if nobody does, the connection is cut. */
  readonly #onTimeout = (): void => {
    const response = this.#response
    const isHeard = response?.emit('timeout', this) || response?.req.emit('timeout', this) || this.listenerCount('timeout') > 1
    if (!isHeard) this.destroy()
  }

  override _destroy(error: Error | null, callback: Callback): void {
    this.#host.onDestroyed()
    for (const waiting of this.#waiting.splice(0)) process.nextTick(waiting, error ?? undefined)
    super._destroy(this.listenerCount('error') > 0 ? error : null, callback)
  }
}

function familyOf(address: string | null): 'IPv4' | 'IPv6' | undefined {
  if (address === null) return undefined
  return address.includes(':') ? 'IPv6' : 'IPv4'
}
