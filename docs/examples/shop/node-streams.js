// Streaming answers on a genuine IncomingMessage and ServerResponse: for Express, Koa, Nest and plain node:http.
import { createHash } from 'node:crypto'
import { Readable } from 'node:stream'
import { pipeline } from 'node:stream/promises'
import { letters } from './bodies.js'
import { eventStreamHeaders } from './events.js'

/** @typedef {import('node:http').IncomingMessage} Request @typedef {import('node:http').ServerResponse} Response */

/**
 * Sends the body back while it still comes in.
 *
 * @param {Request} req
 * @param {Response} res
 */
export async function sendEcho(req, res) {
  res.setHeader('content-type', req.headers['content-type'] ?? 'application/octet-stream')
  if (req.headers['content-length'] !== undefined) res.setHeader('x-body-bytes', req.headers['content-length'])
  await untilGone(pipeline(req, res))
}

/**
 * A chunked answer; its SHA-256 follows in a trailer, as nobody knows it before.
 *
 * @param {Request} req
 * @param {Response} res
 * @param {{ chunks: number, size: number }} amount
 */
export async function sendLetters(req, res, { chunks, size }) {
  const hash = createHash('sha256')
  res.setHeader('content-type', 'text/plain')
  // Node refuses to announce a trailer on an answer that is not chunked.
  const isChunked = req.httpVersion === '1.1' && req.method !== 'HEAD'
  if (isChunked) res.setHeader('trailer', 'x-stream-sha256')
  const hashed = function* () {
    for (const chunk of letters(chunks, size)) {
      hash.update(chunk)
      yield chunk
    }
  }
  if (req.method !== 'HEAD') await untilGone(pipeline(Readable.from(hashed()), res, { end: false }))
  if (isChunked) res.addTrailers({ 'x-stream-sha256': hash.digest('hex') })
  res.end()
}

/**
 * @param {Request} req
 * @param {Response} res
 * @param {AsyncIterable<string>} events
 */
export async function sendEvents(req, res, events) {
  res.writeHead(200, eventStreamHeaders)
  if (req.method === 'HEAD') return void res.end()
  res.flushHeaders()
  await untilGone(pipeline(Readable.from(events), res))
}

/**
 * Text as it comes, no faster than the client reads it.
 *
 * @param {Response} res
 * @param {AsyncIterable<string>} chunks
 */
export async function sendText(res, chunks) {
  res.setHeader('content-type', 'text/plain; charset=utf-8')
  await untilGone(pipeline(Readable.from(chunks), res))
}

/** A client that leaves in the middle is no error of ours. @param {Promise<void>} done */
async function untilGone(done) {
  try {
    await done
  } catch (error) {
    const code = /** @type {NodeJS.ErrnoException} */ (error).code ?? ''
    if (!['ERR_STREAM_PREMATURE_CLOSE', 'ECONNRESET', 'EPIPE', 'ECONNABORTED'].includes(code)) throw error
  }
}
