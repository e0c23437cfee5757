/** Places where a request was lost although nothing died. */
import { once } from 'node:events'
import http from 'node:http'
import { connect } from 'node:net'
import { text } from 'node:stream/consumers'
import { setTimeout as pause } from 'node:timers/promises'
import { expect, test } from 'vitest'
import { monocerosEvents, monocerosTrial } from '../../bench/ledger/monoceros.ts'
import { detailsOf } from '../../bench/ledger/report.ts'
import { runTrial } from '../../bench/ledger/trial.ts'
import { ask } from '../support/client.ts'
import { start } from '../support/harness.ts'

const kept = () => new http.Agent({ keepAlive: true, maxSockets: 1 })
const bind = ['-b', '127.0.0.1:0']
const classes = [
  ['async', bind],
  ['gthread', [...bind, '--threads', '2']],
] as const

/**
 * A drain closes connections that have been idle for 2 s. While the loop is blocked nothing is read, so that a connection
 * looked idle whose request had long come: when the loop turned again, it was closed before it was read.
 */
test('a request that comes while the loop of a draining worker is blocked is answered', async () => {
  const app = `
    export default (request, response) => {
      if (request.url !== '/block') return response.end('ok')
      console.error(JSON.stringify({ event: 'app.blocks' }))
      Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 2_500)
      response.end('ok')
    }`
  const server = start({ args: ['app.mjs', '-b', '127.0.0.1:0'], files: { 'app.mjs': app } })
  await server.ready()
  const [blocking, waiting] = [kept(), kept()]
  const port = server.port()
  for (const agent of [blocking, waiting]) await ask({ port, agent })
  server.signal('SIGTERM')
  await server.until('worker.draining')
  const blocked = ask({ port, agent: blocking, path: '/block' })
  await server.until('app.blocks')
  const answer = await ask({ port, agent: waiting })
  expect(answer.headers.connection).toBe('close')
  expect((await blocked).status).toBe(200)
  expect(await server.exited).toEqual({ code: 0, signal: null })
})

/**
 * An app may answer before it has read the body (401, 413). Node then closes a connection that is not kept at once, and the
 * bytes still coming are answered with a reset, which the client sees in place of its answer.
 */
test.each(classes)('under %s an answer given before the body has come arrives whole although the worker drains', async (_, options) => {
  const app = `
    export default (request, response) => {
      if (request.method === 'GET') return response.end('ok')
      response.statusCode = 401
      response.end('not you')
    }`
  const server = start({ args: ['app.mjs', ...options], files: { 'app.mjs': app } })
  await server.ready()
  const agents = Array.from({ length: 20 }, kept)
  const port = server.port()
  for (const agent of agents) await ask({ port, agent })
  server.signal('SIGTERM')
  await server.until('worker.draining')
  for (const agent of agents) {
    const answer = await askSlowly(port, agent)
    expect(answer).toEqual({ status: 401, connection: 'close', body: 'not you' })
  }
  expect(await server.exited).toEqual({ code: 0, signal: null })
})

/** Sends the rest of its body only after the answer has come. */
function askSlowly(port: number, agent: http.Agent): Promise<{ status: number; connection: string; body: string }> {
  return new Promise((resolve, reject) => {
    const body = Buffer.alloc(512 * 1024)
    const request = http.request({ host: '127.0.0.1', port, method: 'POST', agent, headers: { 'content-length': 4 * body.length } })
    request.on('error', reject)
    request.on('response', async (response) => {
      for (let n = 0; n < 3; n++) await new Promise((sent) => request.write(body, sent))
      const chunks: Buffer[] = []
      for await (const chunk of response) chunks.push(chunk as Buffer)
      resolve({ status: response.statusCode ?? 0, connection: response.headers.connection ?? '', body: Buffer.concat(chunks).toString() })
    })
    request.write(body)
  })
}

/**
 * An app or a proxy inside it may say `Connection: keep-alive` in so many words. Taken literally in a drain, a busy client would
 * stay until the grace is over, and then be cut in the middle of a request.
 */
