/** Apps in threads: what they see, what they are refused, and which of their requests runs where and when. */
import { once } from 'node:events'
import { writeFileSync } from 'node:fs'
import http from 'node:http'
import net from 'node:net'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { ask } from '../support/client.ts'
import { exchange } from '../support/contract/talk.ts'
import { type Running, type StartOptions, start, startShared } from '../support/harness.ts'
import { poll } from '../support/poll.ts'
import { patiently } from '../support/sockets.ts'
import { lacksProgram } from '../support/system.ts'

const bind = ['-b', '127.0.0.1:0']
const asAsked = { code: 0, signal: null }
/** Printed by apps, so that tests can wait for it as for any event. */
const say = `const say = (event, facts) => require('node:fs').writeSync(2, JSON.stringify({ event, ...facts }) + '\\n')\n`
const untilThere = `
const untilThere = async (file) => {
  while (!require('node:fs').existsSync(file)) await new Promise((resolve) => setTimeout(resolve, 5))
}
const blockUntilThere = (file) => {
  const word = new Int32Array(new SharedArrayBuffer(4))
  while (!require('node:fs').existsSync(file)) Atomics.wait(word, 0, 0, 5)
}
`
const put = (server: Running, file: string) => writeFileSync(join(server.folder, file), '')
const base = (server: Running) => ({ host: '127.0.0.1', port: server.port() })

async function ready(app: string, args: readonly string[] = [], more: Partial<StartOptions> = {}): Promise<Running> {
  const server = start({
    args: ['./app.cjs', ...bind, ...(args.includes('-k') ? [] : ['-k', 'gthread']), '--log-level', 'debug', ...args],
    ...more,
    files: { 'app.cjs': say + untilThere + app, ...more.files },
  })
  await server.ready()
  return server
}

