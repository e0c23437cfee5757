// Request and response bodies as streams. A source is anything that can be iterated: an IncomingMessage or a web ReadableStream.
import { createHash } from 'node:crypto'

const JSON_BYTES_MAX = 100 * 1024
const CHUNKS_MAX = 10_000
const CHUNK_BYTES_MAX = 1024 * 1024

/**
 * Reads a body of any size to its end and keeps none of it.
 *
 * @param {AsyncIterable<Uint8Array> | Iterable<Uint8Array> | null | undefined} source
 */
export async function digest(source) {
  const hash = createHash('sha256')
  let bytes = 0
  for await (const chunk of source ?? []) {
    bytes += chunk.byteLength
    hash.update(chunk)
  }
  return { bytes, sha256: hash.digest('hex') }
}

/**
 * Reads a JSON body of at most 100 KiB; fails with `status` 400 or 413 on the error. For frameworks that do not parse bodies.
 *
 * @param {AsyncIterable<Uint8Array> | null} source
 */
export async function readJson(source) {
  /** @type {Uint8Array[]} */
  const chunks = []
  let bytes = 0
  for await (const chunk of source ?? []) {
    bytes += chunk.byteLength
    if (bytes > JSON_BYTES_MAX) throw Object.assign(new Error('the body is too large'), { status: 413 })
    chunks.push(chunk)
  }
  try {
    return JSON.parse(Buffer.concat(chunks).toString('utf8'))
  } catch (cause) {
    throw Object.assign(new Error('the body is not JSON', { cause }), { status: 400 })
  }
}

/**
 * `chunks` buffers of `size` bytes, filled with letters. Clamped to 10,000 chunks and 1 MiB each.
 *
 * @param {number} chunks
 * @param {number} size
 */
export function* letters(chunks, size) {
  const bytes = Math.min(size, CHUNK_BYTES_MAX)
  for (let index = 0; index < Math.min(chunks, CHUNKS_MAX); index++) yield Buffer.alloc(bytes, 97 + (index % 26))
}
