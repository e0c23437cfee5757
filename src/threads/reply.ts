/** Passes an answer that was made in a thread on to the client, byte by byte as it was made. */
import type { ServerResponse } from 'node:http'
import { noteBody } from '../http/body-count.ts'
import { closingHead, isToBeLast } from '../http/last-answer.ts'
import { headFlags, portionBytes } from '../lanes/kinds.ts'
import { beginRaw, writeRaw } from '../os/http-internals.ts'
import { discard } from './discard.ts'
import type { Exchange } from './exchange.ts'

/** Texts up to here are written as they are; beyond, copying the bytes costs less. */
export const textMaxBytes = 4 * 1024

export interface HeadRecord {
  readonly headBytes: number
  /** The status, and `headFlags`. */
  readonly code: number
}

/** @param tell is given the bytes that have left, in portions */
export function passHead(
  exchange: Exchange,
  { headBytes, code }: HeadRecord,
  data: string | Buffer,
  isHeadKept: boolean,
  tell: (bytes: number) => void,
): void {
  const { res } = exchange
  const bytes = data.length
  let text = typeof data === 'string' ? data.slice(0, headBytes) : data.toString('latin1', 0, headBytes)
  let whole = data
  let isLast = (code & headFlags.isLast) !== 0
  if (!isLast && isToBeLast(res)) {
    isLast = true
    text = closingHead(text)
    whole = typeof data === 'string' ? text + data.slice(headBytes) : Buffer.concat([Buffer.from(text, 'latin1'), data.subarray(headBytes)])
  }
  exchange.hasHead = true
  if (isHeadKept) giveHeaders(res, text)
  beginRaw(res, { status: code & (headFlags.isLast - 1), isLast, text })
  passBytes(exchange, whole, tell, bytes)
}

export function passBytes(exchange: Exchange, data: string | Uint8Array, tell: (bytes: number) => void, bytes = data.length): void {
  const { res } = exchange
  writeRaw(res, data)
  if (res.socket !== null && res.socket.writableLength === 0) {
    if (typeof data !== 'string') discard(data)
    told(exchange, bytes, tell)
    return
  }
  exchange.unsentBytes += bytes
  // An empty write behind it is answered when it has left.
  writeRaw(res, '', () => {
    exchange.unsentBytes -= bytes
    if (typeof data !== 'string') discard(data)
    told(exchange, bytes, tell)
  })
}

function told(exchange: Exchange, bytes: number, tell: (bytes: number) => void): void {
  exchange.untoldBytes += bytes
  if (exchange.untoldBytes < portionBytes || exchange.isOver) return
  tell(exchange.untoldBytes)
  exchange.untoldBytes = 0
}

export function endReply(exchange: Exchange, bodyBytes: number): void {
  exchange.isOver = true
  exchange.stopReading()
  if (bodyBytes > 0) noteBody(exchange.res, bodyBytes)
  exchange.res.end()
}

/** The app has cut the connection: what it wrote before still leaves. */
export function cutReply(exchange: Exchange, bodyBytes: number): void {
  exchange.isOver = true
  const { res } = exchange
  if (bodyBytes > 0) noteBody(res, bodyBytes)
  if (res.socket === null) res.destroy()
  else res.socket.destroySoon()
}

/** An answer in the place of one that will not come; where one has begun, the connection is cut, so that it is not taken for whole. */
export function answerInstead(exchange: Exchange, status: number, retryAfterS: number | null = null): void {
  if (exchange.isOver) return
  exchange.isOver = true
  exchange.stopReading()
  const { res } = exchange
  if (res.headersSent || res.destroyed) {
    res.destroy()
    return
  }
  const text = `${status} ${texts[status] ?? 'Error'}\n`
  res.statusCode = status
  if (retryAfterS !== null) res.setHeader('retry-after', retryAfterS)
  res.setHeader('content-type', 'text/plain; charset=utf-8')
  res.setHeader('content-length', text.length)
  res.end(text)
}
const texts: Readonly<Record<number, string>> = {
  501: 'Not Implemented',
  502: 'Bad Gateway',
  503: 'Service Unavailable',
  504: 'Gateway Timeout',
}

/** For whoever asks the response for what it was sent with: the access log, and hooks. */
function giveHeaders(res: ServerResponse, head: string): void {
  for (const line of head.split('\r\n').slice(1)) {
    const colon = line.indexOf(':')
    if (colon <= 0) continue
    try {
      res.appendHeader(line.slice(0, colon), line.slice(colon + 1).trim())
    } catch {
      // A header that the app's own Node has let pass is not refused here: it goes out in the head as it is.
    }
  }
}
