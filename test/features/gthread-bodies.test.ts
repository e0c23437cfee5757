/** Bodies on their way through the main thread to the threads and back: whole, in order, and never piled up in memory. */
import { createHash } from 'node:crypto'
import { readFileSync, writeFileSync } from 'node:fs'
import http from 'node:http'
import { join } from 'node:path'
import { setTimeout as pause } from 'node:timers/promises'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { ask } from '../support/client.ts'
import { bodyOf, exchange, responseTo } from '../support/contract/talk.ts'
import { type Running, startShared } from '../support/harness.ts'

const mib = 2 ** 20
const chunkBytes = 64 * 1024
/** More than may ever pile up, and little enough for a test. */
const bigBytes = 192 * mib
const growthMaxBytes = 64 * mib

const app = `
const { createHash } = require('node:crypto')
const { existsSync, writeSync } = require('node:fs')
const { Readable, Transform, pipeline } = require('node:stream')
const say = (event, facts) => writeSync(2, JSON.stringify({ event, ...facts }) + '\\n')
const untilThere = async (file) => {
  while (!existsSync(file)) await new Promise((resolve) => setTimeout(resolve, 10))
}
function* chunks(bytes) {
  const base = Buffer.alloc(${chunkBytes}, 'threads')
  for (let index = 0; index * ${chunkBytes} < bytes; index++) {
    const chunk = Buffer.from(base)
    chunk.writeUInt32BE(index)
    yield chunk
  }
}
const routes = {
  async upload(req, res, query) {
    say('app.has-request')
    if (query.get('after')) await untilThere(query.get('after'))
    const hash = createHash('sha1')
    let bytes = 0
    for await (const chunk of req) {
      hash.update(chunk)
      bytes += chunk.length
    }
    res.end(JSON.stringify({ bytes, hash: hash.digest('hex'), trailers: req.trailers, rawTrailers: req.rawTrailers }))
  },
  download(req, res, query) {
    const bytes = Number(query.get('bytes'))
    if (query.has('length')) res.setHeader('content-length', bytes)
    Readable.from(chunks(bytes)).pipe(res)
  },
  trailers(req, res) {
    res.writeHead(200, { trailer: 'x-sum' })
    res.write('a')
    res.addTrailers({ 'x-sum': '1', 'x-other': 'two' })
    res.end('b')
  },
  head(req, res) {
    res.setHeader('content-length', 1234)
    res.setHeader('x-kind', req.method)
    res.end(req.method === 'HEAD' ? 'never sent' : 'x'.repeat(1234))
  },
  status(req, res, query) {
    res.statusCode = Number(query.get('code'))
    res.end('never sent')
  },
  callbacks(req, res, query) {
    const order = []
    const big = Buffer.alloc(Number(query.get('bytes')), 'b')
    const answers = []
    res.on('drain', () => order.push('drain'))
    res.on('finish', () => say('app.callbacks', { order: [...order, 'finish'], answers }))
    answers.push(res.write('first', () => order.push('first')))
    answers.push(res.write(big, () => {
      order.push('big')
      res.end('last', () => order.push('last'))
    }))
  },
  async pausing(req, res) {
    const hash = createHash('sha1')
    let pauses = 0
    let isPaused = false
    let isRight = true
    req.on('data', (chunk) => {
      if (isPaused) isRight = false
      hash.update(chunk)
      if (pauses === 20) return
      pauses++
      isPaused = true
      req.pause()
      setTimeout(() => {
        isPaused = false
        req.resume()
      }, 5)
    })
    req.on('end', () => res.end(JSON.stringify({ pauses, isRight, hash: hash.digest('hex') })))
  },
  through(req, res) {
    const flip = new Transform({
      transform(chunk, _, done) {
        const flipped = Buffer.from(chunk)
        for (let i = 0; i < flipped.length; i++) flipped[i] ^= 255
        done(null, flipped)
      },
    })
    pipeline(req, flip, res, (error) => say('app.piped', { problem: error?.code ?? null }))
  },
  ends(req, res, query) {
    const seen = []
    for (const what of ['finish', 'close']) res.on(what, () => {
      seen.push(what)
      if (seen.length === 3) say('app.ended', { seen })
    })
    res.end(Buffer.alloc(Number(query.get('bytes'))), () => seen.push('callback'))
  },
  async many(req, res, query) {
    for (let i = 0; i < Number(query.get('count')); i++) {
      if (!res.write(i + '\\n')) await new Promise((resolve) => res.once('drain', resolve))
    }
    res.end()
  },
  early(req, res) {
    res.statusCode = 413
    res.end('too much')
  },
  never(req, res) {
    res.writeHead(200)
    const more = () => {
      while (res.write(Buffer.alloc(65536)));
    }
    res.on('drain', more)
    res.on('close', () => say('app.left'))
    more()
  },
  mute(req, res) {
    say('app.mute')
    req.on('close', () => say('app.upload-closed', { isAborted: req.aborted, isComplete: req.complete }))
  },
}
module.exports = (req, res) => {
  const url = new URL(req.url, 'http://a')
  return (routes[url.pathname.slice(1)] ?? ((_, other) => other.end('ok')))(req, res, url.searchParams)
}
`