describe('an app in a thread', () => {
  const app = `
${say}${untilThere}
const http = require('node:http')
const net = require('node:net')
const { AsyncLocalStorage } = require('node:async_hooks')
const store = new AsyncLocalStorage()
const routes = {
  sees(req, res) {
    const { remoteAddress, remotePort, remoteFamily, localAddress, localPort, encrypted, destroyed, readyState } = req.socket
    res.end(JSON.stringify({
      socket: { remoteAddress, remotePort, remoteFamily, localAddress, localPort, encrypted, destroyed, readyState },
      address: req.socket.address(),
      isSocket: req.socket instanceof net.Socket,
      isSame: req.socket === res.socket && req.connection === req.socket && res.req === req,
      isRequest: req instanceof http.IncomingMessage,
      isResponse: res instanceof http.ServerResponse,
      version: [req.httpVersion, req.httpVersionMajor, req.httpVersionMinor],
      headers: req.headers,
      rawHeaders: req.rawHeaders,
      distinct: req.headersDistinct,
      url: req.url,
      isComplete: req.complete,
    }))
  },
  responseTimeout(req, res) {
    res.setTimeout(80, () => {
      say('app.timeout', { of: 'response' })
      res.statusCode = 418
      res.end()
    })
  },
  requestTimeout(req, res) {
    req.setTimeout(80, () => {
      say('app.timeout', { of: 'request' })
      res.end('late')
    })
  },
  silentTimeout(req, res) {
    res.setTimeout(80)
  },
  cut(req, res) {
    res.writeHead(200, { 'content-length': 10 })
    res.write('half', () => res.socket.destroy())
  },
  hints(req, res) {
    res.writeEarlyHints({ link: '</a.css>; rel=preload; as=style' })
    res.writeProcessing()
    res.end('hinted')
  },
  order(req, res) {
    const order = []
    const note = (what) => () => {
      order.push(what)
      if (order.length === 3) say('app.order', { order })
    }
    req.on('close', note('request.close'))
    res.on('finish', note('finish'))
    res.on('close', note('close'))
    req.resume()
    res.end('x')
  },
  leaves(req, res) {
    const seen = []
    const note = (what) => () => {
      seen.push(what)
      if (what === 'response.close') setImmediate(() => say('app.left', { seen, isAborted: req.aborted, isDestroyed: [req.destroyed, res.destroyed, req.socket.destroyed], isFinished: res.writableFinished }))
    }
    req.on('aborted', note('aborted'))
    req.on('error', (error) => note(error.code)())
    req.on('close', note('request.close'))
    req.socket.on('close', note('socket.close'))
    res.on('close', note('response.close'))
    say('app.waits')
  },
  enter(req, res) {
    const found = store.getStore() ?? null
    store.enterWith(req.url)
    setTimeout(() => {
      res.end(JSON.stringify({ found, kept: store.getStore() }))
    }, 2)
  },
  run(req, res) {
    const found = store.getStore() ?? null
    store.run(req.url, async () => {
      for await (const _ of req);
      res.end(JSON.stringify({ found, kept: store.getStore() }))
    })
  },
  prints(req, res) {
    console.log('printed by ' + process.pid)
    console.error('warned by ' + process.pid)
    res.end(String(process.pid))
  },
}
const server = http.createServer((req, res) => {
  const name = req.url.slice(1).split(/[/?]/, 1)[0]
  if (routes[name]) routes[name](req, res)
  else res.end('ok')
})
server.on('checkContinue', (req, res) => {
  if (req.headers['x-size'] === 'huge') {
    res.writeHead(413)
    return res.end()
  }
  res.writeContinue()
  req.resume()
  req.on('end', () => res.end('continued'))
})
server.on('checkExpectation', (req, res) => {
  res.statusCode = 202
  res.end('expected ' + req.headers.expect)
})
module.exports = server
`
  let server: Running
  let close: (keepFolder?: boolean) => Promise<void>
  const port = () => server.port()
  beforeAll(async () => {
    ;({ running: server, close } = startShared({
      args: ['./app.cjs', ...bind, '-k', 'gthread', '--log-level', 'debug'],
      files: { 'app.cjs': app },
    }))
    await server.ready()
  })
  afterAll(() => close())

  test('has genuine requests, responses and sockets, with the ends of its client’s connection', async () => {
    const socket = net.connect(port(), '127.0.0.1')
    await once(socket, 'connect')
    socket.write(
      'GET /sees?x=1&x=%20 HTTP/1.1\r\nHost: shop\r\nX-Twice: a\r\nx-twice: b\r\nCookie: a=1\r\nCookie: b=2\r\nConnection: close\r\n\r\n',
    )
    let text = ''
    for await (const chunk of socket) text += chunk
    const seen = JSON.parse(text.slice(text.indexOf('\r\n\r\n') + 4))
    expect(seen).toEqual({
      socket: {
        remoteAddress: '127.0.0.1',
        remotePort: expect.any(Number),
        remoteFamily: 'IPv4',
        localAddress: '127.0.0.1',
        localPort: port(),
        destroyed: false,
        readyState: 'open',
      },
      address: { address: '127.0.0.1', family: 'IPv4', port: port() },
      isSocket: true,
      isSame: true,
      isRequest: true,
      isResponse: true,
      version: ['1.1', 1, 1],
      headers: { host: 'shop', 'x-twice': 'a, b', cookie: 'a=1; b=2', connection: 'close' },
      rawHeaders: ['Host', 'shop', 'X-Twice', 'a', 'x-twice', 'b', 'Cookie', 'a=1', 'Cookie', 'b=2', 'Connection', 'close'],
      distinct: { host: ['shop'], 'x-twice': ['a', 'b'], cookie: ['a=1', 'b=2'], connection: ['close'] },
      url: '/sees?x=1&x=%20',
      isComplete: true,
    })
  })

  test('sees the port of the very connection that its request came on', async () => {
    const agent = new http.Agent({ keepAlive: true, maxSockets: 1 })
    const one = JSON.parse((await ask({ port: port(), agent, path: '/sees' })).body)
    const two = JSON.parse((await ask({ port: port(), agent, path: '/sees' })).body)
    const other = JSON.parse((await ask({ port: port(), path: '/sees' })).body)
    expect(two.socket.remotePort).toBe(one.socket.remotePort)
    expect(other.socket.remotePort).not.toBe(one.socket.remotePort)
    agent.destroy()
  })

  test('serves a client of HTTP/1.0, and its connection is closed', async () => {
    const { answers, isClosedByServer } = await exchange(base(server), 'GET /sees HTTP/1.0\r\n\r\n')
    expect(isClosedByServer).toBe(true)
    expect(answers[0]?.headers.get('connection')).toBe('close')
    expect(answers[0]?.headers.get('transfer-encoding')).toBeUndefined()
    expect(JSON.parse(String(answers[0]?.body)).version).toEqual(['1.0', 1, 0])
  })

  test.each([
    ['responseTimeout', 418],
    ['requestTimeout', 200],
  ])('is told of its own %s', async (path, status) => {
    expect((await ask({ port: port(), path: `/${path}` })).status).toBe(status)
    await server.until('app.timeout', { of: path.replace('Timeout', '') })
  })

  test('that sets a timeout and does not listen for it has its connection cut', async () => {
    await expect(ask({ port: port(), path: '/silentTimeout' })).rejects.toMatchObject({ code: 'ECONNRESET' })
  })

  test('that destroys its socket cuts its client', async () => {
    await expect(ask({ port: port(), path: '/cut' })).rejects.toThrow()
    expect((await ask({ port: port() })).body).toBe('ok')
  })

  test('sends interim answers', async () => {
    const { answers } = await exchange(base(server), 'GET /hints HTTP/1.1\r\nHost: a\r\n\r\n', { count: 3 })
    expect(answers.map(({ status }) => status)).toEqual([103, 102, 200])
    expect(answers[0]?.headers.get('link')).toBe('</a.css>; rel=preload; as=style')
    expect(String(answers[2]?.body)).toBe('hinted')
  })

  test('decides on 100-continue and on other expectations by the listeners of its server', async () => {
    const post = (more: string) => `POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\nConnection: close\r\n${more}\r\n\r\n`
    const continued = await exchange(base(server), [post('Expect: 100-continue'), 'hello'], { count: 2 })
    expect(continued.answers.map(({ status, body }) => [status, String(body)])).toEqual([
      [100, ''],
      [200, 'continued'],
    ])
    const refused = await exchange(base(server), post('Expect: 100-continue\r\nX-Size: huge'), { count: 1 })
    expect(refused.answers.map(({ status }) => status)).toEqual([413])
    const other = await exchange(base(server), [post('Expect: tea'), 'hello'], { count: 1 })
    expect(other.answers.map(({ status, body }) => [status, String(body)])).toEqual([[202, 'expected tea']])
  })

  test('hears finish before close', async () => {
    const after = server.lines.length
    await ask({ port: port(), path: '/order' })
    const { order } = await server.until('app.order', undefined, { after })
    expect((order as string[]).indexOf('finish')).toBeLessThan((order as string[]).indexOf('close'))
  })

  test('is told when its client leaves', async () => {
    const after = server.lines.length
    const request = http.get({ port: port(), host: '127.0.0.1', path: '/leaves', agent: false })
    request.on('error', () => undefined) // we leave
    await server.until('app.waits', undefined, { after })
    request.destroy()
    const { seen, ...facts } = await server.until('app.left', undefined, { after })
    expect((seen as string[]).toSorted()).toEqual(['ECONNRESET', 'aborted', 'request.close', 'response.close', 'socket.close'])
    expect(facts).toMatchObject({ isAborted: true, isDestroyed: [true, true, true], isFinished: false })
  })

  test.each(['enter', 'run'])('does not see in one request what AsyncLocalStorage.%s kept in another', async (how) => {
    const paths = Array.from({ length: 12 }, (_, index) => `/${how}/${index}`)
    const answers = await Promise.all(paths.map((path) => ask({ port: port(), path })))
    expect(answers.map(({ body }) => JSON.parse(body))).toEqual(paths.map((kept) => ({ found: null, kept })))
  })

  test('prints as it always did', async () => {
    const { body } = await ask({ port: port(), path: '/prints' })
    await poll(() => server.stdout().includes(`printed by ${body}`) && server.stderr().includes(`warned by ${body}`))
    expect(body).toBe(String(server.workers().get(0)))
  })
})

