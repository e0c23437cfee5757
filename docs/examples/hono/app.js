// The shop's JSON API in Hono: npx monoceros docs/examples/hono/app.js
import { Hono } from 'hono'
import { setCookie } from 'hono/cookie'
import { HTTPException } from 'hono/http-exception'
import { digest } from '../shop/bodies.js'
import { openCatalog, wholeNumber } from '../shop/catalog.js'
import { priceEvents, streamState } from '../shop/events.js'
import { placeOrder } from '../shop/orders.js'
import { burnCpu, crashSoon, waitFor, whoAmI } from '../shop/trouble.js'
import { echo, eventStream, letterStream } from '../shop/web-streams.js'

const catalog = await openCatalog()
const app = new Hono()

app.get('/api/products', (c) => c.json(catalog.list(c.req.query())))
app.get('/api/products/:id', (c) => found(c, catalog.find(c.req.param('id'))))
app.put('/api/products/:id/photo', async (c) => found(c, catalog.find(c.req.param('id')) && (await digest(c.req.raw.body))))
app.get('/api/categories/:category', (c) => found(c, catalog.inCategory(c.req.param('category'))))
app.get('/api/search', (c) => c.json(catalog.search(c.req.query('q'))))

app.post('/api/orders', async (c) => {
  const body = await c.req.json().catch((cause) => {
    throw new HTTPException(400, { message: 'the body is not JSON', cause })
  })
  const answer = placeOrder(catalog, body)
  if (!answer.ok) return c.json({ error: 'the order cannot be taken', problems: answer.problems }, 422)
  return c.json(answer.order, 201, { location: `/api/orders/${answer.order.id}` })
})

app.get('/events', (c) => eventStream(priceEvents(catalog, c.req.query())))
app.get('/events/:id', (c) => found(c, streamState(c.req.param('id'))))
app.get('/stream', (c) => letterStream({ chunks: wholeNumber(c.req.query('chunks'), 10), size: wholeNumber(c.req.query('size'), 1024) }))
app.post('/echo', (c) => echo(c.req.raw))

app.get('/slow', async (c) => c.json(await waitFor(c.req.query('ms'))))
app.get('/cpu', (c) => c.json(burnCpu(c.req.query('ms'))))
app.get('/headers', (c) => c.json(c.req.header()))
app.get('/basket', (c) => {
  setCookie(c, 'basket', 'b-1', { httpOnly: true })
  setCookie(c, 'currency', 'EUR')
  return c.json({ items: 0 })
})
app.get('/pid', (c) => c.json(whoAmI()))
app.get('/error', () => {
  throw new Error('the handler threw, as it was asked to')
})
app.get('/crash', () => {
  crashSoon()
  return new Promise(() => {})
})

/** @param {import('hono').Context} c @param {object | undefined} value */
function found(c, value) {
  return value === undefined ? c.json({ error: 'not found' }, 404) : c.json(value)
}

export default app
