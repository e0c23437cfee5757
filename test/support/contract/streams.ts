import assert from 'node:assert/strict'
import { createHash, randomUUID } from 'node:crypto'
import http from 'node:http'
import { setTimeout as pause } from 'node:timers/promises'
import type { ContractCase } from '../contract.ts'
import { ask, type Base, exchange, jsonOf, responseTo } from './talk.ts'

/** Fresh connections until the worker that served the stream is met, and until it says that the stream is over. */
async function endOfStream(base: Base, id: string): Promise<string> {
  const untilMs = performance.now() + 10_000
  while (performance.now() < untilMs) {
    const answer = await ask(base, `/events/${id}`)
    const state = answer.status === 200 ? jsonOf(answer).state : 'unknown'
    if (state === 'ended' || state === 'left') return state
    await pause(30)
  }
  return 'never'
}

function openEvents(base: Base, query: string): Promise<http.IncomingMessage> {
  return responseTo(http.get({ ...base, path: `/events?${query}`, agent: false, signal: AbortSignal.timeout(15_000) }))
}

export const streamCases: readonly ContractCase[] = [
  {
    name: 'sends server-sent events one by one and ends',
    needs: ['sse'],
    async run(base) {
      const response = await openEvents(base, 'count=3')
      assert.equal(response.statusCode, 200)
      assert.match(String(response.headers['content-type']), /^text\/event-stream/)
      let text = ''
      let firstMs = 0
      for await (const chunk of response) {
        firstMs ||= performance.now()
        text += chunk
      }
      const events = text.split('\n\n').slice(0, -1)
      assert.equal(events.length, 3)
      for (const [index, event] of events.entries()) {
        const [id, name, data = ''] = event.split('\n')
        assert.deepEqual([id, name], [`id: ${index + 1}`, 'event: price'])
        assert.ok(JSON.parse(data.slice('data: '.length)).priceCents > 0)
      }
      const spreadMs = performance.now() - firstMs
      assert.ok(spreadMs > 150, `three ticks came within ${Math.round(spreadMs)} ms: they were held back`)
    },
  },
  {
    name: 'notices that a client of its events left',
    needs: ['sse', 'abort'],
    async run(base) {
      const id = randomUUID()
      const response = await openEvents(base, `id=${id}`)
      response.on('error', () => {}) // The end that this case brings about.
      await new Promise((first) => response.once('data', first))
      response.destroy()
      assert.equal(await endOfStream(base, id), 'left')
    },
  },
  {
    name: 'serves several event streams at once',
    needs: ['sse', 'concurrency'],
    async run(base) {
      const startedMs = performance.now()
      const answers = await Promise.all(Array.from({ length: 5 }, () => ask(base, '/events?count=4')))
      const tookMs = performance.now() - startedMs
      for (const answer of answers) assert.equal(answer.body.toString().match(/^id:/gm)?.length, 4)
      assert.ok(tookMs < 1800, `five streams of 600 ms took ${Math.round(tookMs)} ms`)
    },
  },
  {
    name: 'streams a chunked answer',
    async run(base) {
      const answer = await ask(base, '/stream?chunks=30&size=2000')
      assert.equal(answer.status, 200)
      assert.equal(answer.headers['transfer-encoding'], 'chunked')
      assert.equal(answer.body.length, 60_000)
      assert.equal(answer.body[0], 97)
      assert.equal(answer.body[59_999], 97 + (29 % 26))
    },
  },
  {
    name: 'puts the hash of a streamed answer in a trailer',
    needs: ['trailers'],
    async run(base) {
      const answer = await ask(base, '/stream?chunks=30&size=2000', { headers: { te: 'trailers' } })
      assert.equal(answer.headers.trailer, 'x-stream-sha256')
      assert.equal(answer.trailers['x-stream-sha256'], createHash('sha256').update(answer.body).digest('hex'))
    },
  },
  {
    name: 'streams 16 MiB to a reader that pauses',
    async run(base) {
      const path = '/stream?chunks=256&size=65536'
      const response = await responseTo(http.get({ ...base, path, agent: false, signal: AbortSignal.timeout(15_000) }))
      let bytes = 0
      let pauseAt = 0
      for await (const chunk of response) {
        bytes += chunk.length
        if (bytes < pauseAt) continue
        pauseAt = bytes + 4 * 1024 * 1024
        await pause(50)
      }
      assert.equal(bytes, 256 * 65_536)
    },
  },
  {
    name: 'survives a client that leaves in the middle of a stream',
    async run(base) {
      const path = '/stream?chunks=2000&size=65536'
      const response = await responseTo(http.get({ ...base, path, agent: false }))
      response.on('error', () => {}) // The reset that this case is about.
      await new Promise((first) => response.once('data', first))
      response.destroy()
      assert.equal((await ask(base, '/pid')).status, 200)
    },
  },
  {
    name: 'streams to HTTP/1.0 without chunks',
    async run(base) {
      const { answers, isClosedByServer } = await exchange(base, 'GET /stream?chunks=3&size=5 HTTP/1.0\r\nHost: shop\r\n\r\n')
      assert.equal(answers[0]?.headers.get('transfer-encoding'), undefined)
      assert.equal(answers[0]?.body.toString(), 'aaaaabbbbbccccc')
      assert.ok(isClosedByServer)
    },
  },
]
