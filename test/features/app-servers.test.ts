/** Apps that export a server of their own: https, and http2 with and without TLS. */
import { execFileSync } from 'node:child_process'
import { readFileSync, rmSync, writeFileSync } from 'node:fs'
import http2 from 'node:http2'
import https from 'node:https'
import { join } from 'node:path'
import { setTimeout as pause } from 'node:timers/promises'
import tls from 'node:tls'
import { beforeAll, describe, expect, onTestFinished, test } from 'vitest'
import { type LogLine, type Running, start, testFolder } from '../support/harness.ts'
import { poll } from '../support/poll.ts'
import { lacksProgram } from '../support/system.ts'

/** `/hold/a` sends its head at once and its end when a file named `a` exists. */
const serving = `
const { existsSync, readFileSync, writeSync } = require('node:fs')
const pair = { key: readFileSync('key.pem'), cert: readFileSync('cert.pem') }
const handler = (req, res) => {
  if (req.url === '/spin') for (writeSync(2, '{"event":"app.spins"}\\n'); ; ) Math.random()
  if (!req.url.startsWith('/hold/')) {
    res.setHeader('content-type', 'text/plain')
    return req.resume().on('end', () => res.end(req.method + ' ' + req.httpVersion))
  }
  res.writeHead(200)
  res.write('begun ')
  const look = () => (existsSync(req.url.slice('/hold/'.length)) ? res.end('held') : setTimeout(look, 10))
  look()
}
`
const apps = {
  'https.cjs': `${serving}module.exports = require('node:https').createServer(pair, handler)`,
  'http2.cjs': `${serving}module.exports = require('node:http2').createSecureServer(pair, handler)`,
  'both.cjs': `${serving}module.exports = require('node:http2').createSecureServer({ ...pair, allowHTTP1: true }, handler)`,
  'streams.cjs': `${serving}module.exports = require('node:http2').createServer().on('stream', (stream, head) => {
    if (head[':path'] === '/never') return writeSync(2, '{"event":"app.waits"}\\n')
    stream.respond({ ':status': 203 })
    stream.end('streamed')
  })`,
  'plain.cjs': `${serving}module.exports = require('node:http2').createServer(handler)`,
}
const log = ['--access-logfile', 'access.log', '--access-logformat', '%(h)s %(m)s %(U)s %(H)s %(s)s %(B)s']

