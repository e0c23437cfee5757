/** Limits: connections, keep-alive, deadlines of clients, and worker classes that serve one request at a time. */
import { writeFileSync } from 'node:fs'
import http from 'node:http'
import net from 'node:net'
import { join } from 'node:path'
import { setTimeout as pause } from 'node:timers/promises'
import { afterEach, describe, expect, test } from 'vitest'
import { ask, begin } from '../support/client.ts'
import { type Running, start } from '../support/harness.ts'

const app = `
const { existsSync, writeSync } = require('node:fs')
const say = (event) => writeSync(2, JSON.stringify({ event, from: process.pid }) + '\\n')
let under = 0
module.exports = async (req, res) => {
  res.on('close', () => under--)
  if (++under > 1) say('app.beside')
  const [, what, file] = req.url.split('?')[0].split('/')
  if (what === 'hold') {
    res.flushHeaders()
    const look = () => (existsSync(file) ? res.end(String(process.pid)) : setTimeout(look, 10))
    return look()
  }
  if (what === 'never') return say('app.waits')
  if (what === 'spin') {
    say('app.spins')
    for (;;) Math.random()
  }
  if (what === 'tenth') await new Promise((resolve) => setTimeout(resolve, 100))
  for await (const chunk of req);
  res.end(String(process.pid))
}
`
const files = { 'app.cjs': app }
const args = ['./app.cjs', '-b', '127.0.0.1:0']

describe('worker_connections', () => {
  test.each([[1], [2]])('at a limit of %i, requests beyond it wait and are all answered', async (limit) => {
    const server = await ready({ args: [...args, '--worker-connections', String(limit)] })
    const port = server.port()
    const answers = await Promise.all(Array.from({ length: 12 }, () => ask({ port, path: '/tenth' })))
    expect(answers.map(({ status }) => status)).toEqual(Array(12).fill(200))
  })

  test('a worker at its limit leaves new connections to the other workers', async () => {
    const server = await ready({ args: [...args, '-w', '2', '--worker-connections', '2'] })
    const port = server.port()
    const held = []
    for (let i = 0; i < 3; i++) held.push(await begin({ port, path: '/hold/go' }))
    // One of them is full, and the other has one place left.
    for (let i = 0; i < 6; i++) expect((await ask({ port })).status).toBe(200)
    release(server, 'go')
    const pids = await Promise.all(held.map(async ({ whole }) => (await whole).body))
    expect(new Set(pids).size).toBe(2)
  })

  test('at the limit the connection that has been idle for longest makes room', async () => {
    const server = await ready({ args: [...args, '--worker-connections', '3'] })
    const [first, second, third] = [await idle(server), await idle(server), connect(server)]
    await first.ended
    expect(await second.ask('/')).toMatch(/^HTTP\/1.1 200/)
    expect(await third.ask('/')).toMatch(/^HTTP\/1.1 200/)
  })

  test('a connection that was kept alive at the limit does not keep others waiting until its keep-alive is over', async () => {
    const server = await ready({ args: [...args, '--worker-connections', '2'] })
    const port = server.port()
    const agent = new http.Agent({ keepAlive: true })
    const held = [await begin({ port, agent, path: '/hold/go' }), await begin({ port, agent, path: '/hold/go' })]
    const waiting = Array.from({ length: 3 }, () => ask({ port }))
    release(server, 'go')
    await Promise.all(held.map(({ whole }) => whole))
    // Node's own agent keeps both connections open; keepalive is 75 s.
    expect((await Promise.all(waiting)).map(({ status }) => status)).toEqual([200, 200, 200])
    agent.destroy()
  })

  test('connections that say nothing at the limit do not keep others waiting', async () => {
    const server = await ready({ args: [...args, '--worker-connections', '2'] })
    const silent = [connect(server), connect(server)]
    expect((await ask({ port: server.port() })).status).toBe(200)
    for (const { socket } of silent) socket.destroy()
  })
})

describe('keepalive', () => {
  test('an idle connection is closed after it', async () => {
    const server = await ready({ args: [...args, '--keep-alive', '1'] })
    const client = await idle(server)
    const startedMs = performance.now()
    expect(client.heard()).toMatch(/^Keep-Alive: timeout=1\r$/im)
    await client.ended
    expect(performance.now() - startedMs).toBeGreaterThan(900)
    expect(performance.now() - startedMs).toBeLessThan(20_000)
  })

  test('0 closes the connection after each answer', async () => {
    const server = await ready({ args: [...args, '--keep-alive', '0'] })
    const client = connect(server)
    expect(await client.ask('/')).toMatch(/^Connection: close\r$/im)
    await client.ended
  })
})