let server: Running
let close: (keepFolder?: boolean) => Promise<void>
beforeAll(async () => {
  ;({ running: server, close } = startShared({
    args: ['./app.cjs', '-b', '127.0.0.1:0', '--threads', '2', '--timeout', '20', '--log-level', 'debug'],
    files: { 'app.cjs': app },
  }))
  await server.ready()
})
afterAll(() => close())

const base = () => ({ host: '127.0.0.1', port: server.port() })
const put = (file: string) => writeFileSync(join(server.folder, file), '')

function* chunksOf(bytes: number): Generator<Buffer> {
  const first = Buffer.alloc(chunkBytes, 'threads')
  for (let index = 0; index * chunkBytes < bytes; index++) {
    const chunk = Buffer.from(first)
    chunk.writeUInt32BE(index)
    yield chunk
  }
}

const hashes = new Map<number, string>()
function hashOf(bytes: number): string {
  const known = hashes.get(bytes)
  if (known !== undefined) return known
  const hash = createHash('sha1')
  for (const chunk of chunksOf(bytes)) hash.update(chunk)
  hashes.set(bytes, hash.digest('hex'))
  return hashOf(bytes)
}

const pssOf = (pid: number): number => Number(/^Pss:\s+(\d+) kB/m.exec(readFileSync(`/proc/${pid}/smaps_rollup`, 'latin1'))?.[1]) * 1024

/** How much the worker's memory grew at most while something went on. */
async function growthDuring(action: () => Promise<void>): Promise<number> {
  const pid = server.workers().get(0) as number
  const before = pssOf(pid)
  let most = before
  const look = () => {
    most = Math.max(most, pssOf(pid))
  }
  const timer = setInterval(look, 25)
  await action().finally(() => clearInterval(timer))
  look()
  return most - before
}

/** Writes as fast as the server takes it. `onStall` is called once, when for a while it has taken nothing. */
async function upload(
  path: string,
  bytes: number,
  options: { length?: boolean; onStall?: () => void },
): Promise<{ body: string; status: number }> {
  const headers = options.length ? { 'content-length': bytes } : {}
  const request = http.request({ ...base(), path, method: 'POST', headers, agent: false })
  const answer = responseTo(request)
  let movedMs = performance.now()
  const stallMs = 400
  let stalls = 0
  const timer = setInterval(() => {
    if (performance.now() - movedMs < stallMs || stalls++ > 0) return
    options.onStall?.()
  }, 20)
  try {
    for (const chunk of chunksOf(bytes)) {
      if (!request.write(chunk)) await new Promise((resolve) => request.once('drain', resolve))
      movedMs = performance.now()
    }
  } finally {
    clearInterval(timer)
  }
  request.end()
  const response = await answer
  if (options.onStall !== undefined) expect(stalls).toBeGreaterThan(0)
  return { body: (await bodyOf(response)).toString(), status: response.statusCode ?? 0 }
}