describe.skipIf(lacksProgram('openssl'))('an app with a server of its own', () => {
  let certificate: Record<string, string>
  beforeAll(() => {
    certificate = selfMade()
  })

  test.each([['https.cjs'], ['both.cjs']])('HTTP/1 over TLS (%s) is served, counted and logged', async (app) => {
    const server = await ready(app, log)
    const agent = agentOf()
    expect(await askTls(server, { agent })).toEqual({ body: 'GET 1.1', connection: 'keep-alive' })
    expect(await askTls(server, { agent, method: 'POST', body: 'x'.repeat(100_000) })).toMatchObject({ body: 'POST 1.1' })
    expect(await linesOf(server, 2)).toEqual(['127.0.0.1 GET / HTTP/1.1 200 7', '127.0.0.1 POST / HTTP/1.1 200 8'])
    expect(await counted(server)).toBe(2)
  })

  test.each([['http2.cjs'], ['both.cjs'], ['plain.cjs']])('HTTP/2 (%s) is served, counted and logged', async (app) => {
    const server = await ready(app, log)
    const client = connect2(server, app)
    expect(await Promise.all([ask2(client), ask2(client, { ':method': 'POST' }, 'x'.repeat(100_000))])).toEqual(['GET 2.0', 'POST 2.0'])
    expect((await linesOf(server, 2)).sort()).toEqual(['127.0.0.1 GET / HTTP/2.0 200 7', '127.0.0.1 POST / HTTP/2.0 200 8'])
    client.close()
    expect(await counted(server)).toBe(2)
  })

  test('a server that handles HTTP/2 streams itself is counted, logged and drained', async () => {
    const server = await ready('streams.cjs', log)
    const client = connect2(server, 'plain.cjs')
    expect(await ask2(client, { ':path': '/a?b' })).toBe('streamed')
    const cancelled = client.request({ ':path': '/never' })
    await server.until('app.waits')
    cancelled.close(http2.constants.NGHTTP2_CANCEL)
    const lines = ['127.0.0.1 GET /a HTTP/2.0 203 -', '127.0.0.1 GET /never HTTP/2.0 - -']
    expect(await linesOf(server, 2)).toEqual(lines)
    expect(await counted(server)).toBe(2)
  })

  test.each([['https.cjs'], ['both.cjs']])('a drain of HTTP/1 over TLS (%s) ends no request and closes what is idle', async (app) => {
    const server = await ready(app)
    const [idle, busy, later] = [await idleTls(server), await begunTls(server, '/hold/go'), agentOf()]
    await askTls(server, { agent: later })
    server.signal('SIGTERM')
    // The order to drain is on its way; whatever comes first, each request is answered.
    await poll(async () => (await askTls(server, { agent: later })).connection === 'close')
    await idle.closed
    expect(server.all('worker.drained')).toEqual([])
    release(server, 'go')
    expect(await busy.body).toBe('begun held')
    expect(await server.until('worker.drained')).toMatchObject({ cutRequests: 0 })
    expect(await server.exited).toEqual({ code: 0, signal: null })
  })

  test.each([['http2.cjs'], ['both.cjs'], ['plain.cjs']])('a drain of HTTP/2 (%s) says GOAWAY and ends no request', async (app) => {
    const server = await ready(app)
    const client = connect2(server, app)
    const idle = connect2(server, app)
    expect(await ask2(idle)).toBe('GET 2.0')
    const goneAway = Promise.all([client, idle].map((session) => new Promise((resolve) => session.once('goaway', resolve))))
    const held = client.request({ ':path': '/hold/go' })
    await new Promise((resolve) => held.once('data', resolve))
    server.signal('SIGTERM')
    expect(await goneAway).toEqual([0, 0])
    await server.until('worker.draining')
    expect(server.all('worker.drained')).toEqual([])
    release(server, 'go')
    expect(await textOf(held)).toBe('held')
    expect(await server.until('worker.drained')).toMatchObject({ cutRequests: 0 })
    expect(await server.exited).toEqual({ code: 0, signal: null })
  })

  test('an idle connection over TLS is closed after keepalive', async () => {
    const server = await ready('https.cjs', ['--keep-alive', '0.5'])
    const idle = await idleTls(server)
    await idle.closed
  })

  test('a client that does not finish its handshake is not waited for in a drain', async () => {
    const server = await ready('https.cjs', ['--keep-alive', '0.5'])
    const socket = (await import('node:net')).connect(server.port(), '127.0.0.1')
    const closed = new Promise((resolve) => socket.once('close', resolve))
    await new Promise((resolve) => socket.once('connect', resolve))
    socket.resume()
    expect((await askTls(server, {})).body).toBe('GET 1.1')
    expect(await server.stop()).toEqual({ code: 0, signal: null })
    await closed
  })

  test.each([['https.cjs'], ['http2.cjs']])('a reload under requests (%s) loses none', async (app) => {
    const server = await ready(app, ['-w', '2'])
    let isOver = false
    let answered = 0
    const clients = Array.from({ length: 4 }, async (_, index) => {
      for (; !isOver; answered++) {
        await pause(10)
        if (app === 'https.cjs') expect((await askTls(server, index < 2 ? {} : { agent: agents[index] ?? agentOf() })).body).toBe('GET 1.1')
        else {
          const client = connect2(server, app)
          expect(await ask2(client)).toBe('GET 2.0')
          client.close()
        }
      }
    })
    for (const round of [1, 2]) {
      server.signal('SIGHUP')
      await server.untilCount('reload.done', round)
      await server.untilCount('worker.gone', 2 * round)
    }
    isOver = true
    await Promise.all(clients)
    expect(answered).toBeGreaterThan(10)
  })

  test.each([['https.cjs'], ['http2.cjs']])('a blocked worker (%s) is shown with its request', async (app) => {
    const server = await ready(app, ['--timeout', '1'])
    const lost =
      app === 'https.cjs'
        ? askTls(server, { path: '/spin' }).catch((error: unknown) => error)
        : ask2(connect2(server, app), { ':path': '/spin' }).catch((error: unknown) => error)
    const autopsy: LogLine = await server.until('worker.autopsy')
    expect(autopsy).toMatchObject({ where: 'in JavaScript', requests: [{ method: 'GET', path: '/spin' }] })
    await server.until('worker.died')
    expect(await lost).toBeInstanceOf(Error)
  })

  const agents: Record<number, https.Agent> = { 2: agentOf(), 3: agentOf() }

  async function ready(app: string, more: readonly string[] = []): Promise<Running> {
    const server = start({ args: [`./${app}`, '-b', '127.0.0.1:0', ...more], files: { ...apps, ...certificate } })
    await server.ready()
    return server
  }
})