describe('header_timeout and body_timeout', () => {
  test.each([
    ['half a head', 'GET / HTTP/1.1\r\nHost: a\r\nX-Slow: '],
    ['nothing', ''],
  ])('a client that sends %s is answered 408 after header_timeout, and holds nobody meanwhile', async (_, sent) => {
    const server = await ready({ args: [...args, '--header-timeout', '1'] })
    const slow = connect(server)
    slow.socket.write(sent)
    const startedMs = performance.now()
    expect((await ask({ port: server.port() })).status).toBe(200)
    await slow.ended
    expect(performance.now() - startedMs).toBeGreaterThan(900)
    expect(slow.heard()).toMatch(/^HTTP\/1.1 408 /)
  })

  test('a client that does not finish its body is answered 408 after body_timeout, and holds nobody meanwhile', async () => {
    const server = await ready({ args: [...args, '--header-timeout', '0.5', '--body-timeout', '0.5'] })
    const slow = connect(server)
    slow.socket.write('POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 10\r\n\r\n12345')
    expect((await ask({ port: server.port() })).status).toBe(200)
    await slow.ended
    expect(slow.heard()).toMatch(/^HTTP\/1.1 408 /)
  })

  test('a client that sends its body in time is not disturbed by the deadlines', async () => {
    const server = await ready({ args: [...args, '--header-timeout', '1', '--body-timeout', '20'] })
    const slow = connect(server)
    slow.socket.write('POST / HTTP/1.1\r\nHost: a\r\nConnection: close\r\nContent-Length: 3\r\n\r\n1')
    await pause(1_500)
    slow.socket.write('23')
    await slow.ended
    expect(slow.heard()).toMatch(/^HTTP\/1.1 200 /)
  })
})

describe('the sync class', () => {
  const sync = [...args, '-k', 'sync']

  test('serves one request at a time in each worker and closes after each answer', async () => {
    const server = await ready({ args: [...sync, '-w', '2'] })
    const port = server.port()
    const agent = new http.Agent({ keepAlive: true })
    const answers = await Promise.all(Array.from({ length: 12 }, () => ask({ port, path: '/tenth', agent })))
    agent.destroy()
    expect(answers.map(({ status, headers }) => [status, headers.connection])).toEqual(Array(12).fill([200, 'close']))
    expect(new Set(answers.map(({ body }) => body)).size).toBe(2)
    expect(server.all('app.beside')).toEqual([])
  })

  test('serves one request at a time at its limit of connections too', async () => {
    const server = await ready({ args: [...sync, '--worker-connections', '1'] })
    const port = server.port()
    const answers = await Promise.all(Array.from({ length: 8 }, () => ask({ port, path: '/tenth' })))
    expect(answers.map(({ status }) => status)).toEqual(Array(8).fill(200))
    expect(server.all('app.beside')).toEqual([])
  })

  test('is not held by clients that say nothing or half of a head, and serves them when they go on', async () => {
    const server = await ready({ args: sync })
    const slow = [connect(server), connect(server), connect(server)]
    slow[0]?.socket.write('GET / HTTP/1.1\r\nHo')
    for (let i = 0; i < 3; i++) expect((await ask({ port: server.port() })).status).toBe(200)
    slow[0]?.socket.write('st: a\r\n\r\n')
    await slow[0]?.ended
    expect(slow[0]?.heard()).toMatch(/^HTTP\/1.1 200 /)
    for (const { socket } of slow) socket.destroy()
  })

  test('gives up a client that does not finish its body, without blaming the worker', async () => {
    const server = await ready({ args: [...sync, '--header-timeout', '0.5', '--body-timeout', '0.5'] })
    const slow = connect(server)
    slow.socket.write('POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 10\r\n\r\n12345')
    expect((await ask({ port: server.port() })).status).toBe(200)
    await slow.ended
    expect(slow.heard()).toMatch(/^HTTP\/1.1 408 /)
    expect(server.all('worker.recycle')).toEqual([])
  })

  test('answers 504 to a request that takes longer than timeout, and replaces its worker without a loss', async () => {
    const server = await ready({ args: [...sync, '--timeout', '0.5'] })
    const port = server.port()
    const slow = ask({ port, path: '/never?token=secret' })
    const { from } = await server.until('app.waits')
    const waiting = ask({ port })
    expect((await slow).status).toBe(504)
    expect((await waiting).status).toBe(200)
    const recycle = await server.until('worker.recycle', { childPid: from as number })
    expect(JSON.stringify(recycle)).not.toContain('secret')
    await server.until('worker.gone', { childPid: from as number })
    expect((await ask({ port })).body).not.toBe(String(from))
    expect(server.all('worker.died')).toEqual([])
  })

  test('kills a worker whose handler blocks beyond timeout', async () => {
    const server = await ready({ args: [...sync, '--timeout', '1'] })
    const lost = ask({ port: server.port(), path: '/spin' }).catch((error: unknown) => error)
    const { from } = await server.until('app.spins')
    const waiting = ask({ port: server.port() })
    await server.until('worker.autopsy', { childPid: from as number, where: 'in JavaScript' })
    await server.until('worker.died', { childPid: from as number })
    expect(await lost).toBeInstanceOf(Error)
    expect((await waiting).status).toBe(200)
  })
})

