import assert from 'node:assert/strict'
import type { ContractCase } from '../contract.ts'
import { ask, jsonOf } from './talk.ts'

interface Product {
  readonly id: number
  readonly name: string
  readonly category: string
}

const asJson = { 'content-type': 'application/json' }
const order = { customer: 'Ada', lines: [{ productId: 7, quantity: 2 }] }

export const apiCases: readonly ContractCase[] = [
  {
    name: 'lists products as JSON',
    async run(base) {
      const answer = await ask(base, '/api/products')
      assert.equal(answer.status, 200)
      assert.match(String(answer.headers['content-type']), /^application\/json/)
      const list = jsonOf(answer)
      assert.deepEqual([list.page, list.perPage, list.pages, list.total, list.items.length], [1, 20, 150, 3000, 20])
    },
  },
  {
    name: 'pages through the list',
    async run(base) {
      const list = jsonOf(await ask(base, '/api/products?page=3&perPage=4'))
      assert.deepEqual(
        list.items.map((product: Product) => product.id),
        [9, 10, 11, 12],
      )
    },
  },
  {
    name: 'clamps paging to its bounds',
    async run(base) {
      const list = async (query: string) => jsonOf(await ask(base, `/api/products?${query}`))
      assert.equal((await list('perPage=5000')).items.length, 100)
      assert.equal((await list('page=0')).page, 1)
      assert.equal((await list('page=-2&perPage=many')).items.length, 20)
      const behind = await list('page=9000')
      assert.deepEqual([behind.page, behind.items.length], [9000, 0])
    },
  },
  {
    name: 'shows one product',
    async run(base) {
      const product = jsonOf(await ask(base, '/api/products/2'))
      assert.deepEqual([product.id, product.name, product.category], [2, 'Öskar Grand Espresso Cup', 'Café & Tea'])
    },
  },
  {
    name: 'answers 404 with JSON for a product that does not exist',
    async run(base) {
      for (const id of ['0', '999999', 'kettle']) {
        const answer = await ask(base, `/api/products/${id}`)
        assert.equal(answer.status, 404, id)
        assert.equal(typeof jsonOf(answer), 'object', id)
      }
    },
  },
  {
    name: 'answers 404 for an unknown path',
    async run(base) {
      assert.equal((await ask(base, '/nowhere')).status, 404)
    },
  },
  {
    name: 'finds products by words and by the beginning of a word',
    async run(base) {
      const found = jsonOf(await ask(base, '/api/search?q=Copper+ket'))
      assert.equal(found.q, 'Copper ket')
      assert.ok(found.total > 0)
      for (const product of found.items) assert.match(product.name, /Copper Kettle/)
    },
  },
  {
    name: 'finds nothing where there is nothing',
    async run(base) {
      for (const query of ['q=zzyzx', 'q=', 'other=1']) {
        const found = jsonOf(await ask(base, `/api/search?${query}`))
        assert.deepEqual([found.total, found.items], [0, []], query)
      }
    },
  },
  {
    name: 'understands a query in Unicode',
    async run(base) {
      const accented = jsonOf(await ask(base, `/api/search?q=${encodeURIComponent('Öskar café')}`))
      const plain = jsonOf(await ask(base, '/api/search?q=oskar+cafe'))
      assert.equal(accented.q, 'Öskar café')
      assert.ok(accented.total > 0)
      assert.equal(accented.total, plain.total)
    },
  },
  {
    name: 'takes a query of 6 KiB',
    async run(base) {
      const q = 'kettle '.repeat(900).trim()
      assert.equal(jsonOf(await ask(base, `/api/search?q=${encodeURIComponent(q).replaceAll('%20', '+')}`)).q, q)
    },
  },
  {
    name: 'decodes a percent-encoded path',
    async run(base) {
      const found = jsonOf(await ask(base, `/api/categories/${encodeURIComponent('Café & Tea')}`))
      assert.equal(found.category, 'Café & Tea')
      assert.equal(found.items.length, 50)
    },
  },
  {
    name: 'keeps an encoded slash inside its segment',
    needs: ['encoded-slash'],
    async run(base) {
      const found = jsonOf(await ask(base, `/api/categories/${encodeURIComponent('Bath / Body')}`))
      assert.equal(found.category, 'Bath / Body')
    },
  },
  {
    name: 'refuses a broken percent-encoding without breaking itself',
    async run(base) {
      const { status } = await ask(base, '/api/categories/%zz')
      assert.ok(status === 400 || status === 404, `status ${status}`)
    },
  },
  {
    name: 'takes an order: 201 with Location',
    async run(base) {
      const answer = await ask(base, '/api/orders', { method: 'POST', headers: asJson, body: JSON.stringify(order) })
      assert.equal(answer.status, 201)
      const placed = jsonOf(answer)
      assert.equal(answer.headers.location, `/api/orders/${placed.id}`)
      assert.deepEqual([placed.customer, placed.totalCents], ['Ada', 12_900])
    },
  },
  {
    name: 'refuses an order that cannot be: 422 with the problems',
    async run(base) {
      const wrong = { customer: '', lines: [{ productId: 999_999, quantity: 0 }] }
      const answer = await ask(base, '/api/orders', { method: 'POST', headers: asJson, body: JSON.stringify(wrong) })
      assert.equal(answer.status, 422)
      assert.equal(jsonOf(answer).problems.length, 3)
    },
  },
  {
    name: 'refuses an order that is not JSON: 400',
    async run(base) {
      const answer = await ask(base, '/api/orders', { method: 'POST', headers: asJson, body: '{"customer": ' })
      assert.equal(answer.status, 400)
    },
  },
  {
    name: 'keeps several Set-Cookie headers apart',
    async run(base) {
      const cookies = (await ask(base, '/basket')).headers['set-cookie'] ?? []
      assert.deepEqual(
        cookies.map((cookie) => cookie.split(';')[0]),
        ['basket=b-1', 'currency=EUR'],
      )
    },
  },
  {
    name: 'sees the request headers, repeated ones joined',
    async run(base) {
      const headers = ['Host', 'shop.test', 'X-Colour', 'red', 'x-colour', 'green', 'Cookie', 'a=1', 'Cookie', 'b=2', 'X-Empty', '']
      const seen = jsonOf(await ask(base, '/headers', { headers }))
      assert.equal(seen['x-colour'], 'red, green')
      assert.equal(seen.cookie, 'a=1; b=2')
      assert.equal(seen.host, 'shop.test')
      assert.equal(seen['x-empty'], '')
    },
  },
  {
    name: 'answers 500 without a stack when a handler throws, and goes on',
    async run(base) {
      const answer = await ask(base, '/error')
      assert.equal(answer.status, 500)
      assert.doesNotMatch(answer.body.toString(), /\bat .*:\d+:\d+|node_modules|docs\/examples/)
      assert.equal((await ask(base, '/pid')).status, 200)
    },
  },
  {
    name: 'says which process answers',
    async run(base) {
      assert.ok(Number.isInteger(jsonOf(await ask(base, '/pid')).pid))
    },
  },
  {
    name: 'lets two slow requests wait at the same time',
    needs: ['concurrency'],
    async run(base) {
      const startedMs = performance.now()
      await Promise.all([ask(base, '/slow?ms=600'), ask(base, '/slow?ms=600')])
      const tookMs = performance.now() - startedMs
      assert.ok(tookMs >= 590 && tookMs < 1100, `two of 600 ms took ${Math.round(tookMs)} ms`)
    },
  },
  {
    name: 'burns CPU for as long as it was asked to',
    async run(base) {
      const { burnedMs } = jsonOf(await ask(base, '/cpu?ms=50'))
      assert.ok(burnedMs >= 50 && burnedMs < 1000, `burned ${burnedMs} ms`)
    },
  },
]