test('a fetch handler in a thread has an AbortSignal that tells when its client leaves', async () => {
  const app = `
export default {
  async fetch(request) {
    const { pathname } = new URL(request.url)
    if (pathname !== '/wait') return new Response('ok', { headers: { 'x-kind': String(request instanceof Request) } })
    console.error(JSON.stringify({ event: 'app.waits' }))
    await new Promise((resolve) => request.signal.addEventListener('abort', resolve))
    console.error(JSON.stringify({ event: 'app.aborted', isAborted: request.signal.aborted }))
    return new Response('too late')
  },
}`
  const server = start({ args: ['app.mjs', ...bind, '-k', 'gthread'], files: { 'app.mjs': app } })
  await server.ready()
  const request = http.get({ port: server.port(), host: '127.0.0.1', path: '/wait', agent: false })
  request.on('error', () => undefined) // we leave
  await server.until('app.waits')
  request.destroy()
  await server.until('app.aborted', { isAborted: true })
  expect(await ask({ port: server.port() })).toMatchObject({ status: 200, headers: { 'x-kind': 'true' } })
})

describe('the life of an app in threads', () => {
  test('onStartup and onShutdown run once in each thread, and its SIGTERM listeners at the stop', async () => {
    const server = await ready(
      `
      module.exports = { default: (req, res) => res.end('ok'), onStartup, onShutdown }
      process.on('SIGTERM', () => {
        say('app.term')
        process.exit(0)
      })
      async function onStartup(ctx) {
        await new Promise((resolve) => setTimeout(resolve, 20))
        say('app.startup', { of: ctx.thread, ctxPid: ctx.pid })
        ctx.log.info('started')
      }
      async function onShutdown(ctx) {
        await new Promise((resolve) => setTimeout(resolve, 20))
        say('app.shutdown', { of: ctx.thread })
        console.log('last words of ' + ctx.thread)
      }`,
      ['--threads', '3'],
    )
    expect(await server.stop()).toEqual(asAsked)
    const lanes = (event: string) =>
      server
        .all(event)
        .map(({ of }) => of)
        .toSorted()
    expect(lanes('app.startup')).toEqual([1, 2, 3])
    expect(lanes('app.shutdown')).toEqual([1, 2, 3])
    expect(server.all('app.term')).toHaveLength(3)
    expect(server.all('thread.gone')).toHaveLength(3)
    expect(server.all('hook.info', { thread: 2 })).toHaveLength(1)
    expect(server.stdout().trim().split('\n').toSorted()).toEqual(['last words of 1', 'last words of 2', 'last words of 3'])
  })

  test('a factory is called in each thread with what the command line says', async () => {
    const app = 'exports.create = async (word, options) => (req, res) => res.end(word + options.n)'
    const server = start({ args: ["app.cjs:create('prod', { n: 3 })", ...bind, '--threads', '2'], files: { 'app.cjs': app } })
    await server.ready()
    expect((await ask({ port: server.port() })).body).toBe('prod3')
  })

  test('an app in TypeScript needs no build', async () => {
    const files = {
      'app.ts': `
        import type { IncomingMessage, ServerResponse } from 'node:http'
        import { Mood } from './mood'
        export default function app(_req: IncomingMessage, res: ServerResponse): void { res.end(Mood[Mood.Good]) }`,
      'mood.ts': 'export enum Mood { Good = 1 }',
      'package.json': '{"type":"module"}',
    }
    const server = start({ args: ['app.ts', ...bind, '--threads', '2'], files })
    await server.ready()
    expect((await ask({ port: server.port() })).body).toBe('Good')
  })

  test('a program that says `ready` in the way of PM2 is ready', async () => {
    const app = `
      const server = require('node:http').createServer((req, res) => res.end('ok'))
      setTimeout(() => { say('app.says-ready'); process.send('ready') }, 50)
      setTimeout(() => server.listen(0, '127.0.0.1'), 100)`
    const server = await ready(app)
    const { pid } = await server.until('worker.ready')
    expect(pid).toBe(server.pid)
    expect(server.lines.findIndex(({ event }) => event === 'app.says-ready')).toBeLessThan(
      server.lines.findIndex(({ event }) => event === 'worker.ready'),
    )
  })
})

