import assert from 'node:assert/strict'
import { createHash, randomBytes } from 'node:crypto'
import { once } from 'node:events'
import http from 'node:http'
import type { ContractCase } from '../contract.ts'
import { ask, bodyOf, jsonOf, responseTo } from './talk.ts'

const MIB = 1024 * 1024

const sha256 = (bytes: Uint8Array) => createHash('sha256').update(bytes).digest('hex')

function* inPieces(bytes: Buffer, size: number): Iterable<Buffer> {
  for (let at = 0; at < bytes.length; at += size) yield bytes.subarray(at, at + size)
}

export const bodyCases: readonly ContractCase[] = [
  {
    name: 'takes an upload of 5 MiB with Content-Length',
    needs: ['upload'],
    async run(base) {
      const body = randomBytes(5 * MIB)
      const headers = { 'content-length': body.length, 'content-type': 'image/jpeg' }
      const answer = await ask(base, '/api/products/7/photo', { method: 'PUT', headers, body })
      assert.equal(answer.status, 200)
      assert.deepEqual(jsonOf(answer), { bytes: body.length, sha256: sha256(body) })
    },
  },
  {
    name: 'takes a chunked upload of 5 MiB',
    needs: ['upload'],
    async run(base) {
      const body = randomBytes(5 * MIB)
      const headers = { 'transfer-encoding': 'chunked', 'content-type': 'image/jpeg' }
      const answer = await ask(base, '/api/products/7/photo', { method: 'PUT', headers, body: inPieces(body, 70_001) })
      assert.deepEqual(jsonOf(answer), { bytes: body.length, sha256: sha256(body) })
    },
  },
  {
    name: 'takes an upload of nothing',
    needs: ['upload'],
    async run(base) {
      const headers = { 'content-length': 0, 'content-type': 'image/jpeg' }
      const answer = await ask(base, '/api/products/7/photo', { method: 'PUT', headers })
      assert.deepEqual(jsonOf(answer), { bytes: 0, sha256: sha256(Buffer.alloc(0)) })
    },
  },
  {
    name: 'answers 404 to an upload for no product, and the connection stays usable or is closed cleanly',
    needs: ['upload'],
    async run(base) {
      const agent = new http.Agent({ keepAlive: true, maxSockets: 1 })
      try {
        const headers = { 'content-type': 'image/jpeg' }
        const refused = await ask(base, '/api/products/999999/photo', { method: 'PUT', headers, body: randomBytes(20_000), agent })
        assert.equal(refused.status, 404)
        assert.equal((await ask(base, '/api/products/7', { agent })).status, 200)
      } finally {
        agent.destroy()
      }
    },
  },
  {
    name: 'echoes 1 MiB unchanged, with its type and length',
    async run(base) {
      const body = randomBytes(MIB)
      const headers = { 'content-type': 'application/x-shop', 'content-length': body.length }
      const answer = await ask(base, '/echo', { method: 'POST', headers, body })
      assert.equal(answer.status, 200)
      assert.equal(answer.headers['content-type'], 'application/x-shop')
      assert.equal(answer.headers['x-body-bytes'], String(body.length))
      assert.ok(answer.body.equals(body))
    },
  },
  {
    name: 'echoes while the request is still coming in',
    needs: ['duplex'],
    async run(base) {
      const pieces = [...inPieces(randomBytes(MIB), MIB / 16)]
      const headers = { 'content-type': 'application/octet-stream', 'transfer-encoding': 'chunked' }
      const request = http.request({ ...base, path: '/echo', method: 'POST', headers, agent: false, signal: AbortSignal.timeout(15_000) })
      const answering = responseTo(request)
      request.write(pieces[0])
      const response = await answering
      const body = bodyOf(response)
      await once(response, 'data')
      for (const piece of pieces.slice(1)) request.write(piece)
      request.end()
      assert.ok((await body).equals(Buffer.concat(pieces)))
    },
  },
  {
    name: 'echoes an empty body',
    async run(base) {
      const headers = { 'content-type': 'text/plain', 'content-length': 0 }
      const answer = await ask(base, '/echo', { method: 'POST', headers })
      assert.equal(answer.status, 200)
      assert.equal(answer.body.length, 0)
    },
  },
  {
    name: 'echoes JSON without reading it',
    async run(base) {
      const headers = { 'content-type': 'application/json' }
      const answer = await ask(base, '/echo', { method: 'POST', headers, body: '{"not": json' })
      assert.equal(answer.status, 200)
      assert.equal(answer.body.toString(), '{"not": json')
    },
  },
  {
    name: 'survives a client that leaves in the middle of its upload',
    needs: ['upload'],
    async run(base) {
      const headers = { 'content-type': 'image/jpeg', 'content-length': 5 * MIB }
      const request = http.request({ ...base, path: '/api/products/7/photo', method: 'PUT', headers, agent: false })
      request.on('error', () => {}) // The reset that this case is about.
      await new Promise((done) => request.write(randomBytes(MIB), done))
      request.destroy()
      assert.equal((await ask(base, '/pid')).status, 200)
    },
  },
]