describe('a worker class of one’s own', () => {
  const withClass = (text: string) => ({ args: [...args, '-k', './klass.mjs'], files: { ...files, 'klass.mjs': text } })

  test('decides when its worker accepts, how requests are served and when it is replaced', async () => {
    const server = await ready(
      withClass(`
        let served = 0
        export const workerClass = {
          name: 'one-at-a-time',
          create: (kit) => ({
            onConnection: () => kit.pause(),
            onRequest(req, res, serve) {
              res.setHeader('x-class', 'slot ' + kit.slot + ' timeout ' + kit.timeoutMs)
              res.shouldKeepAlive = false
              res.on('close', () => kit.resume())
              if (++served === 4) kit.recycle('four are enough')
              serve()
            },
          }),
        }`),
    )
    const port = server.port()
    const answers = await Promise.all(Array.from({ length: 4 }, () => ask({ port, path: '/tenth' })))
    expect(answers.map(({ headers }) => headers['x-class'])).toEqual(Array(4).fill('slot 0 timeout 30000'))
    expect(server.all('app.beside')).toEqual([])
    await server.until('worker.recycle', { reason: 'four are enough' })
    await server.until('worker.gone')
    expect((await ask({ port })).status).toBe(200)
  })

  test('may be TypeScript, with what Node does not strip, and is not taken for the program', async () => {
    const text = `
      import type { WorkerClass } from 'monoceros'
      import { word } from './word'
      enum Where { header = 'x-class' }
      const main = (globalThis as any).process.mainModule
      export const workerClass: WorkerClass = {
        name: 'typed',
        create: () => ({ onRequest: (_, res, serve) => { res.setHeader(Where.header, word + (main === undefined)); serve() } }),
      }`
    const server = await ready({
      args: [...args, '-k', './klass.ts'],
      files: { ...files, 'klass.ts': text, 'word.ts': `export const word: string = 'typed '` },
    })
    expect((await ask({ port: server.port(), path: '/tenth' })).headers['x-class']).toBe('typed true')
  })

  test.each([
    ['exports no class', 'export const workerClass = {}'],
    ['cannot be imported', 'import "./there-is-none.mjs"'],
  ])('is refused when its module %s', async (_, text) => {
    const server = start(withClass(text))
    expect(await server.until('worker.cannot-boot')).toMatchObject({ code: 'MON_WORKER_CLASS' })
    expect(await server.exited).toEqual({ code: 1, signal: null })
  })
})

const sockets = new Set<net.Socket>()
afterEach(() => {
  for (const socket of sockets) socket.destroy()
  sockets.clear()
})

interface RawClient {
  readonly socket: net.Socket
  /** All that has come. */
  heard(): string
  /** Sends a GET and waits for the next answer, which must be a small one. */
  ask(path: string): Promise<string>
  /** Resolves when the server has closed the connection. */
  readonly ended: Promise<void>
}

function connect(server: Running): RawClient {
  const socket = net.connect(server.port(), '127.0.0.1')
  sockets.add(socket)
  let text = ''
  socket.setEncoding('latin1')
  socket.on('data', (chunk: string) => {
    text += chunk
  })
  const ended = new Promise<void>((resolve, reject) => {
    socket.on('end', resolve)
    socket.on('error', reject)
  })
  ended.catch(() => undefined) // a test that does not wait for the end is not about it
  return {
    socket,
    ended,
    heard: () => text,
    async ask(path) {
      const from = text.length
      socket.write(`GET ${path} HTTP/1.1\r\nHost: a\r\n\r\n`)
      while (!/\r\n\r\n.*\d/s.test(text.slice(from))) {
        await Promise.race([new Promise((resolve) => socket.once('data', resolve)), ended.then(() => Promise.reject(new Error('closed')))])
      }
      return text.slice(from)
    },
  }
}

/** A connection that has had its answer. */
async function idle(server: Running): Promise<RawClient> {
  const client = connect(server)
  await client.ask('/')
  return client
}

async function ready(options: { args: readonly string[]; files?: Record<string, string> }): Promise<Running> {
  const server = start({ files, ...options })
  await server.ready()
  return server
}

function release(server: Running, file: string): void {
  writeFileSync(join(server.folder, file), '')
}