describe('a program that listens', () => {
  const listening = (more = '', options = "{ port: 0, host: '127.0.0.1' }") => `
    const http = require('node:http')
    const server = http.createServer((req, res) => res.end('main ' + server.address().port))
    server.listen(${options}, () => say('app.listens', { address: server.address() }))
    ${more}`

  test('on two ports is served on both by all its threads', async () => {
    const more = `http.createServer((req, res) => res.end('metrics')).listen(0, '127.0.0.1')`
    const server = start({
      args: ['./app.cjs', '-k', 'gthread', '--threads', '2', '--log-level', 'debug'],
      files: { 'app.cjs': say + listening(more) },
    })
    await server.ready()
    await server.untilCount('listener.bound', 2)
    const ports = [server.port(0), server.port(1)]
    const answers = await Promise.all(ports.flatMap((port) => [1, 2, 3].map(async () => (await patiently(() => ask({ port }))).body)))
    expect(answers.toSorted()).toEqual([...Array(3).fill(`main ${ports[0]}`), ...Array(3).fill('metrics')])
    expect(server.all('listener.bound')).toHaveLength(2)
    const told = await server.untilCount('app.listens', 2)
    expect(told.map(({ address }) => (address as net.AddressInfo).port)).toEqual([ports[0], ports[0]])
  })

  test('is bound where `bind` says', async () => {
    const server = await ready(listening('', "{ port: 80, host: '10.9.8.7' }"), ['--threads', '2'])
    await server.until('config.bind-wins')
    expect(server.all('config.bind-wins')).toHaveLength(1)
    expect((await ask({ port: server.port() })).body).toBe(`main ${server.port()}`)
  })

  test('may set limits of its server right after listen()', async () => {
    const server = await ready(listening('server.keepAliveTimeout = 400'))
    const socket = net.connect(server.port(), '127.0.0.1')
    socket.write('GET / HTTP/1.1\r\nHost: a\r\n\r\n')
    const startedMs = performance.now()
    let text = ''
    for await (const chunk of socket) text += chunk
    expect(text).toMatch(/^HTTP\/1.1 200/)
    // Without it the connection would be kept for 75 s.
    expect(performance.now() - startedMs).toBeLessThan(20_000)
  })

  test('that cannot have its second port is told so', async () => {
    const holder = net.createServer().listen(0, '127.0.0.1')
    await once(holder, 'listening')
    const { port } = holder.address() as net.AddressInfo
    const more = `http.createServer().on('error', (error) => say('app.no-port', { code: error.code })).listen(${port}, '127.0.0.1')`
    const server = await ready(listening(more))
    await server.until('app.no-port', { code: 'EADDRINUSE' })
    expect((await ask({ port: server.port() })).status).toBe(200)
    await new Promise((resolve) => holder.close(resolve))
  })
})