const insistences = [
  ['setHeader', "response.setHeader('Connection', 'keep-alive')"],
  ['writeHead with an object', "response.writeHead(200, { Connection: 'Keep-Alive', 'x-other': 'kept' })"],
  ['writeHead with a message and a list', "response.writeHead(200, 'OK', ['connection', 'keep-alive', 'x-other', 'kept'])"],
  ['writeHead with pairs', "response.writeHead(200, [['x-other', 'kept'], ['Connection', 'keep-alive']])"],
  ['appendHeader', "response.appendHeader('connection', 'keep-alive')"],
] as const
test.each(classes.flatMap(([name, options]) => insistences.map(([how, insist]) => [name, how, insist, options] as const)))(
  'under %s an app that insists on keep-alive (%s) is overruled in a drain',
  async (_, _how, insist, options) => {
    const app = `
    export default (request, response) => {
      const answer = () => {
        ${insist}
        response.end('ok')
      }
      if (request.url !== '/later') return answer()
      console.error(JSON.stringify({ event: 'app.waits' }))
      setTimeout(answer, 300)
    }`
    const server = start({ args: ['app.mjs', ...options], files: { 'app.mjs': app } })
    await server.ready()
    const port = server.port()
    const [before, during] = [kept(), kept()]
    for (const agent of [before, during]) expect((await ask({ port, agent })).headers.connection?.toLowerCase()).toBe('keep-alive')
    const later = ask({ port, agent: before, path: '/later' })
    await server.until('app.waits')
    server.signal('SIGTERM')
    await server.until('worker.draining')
    const answers = [await ask({ port, agent: during }), await later]
    expect(answers.map(({ headers }) => headers.connection)).toEqual(['close', 'close'])
    if (insist.includes('x-other')) expect(answers.map(({ headers }) => headers['x-other'])).toEqual(['kept', 'kept'])
    expect(await server.exited).toEqual({ code: 0, signal: null })
  },
)

/**
 * A full worker closed the connection that was idle for longest, at once: one that had just been accepted, or answered, and
 * whose request was on its way. Now the answers given meanwhile are the last of their connections.
 */
test('workers at their limit of connections lose no request, and a reload of them neither', async () => {
  const reload = monocerosEvents.find(({ name }) => name === 'HUP')!
  const row = await runTrial(monocerosTrial(reload, ['--worker-connections', '4']), 1_000)
  expect(detailsOf(row)).toEqual([])
  expect(row.ok).toBe(row.requests)
})

test('a worker whose places are all taken by idle clients makes room for one who asks', async () => {
  const app = "export default (request, response) => response.end('ok')"
  const server = start({ args: ['app.mjs', '-b', '127.0.0.1:0', '--worker-connections', '2'], files: { 'app.mjs': app } })
  await server.ready()
  const port = server.port()
  const idle = kept()
  await ask({ port, agent: idle })
  const silent = connect(port, '127.0.0.1')
  await once(silent, 'connect')
  // Both places are taken: by one who was answered, and by one who says nothing.
  expect((await ask({ port })).status).toBe(200)
  silent.destroy()
  idle.destroy()
})

/** Each answer of a drain said close: the first one ended the connection, and took with it those that the app was at work on. */
test.each(classes)(
  'under %s requests that a client has sent ahead are all answered in a drain, and the last answer says close',
  async (_, options) => {
    const app = `
    export default (request, response) => {
      if (request.url === '/first') return response.end('first')
      console.error(JSON.stringify({ event: 'app.began', url: request.url }))
      setTimeout(() => response.end(request.url), 200)
    }`
    const server = start({ args: ['app.mjs', ...options], files: { 'app.mjs': app } })
    await server.ready()
    const socket = connect(server.port(), '127.0.0.1')
    const answers = text(socket)
    socket.write('GET /first HTTP/1.1\r\nhost: a\r\n\r\n')
    await once(socket, 'readable')
    server.signal('SIGTERM')
    await server.until('worker.draining')
    socket.write(['/a', '/b', '/c'].map((path) => `GET ${path} HTTP/1.1\r\nhost: a\r\n\r\n`).join(''))
    const heads = (await answers).split('HTTP/1.1 ').slice(2)
    expect(heads.map((head) => head.match(/\r\nconnection: (.*)\r\n/i)?.[1])).toEqual(['keep-alive', 'keep-alive', 'close'])
    expect(heads.map((head) => head.slice(-2))).toEqual(['/a', '/b', '/c'])
    expect(await server.exited).toEqual({ code: 0, signal: null })
  },
)

/**
 * With a keepalive of 0 or little, a drain took a new connection for an idle one, and closed it before its request had come, or
 * between two halves of its head.
 */
test.each(['0', '0.05'])(
  'a client that had just connected when a drain began is heard, with a keepalive of %s s too',
  async (keepalive) => {
    const app = `
    import { createServer } from 'node:http'
    export const server = createServer((request, response) => response.end('ok'))
    server.on('connection', () => console.error(JSON.stringify({ event: 'app.accepted' })))`
    const server = start({ args: ['app.mjs:server', '-b', '127.0.0.1:0', '--keepalive', keepalive], files: { 'app.mjs': app } })
    await server.ready()
    const socket = connect(server.port(), '127.0.0.1')
    const answer = text(socket)
    await server.until('app.accepted')
    server.signal('SIGTERM')
    await server.until('worker.draining')
    for (const part of ['GET / HTTP/1.1\r\n', 'host: a\r\n', '\r\n']) {
      await pause(150)
      socket.write(part)
    }
    expect(await answer).toMatch(/^HTTP\/1\.1 200 OK\r\n.*ok$/s)
    expect(await server.exited).toEqual({ code: 0, signal: null })
  },
)