/** Reads nothing for a while, then everything. */
async function download(path: string, pauseMs: number): Promise<{ hash: string; bytes: number; headers: http.IncomingHttpHeaders }> {
  const request = http.get({ ...base(), path, agent: false })
  const response = await responseTo(request)
  await pause(pauseMs)
  const hash = createHash('sha1')
  let bytes = 0
  for await (const chunk of response) {
    hash.update(chunk as Buffer)
    bytes += (chunk as Buffer).length
  }
  return { hash: hash.digest('hex'), bytes, headers: response.headers }
}

describe('memory', () => {
  test.each([['chunked'], ['with a length']])('a big upload to a handler that does not read yet waits in the client, %s', async (how) => {
    const length = how !== 'chunked'
    await upload('/upload', 64 * mib, { length })
    let answer = { body: '', status: 0 }
    const file = `go-${length}`
    const growth = await growthDuring(async () => {
      answer = await upload(`/upload?after=${file}`, bigBytes, { length, onStall: () => put(file) })
    })
    expect(JSON.parse(answer.body)).toMatchObject({ bytes: bigBytes, hash: hashOf(bigBytes) })
    expect(growth).toBeLessThan(growthMaxBytes)
  })

  test.each([['chunked'], ['with a length']])('a big answer for a client that does not read yet waits in the handler, %s', async (how) => {
    const query = how === 'chunked' ? '' : '&length'
    await download(`/download?bytes=${64 * mib}${query}`, 0)
    let got = { hash: '', bytes: 0, headers: {} as http.IncomingHttpHeaders }
    const growth = await growthDuring(async () => {
      got = await download(`/download?bytes=${bigBytes}${query}`, 700)
    })
    expect(got).toMatchObject({ bytes: bigBytes, hash: hashOf(bigBytes) })
    expect(got.headers['content-length']).toBe(how === 'chunked' ? undefined : String(bigBytes))
    expect(growth).toBeLessThan(growthMaxBytes)
  })

  test('a client that leaves in the middle of an endless answer frees its thread', async () => {
    const leaving = Array.from({ length: 4 }, async () => {
      const request = http.get({ ...base(), path: '/never', agent: false })
      const response = await responseTo(request)
      response.on('error', () => undefined) // it is cut by ourselves
      response.once('data', () => request.destroy())
    })
    await Promise.all(leaving)
    await server.untilCount('app.left', 4)
    expect((await ask(base())).status).toBe(200)
  })

  test('a client that leaves in the middle of its upload frees its thread', async () => {
    for (let n = 1; n <= 4; n++) {
      const request = http.request({ ...base(), path: '/mute', method: 'POST', agent: false })
      request.on('error', () => undefined) // it is cut by ourselves
      request.write(Buffer.alloc(16 * 1024))
      await server.untilCount('app.mute', n)
      request.destroy()
      const lines = await server.untilCount('app.upload-closed', n)
      expect(lines.at(-1)).toMatchObject({ isAborted: true, isComplete: false })
    }
    expect((await ask(base())).status).toBe(200)
  })
})

describe('requests', () => {
  test('their trailers reach the handler', async () => {
    const head = 'POST /upload HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\nTrailer: x-sum\r\nConnection: close\r\n\r\n'
    const { answers } = await exchange(base(), `${head}3\r\nabc\r\n0\r\nX-Sum: 17\r\nX-Other: b\r\n\r\n`)
    expect(JSON.parse(String(answers[0]?.body))).toMatchObject({
      bytes: 3,
      trailers: { 'x-sum': '17', 'x-other': 'b' },
      rawTrailers: ['X-Sum', '17', 'X-Other', 'b'],
    })
  })

  test('a handler that pauses its body is given none until it resumes', async () => {
    const { body } = await upload('/pausing', 4 * mib, {})
    expect(JSON.parse(body)).toEqual({ pauses: 20, isRight: true, hash: hashOf(4 * mib) })
  })

  test('a body that nobody reads does not keep its connection from the next request', async () => {
    const agent = new http.Agent({ keepAlive: true, maxSockets: 1 })
    for (let n = 0; n < 3; n++) {
      const answer = await ask({ ...base(), agent, path: '/early', method: 'POST', body: Buffer.alloc(2 * mib) })
      expect(answer.status).toBe(413)
      expect((await ask({ ...base(), agent })).body).toBe('ok')
    }
    agent.destroy()
  })

  test('many bodies at once are each given to their own handler', async () => {
    const sizes = Array.from({ length: 24 }, (_, index) => (1 + index) * 3 * chunkBytes)
    const answers = await Promise.all(sizes.map((bytes) => upload('/upload', bytes, { length: bytes % 2 === 0 })))
    expect(answers.map(({ body }) => JSON.parse(body).hash)).toEqual(sizes.map(hashOf))
  })
})

