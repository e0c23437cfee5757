import assert from 'node:assert/strict'
import http from 'node:http'
import type { ContractCase } from '../contract.ts'
import { ask, exchange, jsonOf } from './talk.ts'

const get = (path: string, ...headers: string[]) => [`GET ${path} HTTP/1.1`, 'Host: shop', ...headers, '', ''].join('\r\n')

export const wireCases: readonly ContractCase[] = [
  {
    name: 'answers HEAD with the headers of GET and no body',
    async run(base) {
      const request = 'HEAD /api/products HTTP/1.1\r\nHost: shop\r\nConnection: close\r\n\r\n'
      const { answers, rest } = await exchange(base, request, { methods: ['HEAD'] })
      const full = await ask(base, '/api/products')
      assert.equal(answers[0]?.status, 200)
      assert.equal(rest.length, 0)
      assert.equal(answers[0]?.headers.get('content-type'), full.headers['content-type'])
      const declared = answers[0]?.headers.get('content-length')
      if (declared !== undefined) assert.equal(Number(declared), full.body.length)
    },
  },
  {
    name: 'answers HEAD of what does not exist: 404 and no body',
    async run(base) {
      const request = 'HEAD /api/products/999999 HTTP/1.1\r\nHost: shop\r\nConnection: close\r\n\r\n'
      const { answers, rest } = await exchange(base, request, { methods: ['HEAD'] })
      assert.equal(answers[0]?.status, 404)
      assert.equal(rest.length, 0)
    },
  },
  {
    name: 'keeps a connection for the next request',
    needs: ['keep-alive'],
    async run(base) {
      const agent = new http.Agent({ keepAlive: true, maxSockets: 1 })
      const sockets = new Set<unknown>()
      try {
        for (const id of [1, 2, 3]) {
          const request = http.get({ ...base, path: `/api/products/${id}`, agent })
          const answer = await new Promise<http.IncomingMessage>((resolve, reject) => request.on('response', resolve).on('error', reject))
          sockets.add(request.socket)
          let text = ''
          for await (const chunk of answer) text += chunk
          assert.equal(JSON.parse(text).id, id)
        }
      } finally {
        agent.destroy()
      }
      assert.equal(sockets.size, 1)
    },
  },
  {
    name: 'answers three pipelined requests in order, the slow one first',
    needs: ['keep-alive', 'pipelining'],
    async run(base) {
      const sent = get('/slow?ms=150') + get('/api/products/1') + get('/api/products/2')
      const { answers } = await exchange(base, sent, { count: 3 })
      assert.deepEqual(
        answers.map((answer) => jsonOf(answer).waitedMs ?? jsonOf(answer).id),
        [150, 1, 2],
      )
    },
  },
  {
    name: 'honours Connection: close',
    async run(base) {
      const { answers, isClosedByServer } = await exchange(base, get('/api/products/1', 'Connection: close'))
      assert.equal(answers[0]?.headers.get('connection'), 'close')
      assert.equal(answers.length, 1)
      assert.ok(isClosedByServer)
    },
  },
  {
    name: 'closes after an answer to HTTP/1.0',
    async run(base) {
      const { answers, isClosedByServer } = await exchange(base, 'GET /api/products/1 HTTP/1.0\r\n\r\n')
      assert.equal(answers[0] && jsonOf(answers[0]).id, 1)
      assert.ok(isClosedByServer)
    },
  },
  {
    name: 'reads a request that comes byte by byte',
    async run(base) {
      const { answers } = await exchange(base, [...get('/api/products/3', 'Connection: close')])
      assert.equal(answers[0] && jsonOf(answers[0]).id, 3)
    },
  },
  {
    name: 'says 100 Continue before it reads a body that waits for it',
    async run(base) {
      const body = JSON.stringify({ customer: 'Ada', lines: [{ productId: 7, quantity: 2 }] })
      const headers = { 'content-type': 'application/json', 'content-length': body.length, expect: '100-continue' }
      const request = http.request({ ...base, path: '/api/orders', method: 'POST', headers, agent: false })
      const status = new Promise<number | undefined>((resolve, reject) => {
        request.on('response', (response) => resolve(response.resume().statusCode)).on('error', reject)
      })
      request.flushHeaders()
      await new Promise((resolve, reject) => request.on('continue', resolve).setTimeout(10_000, () => reject(new Error('no 100 came'))))
      request.end(body)
      assert.equal(await status, 201)
    },
  },
  {
    name: 'refuses a header of 100 KiB: 431 or 400',
    async run(base) {
      const { answers } = await exchange(base, get('/api/products', `X-Huge: ${'x'.repeat(100 * 1024)}`))
      assert.ok([400, 431].includes(answers[0]?.status ?? 0), `status ${answers[0]?.status}`)
    },
  },
  {
    name: 'refuses a request line that is none: 400',
    async run(base) {
      const { answers, isClosedByServer } = await exchange(base, 'HELLO SHOP\r\n\r\n')
      assert.equal(answers[0]?.status, 400)
      assert.ok(isClosedByServer)
    },
  },
  {
    name: 'refuses HTTP/1.1 without Host: 400',
    async run(base) {
      const { answers } = await exchange(base, 'GET /api/products/1 HTTP/1.1\r\nConnection: close\r\n\r\n')
      assert.equal(answers[0]?.status, 400)
    },
  },
  {
    name: 'refuses a body with two lengths: 400',
    async run(base) {
      const head = 'POST /echo HTTP/1.1\r\nHost: shop\r\nContent-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n'
      const { answers } = await exchange(base, `${head}0\r\n\r\nGET /pid HTTP/1.1\r\nHost: shop\r\n\r\n`)
      assert.equal(answers[0]?.status, 400)
      assert.equal(answers.length, 1)
    },
  },
  {
    name: 'takes an absolute request target, as proxies send it',
    async run(base) {
      const { answers } = await exchange(base, get('http://shop/api/products/4', 'Connection: close'))
      assert.equal(answers[0] && jsonOf(answers[0]).id, 4)
    },
  },
]
