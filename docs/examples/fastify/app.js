// The shop's JSON API in Fastify: npx monoceros docs/examples/fastify/app.js
import { createHash } from 'node:crypto'
import { Readable } from 'node:stream'
import fastify from 'fastify'
import { digest, letters } from '../shop/bodies.js'
import { openCatalog, wholeNumber } from '../shop/catalog.js'
import { eventStreamHeaders, priceEvents, streamState } from '../shop/events.js'
import { placeOrder } from '../shop/orders.js'
import { burnCpu, crashSoon, waitFor, whoAmI } from '../shop/trouble.js'

const app = fastify()
const catalog = await openCatalog()

app.get('/api/products', async (req) => catalog.list(req.query))
app.get('/api/products/:id', async (req, reply) => catalog.find(req.params.id) ?? reply.callNotFound())
app.get('/api/categories/:category', async (req, reply) => catalog.inCategory(req.params.category) ?? reply.callNotFound())
app.get('/api/search', async (req) => catalog.search(req.query.q))

app.post('/api/orders', (req, reply) => {
  const answer = placeOrder(catalog, req.body)
  if (!answer.ok) return reply.code(422).send({ error: 'the order cannot be taken', problems: answer.problems })
  return reply.code(201).header('location', `/api/orders/${answer.order.id}`).send(answer.order)
})

app.get('/events', (req, reply) => reply.headers(eventStreamHeaders).send(Readable.from(priceEvents(catalog, req.query))))
app.get('/events/:id', async (req, reply) => streamState(req.params.id) ?? reply.callNotFound())

app.get('/stream', (req, reply) => {
  const hash = createHash('sha256')
  const body = Readable.from(letters(wholeNumber(req.query.chunks, 10), wholeNumber(req.query.size, 1024)))
  body.on('data', (chunk) => hash.update(chunk))
  if (req.raw.httpVersion === '1.1') reply.trailer('x-stream-sha256', async () => hash.digest('hex'))
  return reply.type('text/plain').send(body)
})

// In this scope a body of any type reaches its handler as a stream.
app.register(async (streams) => {
  streams.removeAllContentTypeParsers()
  streams.addContentTypeParser('*', (_req, body, done) => done(null, body))

  streams.put('/api/products/:id/photo', { bodyLimit: Number.MAX_SAFE_INTEGER }, async (req, reply) => {
    if (!catalog.find(req.params.id)) return reply.callNotFound()
    return digest(req.raw)
  })

  streams.post('/echo', (req, reply) => {
    if (req.headers['content-length']) reply.header('x-body-bytes', req.headers['content-length'])
    return reply.type(req.headers['content-type'] ?? 'application/octet-stream').send(req.raw)
  })
})

app.get('/slow', async (req) => waitFor(req.query.ms))
app.get('/cpu', async (req) => burnCpu(req.query.ms))
app.get('/headers', async (req) => req.headers)
app.get('/basket', (_req, reply) => {
  reply.header('set-cookie', 'basket=b-1; Path=/; HttpOnly').header('set-cookie', 'currency=EUR; Path=/').send({ items: 0 })
})
app.get('/pid', async () => whoAmI())
app.get('/error', async () => {
  throw new Error('the handler threw, as it was asked to')
})
app.get('/crash', () => crashSoon())

export default app