describe('what cannot work in a thread', () => {
  const refusedAtLoad = async (app: string, code: string, args: readonly string[] = []) => {
    const server = start({ args: ['./app.cjs', '-k', 'gthread', '--threads', '2', ...args], files: { 'app.cjs': say + app } })
    const startedMs = performance.now()
    expect(await server.exited).toEqual({ code: 4, signal: null })
    expect(performance.now() - startedMs).toBeLessThan(20_000)
    const lines = server.all('worker.cannot-boot')
    expect(lines).toHaveLength(1)
    expect(lines[0]).toMatchObject({ code })
    return lines[0] as NonNullable<(typeof lines)[0]>
  }

  test('process.chdir() is refused, and the app that calls it while it loads is not served', async () => {
    const line = await refusedAtLoad(`process.chdir('/'); module.exports = (req, res) => res.end()`, 'MON_APP_IMPORT')
    expect(JSON.stringify(line)).toContain('process.chdir()')
  })

  test.skipIf(lacksProgram('openssl')).each([
    ['an https server', `require('node:https').createServer(() => {})`],
    ['an HTTP/2 server', `require('node:http2').createServer(() => {})`],
    ['a secure HTTP/2 server', `require('node:http2').createSecureServer({}, () => {})`],
    ['a plain net.Server', `require('node:net').createServer(() => {})`],
  ])('%s is refused, exported or listening', async (_, server) => {
    // What nobody can serve is no export; the others are none that a thread can serve.
    await refusedAtLoad(`module.exports = ${server}`, server.includes('node:net') ? 'MON_APP_EXPORT' : 'MON_APP_THREAD', bind)
    await refusedAtLoad(`${server}.listen(0, '127.0.0.1')`, 'MON_APP_THREAD')
  })

  test('a program that never listens ends the start at once', async () => {
    await refusedAtLoad('globalThis.nothing = 1', 'MON_APP_EXPORT')
  })

  test('an app that throws while it loads is told once, with its stack', async () => {
    const line = await refusedAtLoad(`function here() { throw new TypeError('not today') }\nhere()`, 'MON_APP_IMPORT')
    expect(JSON.stringify(line)).toMatch(/not today.*app\.cjs/s)
  })

  test('an onStartup that throws is told, and ends the start', async () => {
    const app = `module.exports = { default: (req, res) => res.end(), onStartup() { throw new Error('no database') } }`
    await refusedAtLoad(app, 'MON_APP_STARTUP')
  })

  const upgrading = `
    const http = require('node:http')
    const server = http.createServer((req, res) => res.end('ok'))
  `
  const listener = `server.on('upgrade', () => say('app.upgrade'))`
  test.each([
    ['an exported server', `${upgrading}${listener}; module.exports = server`],
    ['a program that listens', `${upgrading}${listener}; server.listen(0, '127.0.0.1')`],
    ['a program that listens first', `${upgrading}server.listen(0, '127.0.0.1'); ${listener}`],
  ])('upgrades: %s is told so once per worker, and its clients get 501', async (_, app) => {
    const server = await ready(app, ['--threads', '2', '-w', '2'])
    await server.untilCount('thread.no-upgrade', 2)
    expect(
      server
        .all('thread.no-upgrade')
        .map(({ slot }) => slot)
        .toSorted(),
    ).toEqual([0, 1])
    const sent =
      'GET / HTTP/1.1\r\nHost: a\r\nConnection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Key: abc\r\nSec-WebSocket-Version: 13\r\n\r\n'
    const { answers, isClosedByServer } = await exchange(base(server), sent)
    expect(answers[0]?.status).toBe(501)
    expect(isClosedByServer).toBe(true)
    expect((await ask({ port: server.port() })).body).toBe('ok')
    expect(server.all('app.upgrade')).toEqual([])
  })
})

