import { describe, expect, test } from 'vitest'
import { appFolder, appsFolder, bodyOf, get, type Report, type Run, runApp, statusOf } from './run-app.ts'

const inApps = (spec: string, run: Partial<Run> = {}) => runApp(spec, { cwd: appsFolder, requests: [get('/')], ...run })

async function inFolder(spec: string, files: Record<string, string>, run: Partial<Run> = {}): Promise<Report> {
  const folder = appFolder(files)
  try {
    return await runApp(spec, { cwd: folder.path, requests: [get('/')], isWithoutListen: true, ...run })
  } finally {
    folder.remove()
  }
}

const handler = (text: string) => `(request, response) => response.end('${text}')`

describe('every kind of app', () => {
  test.each([
    ['./express.js', 'express', 'express'],
    ['./koa.js', 'koa', 'koa'],
    ['./fastify.js', 'fastify', 'fastify default'],
    ['./fastify.js:create("prod", {isClosable: false})', 'fastify', 'fastify prod'],
    ['./hono.js', 'hono', 'hono'],
    ['./h3.js', 'h3', 'h3'],
    ['./node-handler.js', 'node', 'node'],
    ['./fetch.js', 'fetch', '{"host":"localhost","isFast":false}'],
    ['./server.js', 'server', 'server'],
  ])('%s', async (spec, kind, body) => {
    const report = await inApps(spec)
    expect(report).toMatchObject({ kind, wish: null, errors: [], stderr: '' })
    expect(statusOf(report.answers[0])).toBe(200)
    expect(bodyOf(report.answers[0])).toBe(body)
  })

  test('a server keeps its upgrade listeners, and hooks are handed over', async () => {
    const report = await inApps('./server.js:server', { requests: [get('/', 'Connection: upgrade\r\nUpgrade: test\r\n')] })
    expect(report.answers[0]).toMatch(/^HTTP\/1\.1 101 [\s\S]*upgraded$/)
    expect(report.hooks).toEqual(['onStartup', 'onShutdown'])
  })

  test('Express answers its own errors', async () => {
    const report = await inApps('./express.js:app', { requests: [get('/fails')] })
    expect(statusOf(report.answers[0])).toBe(500)
    expect(report.errors).toEqual([])
  })

  test('what is listened to and what is exported are both told', async () => {
    const report = await inApps('./express-program.cjs', { requests: [] })
    expect(report).toMatchObject({ kind: 'express', wish: { host: '127.0.0.1', port: 3000, path: null } })
    expect((await inApps('./listens.js')).stdout).toMatch(/^listening on \d+\n$/)
  })
})

describe('the export that is meant', () => {
  test.each([
    ['default before app', `export const app = ${handler('app')}; export default ${handler('default')}`, 'default'],
    ['app before server', `export const server = ${handler('server')}; export const app = ${handler('app')}`, 'app'],
    ['server before handler', `export const handler = ${handler('handler')}; export const server = ${handler('server')}`, 'server'],
    ['app when default is no app', `export default { port: 1 }; export const app = ${handler('app')}`, 'app'],
    ['app when default is a class', `export default class A {}; export const app = ${handler('app')}`, 'app'],
    ['app inside default', `export default { app: ${handler('inner')} }`, 'inner'],
  ])('%s', async (_, source, body) => {
    expect(bodyOf((await inFolder('./app.mjs', { 'app.mjs': source })).answers[0])).toBe(body)
  })

  const nested = `export const apps = { main: { app: ${handler('deep')}, create(text) { return this.make(text) }, make: (text) => (q, s) => s.end(text) } }
    export async function later(text) { return (request, response) => response.end(text) }`
  test.each([
    ['apps.main.app', 'deep'],
    ['apps.main.create("this is kept")', 'this is kept'],
    ['later("async")', 'async'],
  ])('%s', async (path, body) => {
    const report = await inFolder(`./app.mjs:${path}`, { 'app.mjs': nested })
    expect(report).toMatchObject({ kind: 'node' })
    expect(bodyOf(report.answers[0])).toBe(body)
  })

  test.each([
    ['a name of module.exports', 'app.cjs', `module.exports = { web: ${handler('ok')} }`, 'web'],
    ['a property of an exported function', 'app.cjs', `module.exports = () => {}; module.exports.web = ${handler('ok')}`, 'web'],
    ['default of CommonJS', 'app.cjs', `module.exports = ${handler('ok')}`, 'default'],
    ['default of CommonJS made from an ES module', 'app.mjs', `import made from './made.cjs'; export default made`, 'default'],
  ])('%s', async (_, file, source, name) => {
    const made = `Object.defineProperty(exports, '__esModule', { value: true }); exports.default = ${handler('ok')}`
    expect(bodyOf((await inFolder(`./${file}:${name}`, { [file]: source, 'made.cjs': made })).answers[0])).toBe('ok')
  })

  test('nothing usable and nothing asked for is no error', async () => {
    const report = await inFolder(
      './app.mjs',
      { 'app.mjs': 'export const port = 3000; export const onStartup = () => {}' },
      { requests: [] },
    )
    expect(report).toMatchObject({ kind: 'none', hooks: ['onStartup'] })
  })
})

