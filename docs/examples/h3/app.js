// The shop's JSON API in h3: npx monoceros docs/examples/h3/app.js
import { getQuery, getRouterParam, H3, HTTPError, readBody, setCookie } from 'h3'
import { digest } from '../shop/bodies.js'
import { openCatalog, wholeNumber } from '../shop/catalog.js'
import { priceEvents, streamState } from '../shop/events.js'
import { placeOrder } from '../shop/orders.js'
import { burnCpu, crashSoon, waitFor, whoAmI } from '../shop/trouble.js'
import { echo, eventStream, letterStream } from '../shop/web-streams.js'

const catalog = await openCatalog()
const app = new H3()

app.get('/api/products', (event) => catalog.list(getQuery(event)))
app.get('/api/products/:id', (event) => found(catalog.find(param(event, 'id'))))
app.put('/api/products/:id/photo', async (event) => found(catalog.find(param(event, 'id')) && (await digest(event.req.body))))
app.get('/api/categories/:category', (event) => found(catalog.inCategory(param(event, 'category'))))
app.get('/api/search', (event) => catalog.search(getQuery(event).q))

app.post('/api/orders', async (event) => {
  const answer = placeOrder(catalog, await readBody(event))
  event.res.status = answer.ok ? 201 : 422
  if (!answer.ok) return { error: 'the order cannot be taken', problems: answer.problems }
  event.res.headers.set('location', `/api/orders/${answer.order.id}`)
  return answer.order
})

app.get('/events', (event) => eventStream(priceEvents(catalog, getQuery(event))))
app.get('/events/:id', (event) => found(streamState(param(event, 'id'))))
app.get('/stream', (event) => {
  const { chunks, size } = getQuery(event)
  return letterStream({ chunks: wholeNumber(chunks, 10), size: wholeNumber(size, 1024) })
})
app.post('/echo', (event) => echo(event.req))

app.get('/slow', (event) => waitFor(getQuery(event).ms))
app.get('/cpu', (event) => burnCpu(getQuery(event).ms))
app.get('/headers', (event) => Object.fromEntries(event.req.headers))
app.get('/basket', (event) => {
  setCookie(event, 'basket', 'b-1', { httpOnly: true })
  setCookie(event, 'currency', 'EUR')
  return { items: 0 }
})
app.get('/pid', () => whoAmI())
app.get('/error', () => {
  throw new Error('the handler threw, as it was asked to')
})
app.get('/crash', () => {
  crashSoon()
  return new Promise(() => {})
})

/** @template T @param {T | undefined} value @returns {T} */
function found(value) {
  if (value === undefined) throw new HTTPError({ status: 404, message: 'not found' })
  return value
}

/** @param {import('h3').H3Event} event @param {string} name */
function param(event, name) {
  return getRouterParam(event, name, { decode: true }) ?? ''
}

export default app
