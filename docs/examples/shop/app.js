// A shop in Express 5. It does not listen: npx monoceros docs/examples/shop/app.js -w 4
import { fileURLToPath } from 'node:url'
import express from 'express'
import { digest } from './bodies.js'
import { openCatalog, wholeNumber } from './catalog.js'
import { priceEvents, streamState } from './events.js'
import { begun, goneSignal, heavyProblem, reports, sources } from './heavy.js'
import { sendEcho, sendEvents, sendLetters, sendText } from './node-streams.js'
import { placeOrder } from './orders.js'
import { homePage, productPage, searchPage, sourcePage, troublePage } from './pages.js'
import { burnCpu, crashSoon, waitFor, whoAmI } from './trouble.js'

/** @type {{ catalog?: import('./catalog.js').Catalog, slot?: number, closing: AbortController }} */
const shop = { closing: new AbortController() }

/** The server calls it before the first request: a worker is ready when its data is. @param {{ slot?: number }} [ctx] */
export async function onStartup(ctx) {
  shop.slot = ctx?.slot
  shop.closing = new AbortController()
  shop.catalog = await openCatalog()
}

/** Event streams have no end of their own, so a worker that drains has to end them. */
export async function onShutdown() {
  shop.closing.abort()
}

const app = express()
app.disable('x-powered-by')
app.use(express.static(fileURLToPath(new URL('public', import.meta.url)), { extensions: ['html'] }))

app.use((_req, res, next) => {
  if (!shop.catalog) return void res.status(503).json({ error: 'the catalog is not loaded yet' })
  res.locals.catalog = shop.catalog
  next()
})

app.get('/', (req, res) => {
  const { catalog } = res.locals
  res.send(req.query.q === undefined ? homePage(catalog.list(req.query), whoAmI(shop)) : searchPage(catalog.search(req.query.q)))
})

app.get('/products/:id', (req, res, next) => {
  const product = res.locals.catalog.find(req.params.id)
  if (!product) return next()
  res.send(productPage(product))
})

app.get('/api/products', (req, res) => {
  res.json(res.locals.catalog.list(req.query))
})

app.get('/api/products/:id', (req, res, next) => {
  const product = res.locals.catalog.find(req.params.id)
  if (!product) return next()
  res.json(product)
})

app.put('/api/products/:id/photo', async (req, res, next) => {
  if (!res.locals.catalog.find(req.params.id)) return next()
  res.json(await digest(req))
})

app.get('/api/categories/:category', (req, res, next) => {
  const found = res.locals.catalog.inCategory(req.params.category)
  if (!found) return next()
  res.json(found)
})

app.get('/api/search', (req, res) => {
  res.json(res.locals.catalog.search(req.query.q))
})

app.post('/api/orders', express.json(), (req, res) => {
  const answer = placeOrder(res.locals.catalog, req.body)
  if (!answer.ok) return void res.status(422).json({ error: 'the order cannot be taken', problems: answer.problems })
  res.status(201).location(`/api/orders/${answer.order.id}`).json(answer.order)
})

app.get('/events', async (req, res) => {
  const { id, count } = req.query
  await sendEvents(req, res, priceEvents(res.locals.catalog, { id, count, closing: shop.closing.signal }))
})

app.get('/events/:id', (req, res, next) => {
  const stream = streamState(req.params.id)
  if (!stream) return next()
  res.json(stream)
})

app.get('/slow', async (req, res) => {
  res.json(await waitFor(req.query.ms))
})

app.get('/cpu', (req, res) => {
  res.json(burnCpu(req.query.ms))
})

app.get('/stream', async (req, res) => {
  await sendLetters(req, res, { chunks: wholeNumber(req.query.chunks, 10), size: wholeNumber(req.query.size, 1024) })
})

app.post('/echo', async (req, res) => {
  await sendEcho(req, res)
})

app.post('/highlight', express.text({ type: () => true, limit: '1mb' }), async (req, res) => {
  const name = typeof req.query.name === 'string' ? req.query.name : 'file.js'
  const text = typeof req.body === 'string' ? req.body : ''
  const source = await sources.with({ signal: goneSignal(res) }).highlight(name, text)
  if (wantsJson(req)) res.json(source)
  else res.send(sourcePage(source))
})

app.get('/report', async (req, res) => {
  if (req.method === 'HEAD') return void res.end()
  await sendText(res, await begun(reports.with({ signal: goneSignal(res) }).fullText()))
})

app.get('/headers', (req, res) => {
  res.json(req.headers)
})

app.get('/basket', (_req, res) => {
  res.cookie('basket', 'b-1', { httpOnly: true, path: '/' }).cookie('currency', 'EUR', { path: '/' }).json({ items: 0 })
})

app.get('/pid', (_req, res) => {
  res.json(whoAmI(shop))
})

app.get('/error', () => {
  throw new Error('the handler threw, as it was asked to')
})

app.get('/crash', () => crashSoon())

app.use((req, res) => {
  res.status(404)
  if (wantsJson(req)) res.json({ error: 'not found' })
  else res.send(troublePage(404, 'There is nothing at this address.'))
})

/** Four parameters: that is how Express knows an error handler. @type {express.ErrorRequestHandler} */
const answerError = (error, req, res, next) => {
  if (res.headersSent) return next(error)
  if (res.destroyed) return
  const known =
    heavyProblem(error) ?? (error.status >= 400 && error.status < 500 ? { status: error.status, sentence: error.message } : null)
  if (known === null) console.error(error)
  const { status, sentence } = known ?? { status: 500, sentence: 'something broke here' }
  res.status(status)
  if (wantsJson(req)) res.json({ error: sentence })
  else res.send(troublePage(status, sentence))
}
app.use(answerError)

/** @param {express.Request} req */
function wantsJson(req) {
  return req.path.startsWith('/api/') || req.accepts('html', 'json') === 'json'
}

export default app