function selfMade(): Record<string, string> {
  const folder = testFolder()
  const [key, cert] = [join(folder, 'key.pem'), join(folder, 'cert.pem')]
  const curve = ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:prime256v1', '-nodes']
  execFileSync('openssl', ['req', '-x509', ...curve, '-keyout', key, '-out', cert, '-days', '2', '-subj', '/CN=localhost'], {
    stdio: 'ignore',
  })
  const pair = { 'key.pem': readFileSync(key, 'utf8'), 'cert.pem': readFileSync(cert, 'utf8') }
  rmSync(folder, { recursive: true })
  return pair
}

function agentOf(): https.Agent {
  return new https.Agent({ keepAlive: true, maxSockets: 1, rejectUnauthorized: false })
}

interface AskTls {
  readonly agent?: https.Agent
  readonly method?: string
  readonly path?: string
  readonly body?: string
}

function askTls(
  server: Running,
  { agent, method = 'GET', path = '/', body }: AskTls,
): Promise<{ body: string; connection: string | undefined }> {
  return new Promise((resolve, reject) => {
    const options = { host: '127.0.0.1', port: server.port(), method, path, agent: agent ?? false, rejectUnauthorized: false }
    const request = https.request(options, (response) => {
      textOf(response).then((text) => resolve({ body: text, connection: response.headers.connection }), reject)
    })
    request.on('error', reject)
    request.end(body)
  })
}

/** Resolves when the first bytes of the answer have come. */
function begunTls(server: Running, path: string): Promise<{ body: Promise<string> }> {
  return new Promise((resolve, reject) => {
    const request = https.get({ host: '127.0.0.1', port: server.port(), path, agent: false, rejectUnauthorized: false }, (response) => {
      const body = textOf(response)
      response.once('data', () => resolve({ body }))
    })
    request.on('error', reject)
  })
}

/** A connection that has had its answer; `closed` rejects when it does not end in TLS's own way. */
async function idleTls(server: Running): Promise<{ closed: Promise<void> }> {
  const socket = tls.connect({ host: '127.0.0.1', port: server.port(), rejectUnauthorized: false })
  onTestFinished(() => void socket.destroy())
  const closed = new Promise<void>((resolve, reject) => {
    socket.on('end', resolve)
    socket.on('error', reject)
    socket.on('close', () => reject(new Error('closed without an end')))
  })
  closed.catch(() => undefined)
  socket.write('GET / HTTP/1.1\r\nHost: a\r\n\r\n')
  await new Promise((resolve) => socket.once('data', resolve))
  return { closed }
}

function connect2(server: Running, app: string): http2.ClientHttp2Session {
  const session = http2.connect(`${app === 'plain.cjs' ? 'http' : 'https'}://127.0.0.1:${server.port()}`, { rejectUnauthorized: false })
  session.on('error', () => undefined) // each request says so too
  onTestFinished(() => session.destroy())
  return session
}

async function ask2(session: http2.ClientHttp2Session, headers: http2.OutgoingHttpHeaders = {}, body?: string): Promise<string> {
  const stream = session.request(headers, { endStream: body === undefined })
  if (body !== undefined) stream.end(body)
  let status: number | undefined
  stream.on('response', (head) => {
    status = head[':status']
  })
  const text = await textOf(stream)
  // A stream whose session ends under it just ends.
  if (status === undefined) throw new Error('no answer')
  return text
}

async function textOf(stream: AsyncIterable<Buffer>): Promise<string> {
  const chunks: Buffer[] = []
  for await (const chunk of stream) chunks.push(chunk)
  return Buffer.concat(chunks).toString()
}

async function linesOf(server: Running, count: number): Promise<string[]> {
  return poll(() => {
    const lines = readFileSync(join(server.folder, 'access.log'), 'utf8').trimEnd().split('\n')
    return lines.length >= count ? lines : null
  })
}

/** What the arbiter has counted when it ends. */
async function counted(server: Running): Promise<unknown> {
  await server.stop()
  return (await server.until('arbiter.stopped'))['served']
}

function release(server: Running, file: string): void {
  writeFileSync(join(server.folder, file), '')
}