describe('refusals', () => {
  test.each([
    ['srever', `export const server = ${handler('')}`, 'MON_APP_EXPORT', 'there is no srever; did you mean server? (exported: server)'],
    ['sever', `import express from 'express'; export default express()`, 'MON_APP_EXPORT', 'there is no sever (exported: default)'],
    ['a.b.c', `export const a = { b: { port: 1 } }`, 'MON_APP_EXPORT', 'there is no c in a.b (exported: port)'],
    ['a.b', `export const a = 1`, 'MON_APP_EXPORT', 'there is no b in a (exported: nothing)'],
    ['a', `export const a = { port: 1, host: 2 }`, 'MON_APP_EXPORT', 'a is an object with port, host; served are'],
    ['A', `export class A {}`, 'MON_APP_EXPORT', 'A is the class A; served are'],
    ['a', `export const a = null`, 'MON_APP_EXPORT', 'a is null; served are'],
    [
      'a',
      `import net from 'node:net'; export const a = net.createServer()`,
      'MON_APP_EXPORT',
      'a is a net.Server, which does not speak HTTP',
    ],
    ['a()', `export const a = 'x'`, 'MON_APP_EXPORT', 'a is a string, not a factory to call'],
    ['a()', `export const a = () => undefined`, 'MON_APP_EXPORT', 'a() is undefined; served are'],
    ['a()', `export const a = () => { throw new Error('no key') }`, 'MON_APP_SETUP', 'a() failed: no key'],
    ['a()', `export const a = async () => { throw new Error('no key') }`, 'MON_APP_SETUP', 'a() failed: no key'],
    [
      'a',
      `import f from 'fastify'; export const a = f(); a.register(async () => { throw new Error('no db') })`,
      'MON_APP_SETUP',
      'getting fastify ready failed: no db',
    ],
  ])('%s of %s', async (path, source, code, problem) => {
    const spec = `./app.mjs:${path}`
    const report = await inFolder(spec, { 'app.mjs': source })
    expect(report.code).toBe(code)
    expect(report.message).toContain(`app ${spec}: ${problem}`)
    expect(report.errors).toEqual([])
    if (code === 'MON_APP_SETUP') expect(report.causeStack).toMatch(/app\.mjs:1/)
  })

  test('a rejected promise that is exported by default', async () => {
    const report = await inFolder('./app.mjs', { 'app.mjs': `export default Promise.reject(new Error('no db'))` })
    expect(report).toMatchObject({ code: 'MON_APP_SETUP', message: 'app ./app.mjs: default failed: no db' })
  })
})

describe('a plain handler that fails', () => {
  test('gets a 500, or its connection is cut when the answer was begun; the process lives on', async () => {
    const report = await inApps('./node-handler.js', { requests: [get('/rejects'), get('/late'), get('/')] })
    expect(report.answers.map(statusOf)).toEqual([500, 200, 200])
    expect(report.answers[1]).not.toMatch(/\r\n0\r\n\r\n$/)
    expect(report.errors).toEqual(['Error: the handler rejected', 'Error: the handler rejected'])
  })

  test('a throw is no different', async () => {
    const source = `export default (request, response) => { response.setHeader('content-length', 5); throw new Error('thrown') }`
    const report = await inFolder('./app.mjs', { 'app.mjs': source })
    expect(statusOf(report.answers[0])).toBe(500)
    expect(bodyOf(report.answers[0])).toBe('Internal Server Error\n')
    expect(report.errors).toEqual(['Error: thrown'])
  })
})