const working = `
let calls = 0
let running = 0
let most = 0
module.exports = async (req, res) => {
  const [, what, file] = req.url.split('/')
  if (what === 'quick') return res.end('quick')
  if (what === 'facts') return res.end(JSON.stringify({ calls, most }))
  calls++
  most = Math.max(most, ++running)
  say('app.begun', { path: req.url })
  if (what === 'block') blockUntilThere(file)
  if (what === 'wait') {
    await untilThere(file)
    if (res.destroyed) return
  }
  if (what === 'tail') {
    res.end('ended')
    await new Promise((resolve) => setImmediate(resolve))
    say('app.tail')
    return blockUntilThere(file)
  }
  running--
  if (what === 'forever') return req.on('close', () => say('app.freed'))
  res.end(req.url)
}
`

describe('requests', () => {
  test('are not delayed by threads that are blocked, as long as one is free', async () => {
    const server = await ready(working, ['--threads', '4'])
    const port = server.port()
    const agents = Array.from({ length: 4 }, () => new http.Agent({ keepAlive: true, maxSockets: 1 }))
    await Promise.all(agents.map((agent) => ask({ port, agent, path: '/quick' })))
    const blocked = agents.slice(1).map((agent) => ask({ port, agent, path: '/block/go' }))
    await server.untilCount('app.begun', 3)
    // None of them could be answered before the file is there.
    for (let n = 0; n < 50; n++) expect((await ask({ port, agent: agents[0]!, path: '/quick' })).body).toBe('quick')
    await Promise.all(Array.from({ length: 50 }, () => ask({ port, path: '/quick' })))
    put(server, 'go')
    expect((await Promise.all(blocked)).map(({ status }) => status)).toEqual([200, 200, 200])
    for (const agent of agents) agent.destroy()
  })

  test('are not delayed by a thread whose handler goes on to block after it has answered', async () => {
    const server = await ready(working, ['--threads', '2'])
    const port = server.port()
    expect((await ask({ port, path: '/tail/go' })).body).toBe('ended')
    await server.until('app.tail')
    for (let n = 0; n < 20; n++) expect((await ask({ port, path: '/quick' })).body).toBe('quick')
    put(server, 'go')
  })

  test('that were pipelined are answered in their order, however long the first takes', async () => {
    const server = await ready(working, ['--threads', '3'])
    const one = (path: string) => `GET ${path} HTTP/1.1\r\nHost: a\r\n\r\n`
    const talk = exchange(base(server), [one('/wait/go'), one('/x/2'), one('/x/3'), one('/quick')].join(''), { count: 4 })
    await server.until('app.begun', { path: '/x/3' })
    put(server, 'go')
    const { answers } = await talk
    expect(answers.map(({ body }) => String(body))).toEqual(['/wait/go', '/x/2', '/x/3', 'quick'])
  })

  test('run ten at a time in one thread with thread_concurrency 10, and no more', async () => {
    const server = await ready(working, ['--threads', '1', '--thread-concurrency', '10'])
    const port = server.port()
    const asked = Array.from({ length: 15 }, () => ask({ port, path: '/wait/go' }))
    await server.untilCount('app.begun', 10)
    put(server, 'go')
    expect((await Promise.all(asked)).map(({ status }) => status)).toEqual(Array(15).fill(200))
    expect(JSON.parse((await ask({ port, path: '/facts' })).body)).toEqual({ calls: 15, most: 10 })
  })

  test('run strictly one at a time in a thread otherwise, also when handlers await', async () => {
    const server = await ready(working, ['--threads', '1'])
    const port = server.port()
    const asked = Array.from({ length: 6 }, () => ask({ port, path: '/wait/go' }))
    await server.until('app.begun')
    put(server, 'go')
    await Promise.all(asked)
    expect(JSON.parse((await ask({ port, path: '/facts' })).body)).toEqual({ calls: 6, most: 1 })
  })

  test.each(['in a burst', 'one after the other'])('beyond thread_queue_max are answered 503 with Retry-After, %s', async (how) => {
    const server = await ready(working, ['--threads', '1', '--thread-queue-max', '2'])
    const port = server.port()
    const agent = new http.Agent({ keepAlive: true, maxSockets: 8 })
    await Promise.all(Array.from({ length: 8 }, () => ask({ port, agent, path: '/quick' })))
    const first = ask({ port, agent, path: '/block/go' })
    await server.until('app.begun')
    const others: Promise<{ status: number; headers: http.IncomingHttpHeaders; body: string }>[] = []
    for (let n = 1; n <= 4; n++) {
      others.push(ask({ port, agent, path: `/x/${n}` }))
      if (how !== 'in a burst') await Promise.race([others.at(-1), new Promise((resolve) => setTimeout(resolve, 60))])
    }
    const refused = await Promise.all(others.slice(2))
    expect(refused.map(({ status, headers }) => [status, Number(headers['retry-after']) > 0])).toEqual([
      [503, true],
      [503, true],
    ])
    put(server, 'go')
    expect((await first).status).toBe(200)
    expect((await Promise.all(others.slice(0, 2))).map(({ body }) => body)).toEqual(['/x/1', '/x/2'])
    expect(server.all('app.begun').map(({ path }) => path)).toEqual(['/block/go', '/x/1', '/x/2'])
    agent.destroy()
  })

  test('whose client leaves while they wait for a thread are never run', async () => {
    const server = await ready(working, ['--threads', '1'])
    const port = server.port()
    const first = ask({ port, path: '/block/go' })
    await server.until('app.begun')
    const leaving = [1, 2, 3].map((n) => http.get({ port, host: '127.0.0.1', path: `/x/${n}`, agent: false }))
    for (const request of leaving) {
      request.on('error', () => undefined) // we leave
      await once(request, 'finish')
    }
    const staying = ask({ port, path: '/x/stays' })
    const waiting = (count: number) => server.until('worker.threads', (line) => line['waiting'] === count)
    await waiting(4)
    for (const request of leaving) request.destroy()
    await waiting(1)
    put(server, 'go')
    await Promise.all([first, staying])
    expect(server.all('app.begun').map(({ path }) => path)).toEqual(['/block/go', '/x/stays'])
  })

  test('whose client leaves while their handler awaits free their thread', async () => {
    const server = await ready(working, ['--threads', '1'])
    const port = server.port()
    for (let n = 1; n <= 3; n++) {
      const request = http.get({ port, host: '127.0.0.1', path: '/forever', agent: false })
      request.on('error', () => undefined) // we leave
      await server.untilCount('app.begun', n)
      request.destroy()
      await server.untilCount('app.freed', n)
      expect((await ask({ port, path: '/quick' })).body).toBe('quick')
    }
  })

  test.each(['gthread', 'async'])('that were pipelined behind a late one are told when their client leaves, %s', async (workerClass) => {
    const server = await ready(
      `module.exports = (req, res) => {
        if (req.url === '/quick') return res.end('quick')
        say('app.begun', { path: req.url })
        res.on('close', () => say('app.freed', { path: req.url }))
        if (req.url === '/big') for (let n = 0; n < 64; n++) res.write(Buffer.alloc(65536))
      }`,
      workerClass === 'gthread' ? ['--threads', '3'] : ['-k', 'async'],
    )
    for (let n = 1; n <= 2; n++) {
      const socket = net.connect(server.port(), '127.0.0.1')
      socket.write(['/first', '/second', '/big'].map((path) => `GET ${path} HTTP/1.1\r\nHost: a\r\n\r\n`).join(''))
      await server.untilCount('app.begun', 3 * n)
      socket.destroy()
      await server.untilCount('app.freed', 3 * n)
    }
    expect((await ask({ port: server.port(), path: '/quick' })).body).toBe('quick')
  })

  test('that begin while another’s context is active do not inherit it', async () => {
    const server = await ready(
      `const { AsyncLocalStorage } = require('node:async_hooks')
      const store = new AsyncLocalStorage()
      module.exports = (req, res) => {
        const found = store.getStore() ?? null
        store.run(req.url, () => setTimeout(() => res.end(JSON.stringify(found)), 3))
      }`,
      ['--threads', '1'],
    )
    const answers = await Promise.all(Array.from({ length: 12 }, (_, n) => ask({ port: server.port(), path: `/${n}` })))
    expect(answers.map(({ body }) => body)).toEqual(Array(12).fill('null'))
  })
})