describe('answers', () => {
  test('have their trailers', async () => {
    const response = await responseTo(http.get({ ...base(), path: '/trailers', agent: false }))
    expect((await bodyOf(response)).toString()).toBe('ab')
    expect(response.trailers).toEqual({ 'x-sum': '1', 'x-other': 'two' })
  })

  test('to HEAD, 204 and 304 have no body, and the connection goes on', async () => {
    // A byte too many would be taken for the head of the next answer.
    const agent = new http.Agent({ keepAlive: true, maxSockets: 1 })
    const head = await ask({ ...base(), agent, method: 'HEAD', path: '/head' })
    expect(head).toMatchObject({ status: 200, body: '', headers: { 'content-length': '1234', 'x-kind': 'HEAD' } })
    expect(await ask({ ...base(), agent, path: '/status?code=204' })).toMatchObject({ status: 204, body: '' })
    expect(await ask({ ...base(), agent, path: '/status?code=304' })).toMatchObject({ status: 304, body: '' })
    expect((await ask({ ...base(), agent, path: '/head' })).body).toHaveLength(1234)
    agent.destroy()
  })

  test('tell the handler by callbacks and drain what has left', async () => {
    const after = server.lines.length
    const bytes = 8 * mib
    expect((await download(`/callbacks?bytes=${bytes}`, 50)).bytes).toBe(bytes + 9)
    const { order, answers } = await server.until('app.callbacks', undefined, { after })
    expect(answers).toEqual([true, false])
    expect((order as string[])[0]).toBe('first')
    // Whether the callback of end() comes before or after the event differs among Nodes.
    expect((order as string[]).filter((what) => what !== 'last').toSorted()).toEqual(['big', 'drain', 'finish', 'first'])
    expect((order as string[]).indexOf('finish')).toBeGreaterThan((order as string[]).indexOf('big'))
  })

  test('given by end() in one big piece are over for the handler, however slowly its client reads', async () => {
    const after = server.lines.length
    const bytes = 8 * mib
    expect((await download(`/ends?bytes=${bytes}`, 50)).bytes).toBe(bytes)
    const { seen } = await server.until('app.ended', undefined, { after })
    expect((seen as string[]).at(-1)).toBe('close')
  })

  test('a body piped through a transform comes back whole', async () => {
    const after = server.lines.length
    const sent = [...chunksOf(8 * mib)]
    const request = http.request({ ...base(), path: '/through', method: 'POST', agent: false })
    const answer = responseTo(request)
    for (const chunk of sent) request.write(chunk)
    request.end()
    const body = await bodyOf(await answer)
    for (let i = 0; i < body.length; i++) body[i]! ^= 255
    expect(createHash('sha1').update(body).digest('hex')).toBe(hashOf(8 * mib))
    expect(await server.until('app.piped', undefined, { after })).toMatchObject({ problem: null })
  })

  test('a pipeline whose client leaves is told so', async () => {
    const after = server.lines.length
    const request = http.request({ ...base(), path: '/through', method: 'POST', agent: false })
    request.on('error', () => undefined) // it is cut by ourselves
    request.write(Buffer.alloc(mib))
    const response = await responseTo(request)
    response.on('error', () => undefined)
    request.destroy()
    const { problem } = await server.until('app.piped', undefined, { after })
    expect(['ECONNRESET', 'ERR_STREAM_PREMATURE_CLOSE', 'ABORT_ERR']).toContain(problem)
  })

  test('of many small writes are in order', async () => {
    const response = await responseTo(http.get({ ...base(), path: '/many?count=50000', agent: false }))
    const lines = (await bodyOf(response)).toString().trim().split('\n')
    expect(lines).toEqual(Array.from({ length: 50_000 }, (_, index) => String(index)))
  })
})
