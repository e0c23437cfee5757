// The shop's JSON API as a plain request handler: npx monoceros docs/examples/node-http/app.js
import { digest, readJson } from '../shop/bodies.js'
import { openCatalog, wholeNumber } from '../shop/catalog.js'
import { priceEvents, streamState } from '../shop/events.js'
import { sendEcho, sendEvents, sendLetters } from '../shop/node-streams.js'
import { placeOrder } from '../shop/orders.js'
import { Routes } from '../shop/routes.js'
import { burnCpu, crashSoon, waitFor, whoAmI } from '../shop/trouble.js'

const catalog = await openCatalog()

/**
 * @typedef {{ req: import('node:http').IncomingMessage, res: import('node:http').ServerResponse,
 *   params: Record<string, string>, query: Record<string, string> }} Visit
 * @type {Routes<(visit: Visit) => unknown>}
 */
const routes = new Routes()

routes.get('/api/products', ({ res, query }) => json(res, 200, catalog.list(query)))
routes.get('/api/products/:id', ({ res, params }) => found(res, catalog.find(params.id)))
routes.put('/api/products/:id/photo', async ({ req, res, params }) => {
  if (!catalog.find(params.id)) return found(res, undefined)
  json(res, 200, await digest(req))
})
routes.get('/api/categories/:category', ({ res, params }) => found(res, catalog.inCategory(params.category)))
routes.get('/api/search', ({ res, query }) => json(res, 200, catalog.search(query.q)))
routes.post('/api/orders', async ({ req, res }) => {
  const answer = placeOrder(catalog, await readJson(req))
  if (!answer.ok) return json(res, 422, { error: 'the order cannot be taken', problems: answer.problems })
  res.setHeader('location', `/api/orders/${answer.order.id}`)
  json(res, 201, answer.order)
})
routes.get('/events', ({ req, res, query }) => sendEvents(req, res, priceEvents(catalog, query)))
routes.get('/events/:id', ({ res, params }) => found(res, streamState(params.id)))
routes.get('/slow', async ({ res, query }) => json(res, 200, await waitFor(query.ms)))
routes.get('/cpu', ({ res, query }) => json(res, 200, burnCpu(query.ms)))
routes.get('/stream', ({ req, res, query }) =>
  sendLetters(req, res, { chunks: wholeNumber(query.chunks, 10), size: wholeNumber(query.size, 1024) }),
)
routes.post('/echo', ({ req, res }) => sendEcho(req, res))
routes.get('/headers', ({ req, res }) => json(res, 200, req.headers))
routes.get('/basket', ({ res }) => {
  res.setHeader('set-cookie', ['basket=b-1; Path=/; HttpOnly', 'currency=EUR; Path=/'])
  json(res, 200, { items: 0 })
})
routes.get('/pid', ({ res }) => json(res, 200, whoAmI()))
routes.get('/error', () => {
  throw new Error('the handler threw, as it was asked to')
})
routes.get('/crash', () => crashSoon())

/** @param {import('node:http').IncomingMessage} req @param {import('node:http').ServerResponse} res */
export default async function handle(req, res) {
  try {
    const { pathname, searchParams } = new URL((req.url ?? '/').replace(/^\/+/, '/'), 'http://shop')
    const match = routes.match(req.method, pathname)
    if (!match) return found(res, undefined)
    await match.handler({ req, res, params: match.params, query: Object.fromEntries(searchParams) })
  } catch (error) {
    answerError(res, error)
  }
}

/** @param {import('node:http').ServerResponse} res @param {number} status @param {unknown} body */
function json(res, status, body) {
  const text = JSON.stringify(body)
  res.writeHead(status, { 'content-type': 'application/json', 'content-length': Buffer.byteLength(text) })
  res.end(text)
}

/** @param {import('node:http').ServerResponse} res @param {unknown} value */
function found(res, value) {
  if (value === undefined) json(res, 404, { error: 'not found' })
  else json(res, 200, value)
}

/** @param {import('node:http').ServerResponse} res @param {any} error */
function answerError(res, error) {
  const status = error?.status ?? 500
  if (status === 500) console.error(error)
  if (res.headersSent) res.destroy()
  else json(res, status, { error: status === 500 ? 'something broke here' : error.message })
}
