import { ServerResponse } from 'node:http'
import type { Http2ServerResponse } from 'node:http2'

/** Node does not count the body of a response. Only a worker with an access log pays for counting it. */
const key = Symbol('monoceros.body-bytes')
type Counted = ServerResponse & { [key]?: number }

let isCounting = false

export function countBody(): void {
  if (isCounting) return
  isCounting = true
  const { write, end } = ServerResponse.prototype
  // Both look at what they are given, never at how much that is.
  ServerResponse.prototype.write = function (this: Counted, chunk: unknown, encoding?: unknown, callback?: unknown) {
    add(this, chunk, encoding)
    return write.call(this, chunk, encoding as BufferEncoding, callback as undefined)
  } as typeof write
  ServerResponse.prototype.end = function (this: Counted, chunk?: unknown, encoding?: unknown, callback?: unknown) {
    if (!this.writableEnded) add(this, chunk, encoding)
    return end.call(this, chunk, encoding as BufferEncoding, callback as undefined)
  } as typeof end
}

/** The same for one response of HTTP/2, whose class is not loaded before an app loads it; its `end` gives the last chunk to `write`. */
export function countBodyOf(response: Http2ServerResponse): void {
  const { write } = response
  response.write = ((chunk: unknown, ...rest: unknown[]) => {
    add(response as unknown as Counted, chunk, rest[0])
    return Reflect.apply(write, response, [chunk, ...rest])
  }) as typeof write
}

function add(response: Counted, chunk: unknown, encoding: unknown): void {
  const bytes = sizeOf(chunk, encoding)
  if (bytes > 0) response[key] = (response[key] ?? 0) + bytes
}

function sizeOf(chunk: unknown, encoding: unknown): number {
  if (typeof chunk === 'string') return Buffer.byteLength(chunk, typeof encoding === 'string' ? (encoding as BufferEncoding) : 'utf8')
  return chunk instanceof Uint8Array ? chunk.byteLength : 0
}

/** Bytes of the body that were given to be sent; a HEAD or bodiless response has none. */
export function bodyBytesOf(response: Counted): number {
  const isBodiless = response.req?.method === 'HEAD' || response.statusCode === 204 || response.statusCode === 304
  return isBodiless ? 0 : (response[key] ?? 0)
}

/** Of a response whose body was counted where it was made. */
export function noteBody(response: Counted, bytes: number): void {
  response[key] = bytes
}
