// The shop's JSON API in Koa: npx monoceros docs/examples/koa/app.js
import { Readable } from 'node:stream'
import Koa from 'koa'
import { digest, readJson } from '../shop/bodies.js'
import { openCatalog, wholeNumber } from '../shop/catalog.js'
import { eventStreamHeaders, priceEvents, streamState } from '../shop/events.js'
import { sendLetters } from '../shop/node-streams.js'
import { placeOrder } from '../shop/orders.js'
import { Routes } from '../shop/routes.js'
import { burnCpu, crashSoon, waitFor, whoAmI } from '../shop/trouble.js'

const catalog = await openCatalog()

const routes = new Routes()

routes.get('/api/products', (ctx) => found(ctx, catalog.list(ctx.query)))
routes.get('/api/products/:id', (ctx, { id }) => found(ctx, catalog.find(id)))
routes.put('/api/products/:id/photo', async (ctx, { id }) => found(ctx, catalog.find(id) && (await digest(ctx.req))))
routes.get('/api/categories/:category', (ctx, { category }) => found(ctx, catalog.inCategory(category)))
routes.get('/api/search', (ctx) => found(ctx, catalog.search(ctx.query.q)))
routes.post('/api/orders', async (ctx) => {
  const answer = placeOrder(catalog, await readJson(ctx.req))
  ctx.status = answer.ok ? 201 : 422
  if (answer.ok) ctx.set('location', `/api/orders/${answer.order.id}`)
  ctx.body = answer.ok ? answer.order : { error: 'the order cannot be taken', problems: answer.problems }
})
routes.get('/events', (ctx) => {
  ctx.set(eventStreamHeaders)
  ctx.body = Readable.from(priceEvents(catalog, ctx.query))
})
routes.get('/events/:id', (ctx, { id }) => found(ctx, streamState(id)))
routes.get('/slow', async (ctx) => found(ctx, await waitFor(ctx.query.ms)))
routes.get('/cpu', (ctx) => found(ctx, burnCpu(ctx.query.ms)))
routes.get('/stream', async (ctx) => {
  // Koa has no word for trailers: the answer is written past it.
  ctx.respond = false
  ctx.status = 200
  await sendLetters(ctx.req, ctx.res, { chunks: wholeNumber(ctx.query.chunks, 10), size: wholeNumber(ctx.query.size, 1024) })
})
routes.post('/echo', (ctx) => {
  if (ctx.get('content-length')) ctx.set('x-body-bytes', ctx.get('content-length'))
  ctx.type = ctx.get('content-type') || 'application/octet-stream'
  ctx.body = ctx.req
})
routes.get('/headers', (ctx) => found(ctx, ctx.headers))
routes.get('/basket', (ctx) => {
  ctx.cookies.set('basket', 'b-1')
  ctx.cookies.set('currency', 'EUR', { httpOnly: false })
  ctx.body = { items: 0 }
})
routes.get('/pid', (ctx) => found(ctx, whoAmI()))
routes.get('/error', () => {
  throw new Error('the handler threw, as it was asked to')
})
routes.get('/crash', () => {
  crashSoon()
  return new Promise(() => {})
})

function found(ctx, value) {
  if (value === undefined) ctx.status = 404
  ctx.body = value ?? { error: 'not found' }
}

const app = new Koa()

app.use(async (ctx) => {
  const match = routes.match(ctx.method, ctx.path)
  if (match) await match.handler(ctx, match.params)
  else found(ctx, undefined)
})

export default app