describe.each([false, true])('a fetch app, fast Response %s', (isFastResponse) => {
  const run = (requests: Run['requests']) => inApps('./fetch.js', { requests: requests ?? [], isFastResponse })

  test('answers, and reads bodies', async () => {
    const echo = { text: 'POST /echo HTTP/1.1\r\nHost: a.b:80\r\nContent-Length: 5\r\nConnection: close\r\n\r\nhello' }
    const report = await run([get('/'), echo])
    expect(JSON.parse(bodyOf(report.answers[0]))).toEqual({ host: 'localhost', isFast: isFastResponse })
    expect(statusOf(report.answers[1])).toBe(201)
    expect(bodyOf(report.answers[1])).toBe('hello')
    expect(report.errors).toEqual([])
  })

  test('a rejection and an answer that is none are 500', async () => {
    const report = await run([get('/rejects'), get('/nonsense'), get('/')])
    expect(report.answers.map(statusOf)).toEqual([500, 500, 200])
    expect(report.errors).toEqual(['Error: the handler rejected', 'TypeError: the fetch handler answered with a string, not a Response'])
  })

  test('a body that breaks off cuts the connection and is reported', async () => {
    const report = await run([get('/breaks'), get('/')])
    expect(bodyOf(report.answers[0])).toMatch(/half/)
    expect(report.answers[0]).not.toMatch(/\r\n0\r\n\r\n$/)
    expect(statusOf(report.answers[1])).toBe(200)
    expect(report.errors).toEqual(['Error: the stream broke'])
  })

  test('the signal fires when the client goes, and that is no error of the app', async () => {
    const report = await run([{ ...get('/waits'), leaveAfterMs: 50 }, get('/')])
    expect(report.stdout).toBe('aborted\n')
    expect(statusOf(report.answers[1])).toBe(200)
    expect(report.errors).toEqual([])
  })

  test.each(['a b', 'a/b', 'a@b', 'a:x', '[::1', 'a..b'])('Host %s is a 400', async (host) => {
    const report = await run([{ text: `GET / HTTP/1.1\r\nHost: ${host}\r\n\r\n` }])
    expect(statusOf(report.answers[0])).toBe(400)
  })

  test.each(['localhost', '127.0.0.1:80', '[::1]:80', 'xn--a.example.', 'under_score', ''])('Host %s is fine', async (host) => {
    const report = await run([{ text: `GET / HTTP/1.1\r\nHost: ${host}\r\nConnection: close\r\n\r\n` }])
    expect(statusOf(report.answers[0])).toBe(200)
  })

  test('a target that is no URL is a 400, an absolute one is taken', async () => {
    const report = await run([
      { text: 'GET http://a.b/ HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n' },
      { text: 'GET http:// HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n' },
      { text: 'GET ftp://a/ HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n' },
    ])
    expect(report.answers.map(statusOf)).toEqual([200, 400, 400])
    expect(JSON.parse(bodyOf(report.answers[0])).host).toBe('a.b')
  })
})

test('a factory that was not called is explained at its first request', async () => {
  const report = await inFolder('./app.mjs:create', { 'app.mjs': `export const create = () => (q, s) => s.end()` })
  expect(statusOf(report.answers[0])).toBe(500)
  expect(report.errors).toEqual([
    'TypeError: the fetch handler answered with a function, not a Response; a factory is called in the spec, as in ./app.js:create()',
  ])
})

test('a Hono app is served by its own adapter where that is installed', async () => {
  const adapter = `export function getRequestListener(fetch, options) {
    return async (incoming, outgoing) => {
      const response = await fetch(new Request('http://x' + incoming.url), { incoming, outgoing })
      outgoing.end('adapter ' + options.overrideGlobalObjects + ' ' + ('_toNodeResponse' in Response.prototype) + ' ' + (await response.text()))
    }
  }`
  const files = {
    'app.mjs': `import { Hono } from 'hono'; export default new Hono().get('/', (context) => context.text('hono'))`,
    'node_modules/@hono/node-server/package.json': '{"exports": {".": {"require": "./no.cjs", "import": "./index.mjs"}}}',
    'node_modules/@hono/node-server/index.mjs': adapter,
  }
  const plain = await inFolder('./app.mjs', files)
  expect(plain).toMatchObject({ kind: 'hono' })
  expect(bodyOf(plain.answers[0])).toBe('adapter false false hono')
  const fast = await inFolder('./app.mjs', files, { isFastResponse: true })
  expect(bodyOf(fast.answers[0])).toBe('adapter true false hono')
})

test('a fast Response is a Response in every respect', async () => {
  const source = `const native = await fetch('data:text/plain,x')
    const made = new Response('x', { status: 201, headers: { a: 'b' } })
    const facts = [native instanceof Response, made instanceof Response, made.status, made.headers.get('a'), await made.clone().text(), Response.json({}).headers.get('content-type'), Response.error().type]
    export default () => Response.json(facts)`
  const report = await inFolder('./app.mjs', { 'app.mjs': source }, { isFastResponse: true })
  expect(JSON.parse(bodyOf(report.answers[0]))).toEqual([true, true, 201, 'b', 'x', 'application/json', 'error'])
})
