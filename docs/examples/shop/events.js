// Server-sent events: a stream of price ticks, and a memory of how each named stream ended.
import { setTimeout as sleep } from 'node:timers/promises'
import { wholeNumber } from './catalog.js'

const EVERY_MS = 200
const REMEMBERED_MAX = 500

export const eventStreamHeaders = { 'content-type': 'text/event-stream', 'cache-control': 'no-cache' }

/** @type {Map<string, 'open' | 'ended' | 'left'>} */
const streams = new Map()

/**
 * Yields one tick at once and then one each 200 ms: `count` of them, or until `closing` is aborted. When the client leaves,
 * the framework returns the generator, and its `finally` is the place where an app would free what it holds.
 *
 * @param {import('./catalog.js').Catalog} catalog
 * @param {{ id?: unknown, count?: unknown, closing?: AbortSignal }} options
 */
export async function* priceEvents(catalog, { id, count, closing }) {
  const last = wholeNumber(count, Number.POSITIVE_INFINITY)
  remember(id, 'open')
  let end = /** @type {'ended' | 'left'} */ ('left')
  try {
    for (let tick = 1; tick <= last; tick++) {
      if (tick > 1) await sleep(EVERY_MS, undefined, { signal: closing }).catch(() => {})
      if (closing?.aborted) break
      yield `id: ${tick}\nevent: price\ndata: ${JSON.stringify(priceAt(catalog, tick))}\n\n`
    }
    end = 'ended'
  } finally {
    remember(id, end)
  }
}

/** How the stream that was opened with `?id=` stands, if this process served it lately. @param {string} id */
export function streamState(id) {
  const state = streams.get(id)
  return state && { id, state }
}

/** @param {import('./catalog.js').Catalog} catalog @param {number} tick */
function priceAt(catalog, tick) {
  const product = catalog.products[(tick * 37) % catalog.products.length]
  return { id: product.id, name: product.name, priceCents: product.priceCents + 10 * ((tick * 7) % 11) }
}

/** @param {unknown} id @param {'open' | 'ended' | 'left'} state */
function remember(id, state) {
  if (typeof id !== 'string') return
  streams.set(id, state)
  if (streams.size > REMEMBERED_MAX) streams.delete(/** @type {string} */ (streams.keys().next().value))
}
