// The shop's JSON API as a web-standard fetch handler: npx monoceros docs/examples/fetch/app.js
import { digest, readJson } from '../shop/bodies.js'
import { openCatalog, wholeNumber } from '../shop/catalog.js'
import { priceEvents, streamState } from '../shop/events.js'
import { placeOrder } from '../shop/orders.js'
import { Routes } from '../shop/routes.js'
import { burnCpu, crashSoon, waitFor, whoAmI } from '../shop/trouble.js'
import { echo, eventStream, letterStream } from '../shop/web-streams.js'

const catalog = await openCatalog()

/**
 * @typedef {{ request: Request, params: Record<string, string>, query: Record<string, string> }} Visit
 * @type {Routes<(visit: Visit) => Response | Promise<Response>>}
 */
const routes = new Routes()

routes.get('/api/products', ({ query }) => Response.json(catalog.list(query)))
routes.get('/api/products/:id', ({ params }) => found(catalog.find(params.id)))
routes.put('/api/products/:id/photo', async ({ request, params }) => found(catalog.find(params.id) && (await digest(request.body))))
routes.get('/api/categories/:category', ({ params }) => found(catalog.inCategory(params.category)))
routes.get('/api/search', ({ query }) => Response.json(catalog.search(query.q)))
routes.post('/api/orders', async ({ request }) => {
  const answer = placeOrder(catalog, await readJson(request.body))
  if (!answer.ok) return Response.json({ error: 'the order cannot be taken', problems: answer.problems }, { status: 422 })
  return Response.json(answer.order, { status: 201, headers: { location: `/api/orders/${answer.order.id}` } })
})
routes.get('/events', ({ query }) => eventStream(priceEvents(catalog, query)))
routes.get('/events/:id', ({ params }) => found(streamState(params.id)))
routes.get('/slow', async ({ query }) => Response.json(await waitFor(query.ms)))
routes.get('/cpu', ({ query }) => Response.json(burnCpu(query.ms)))
routes.get('/stream', ({ query }) => letterStream({ chunks: wholeNumber(query.chunks, 10), size: wholeNumber(query.size, 1024) }))
routes.post('/echo', ({ request }) => echo(request))
routes.get('/headers', ({ request }) => Response.json(Object.fromEntries(request.headers)))
routes.get('/basket', () => {
  const answer = Response.json({ items: 0 })
  answer.headers.append('set-cookie', 'basket=b-1; Path=/; HttpOnly')
  answer.headers.append('set-cookie', 'currency=EUR; Path=/')
  return answer
})
routes.get('/pid', () => Response.json(whoAmI()))
routes.get('/error', () => {
  throw new Error('the handler threw, as it was asked to')
})
routes.get('/crash', () => {
  crashSoon()
  return new Promise(() => {})
})

/** @param {unknown} value */
const found = (value) => (value === undefined ? Response.json({ error: 'not found' }, { status: 404 }) : Response.json(value))

export default {
  /** @param {Request} request */
  async fetch(request) {
    try {
      const { pathname, searchParams } = new URL(request.url)
      const match = routes.match(request.method, pathname)
      if (!match) return found(undefined)
      return await match.handler({ request, params: match.params, query: Object.fromEntries(searchParams) })
    } catch (/** @type {any} */ error) {
      const status = error?.status ?? 500
      if (status === 500) console.error(error)
      return Response.json({ error: status === 500 ? 'something broke here' : error.message }, { status })
    }
  },
}
