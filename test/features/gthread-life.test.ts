/** Threads and their worker from start to end: growing, replacing, reloading, stopping, and what they tell of themselves. */
import { readFileSync, writeFileSync } from 'node:fs'
import http from 'node:http'
import { join } from 'node:path'
import { describe, expect, test } from 'vitest'
import { ask, begin } from '../support/client.ts'
import { type LogLine, type Running, start } from '../support/harness.ts'
import { startLoad } from '../support/load.ts'
import { poll } from '../support/poll.ts'
import { saying } from '../support/programs.ts'

const bind = ['-b', '127.0.0.1:0']
const asAsked = { code: 0, signal: null }
const put = (server: Running, file: string, text = '') => writeFileSync(join(server.folder, file), text)

async function ready(app: string, args: readonly string[], files: Readonly<Record<string, string>> = {}): Promise<Running> {
  const server = start({
    args: ['app.mjs', ...bind, '-k', 'gthread', '--log-level', 'debug', ...args],
    files: { 'app.mjs': app, ...files },
  })
  await server.ready()
  return server
}

/** `/block/f` blocks its thread, and `/wait/f` only awaits, until a file is there; each says that it has begun. */
const holding = `
import { existsSync, writeSync } from 'node:fs'
import { threadId } from 'node:worker_threads'
const word = new Int32Array(new SharedArrayBuffer(4))
const say = (event, facts) => writeSync(2, JSON.stringify({ event, ...facts }) + '\\n')
export default async (req, res) => {
  const [, what, file] = req.url.split('/')
  if (what === 'quick') return res.end(String(threadId))
  say('app.begun', { path: req.url })
  if (what === 'block') while (!existsSync(file)) Atomics.wait(word, 0, 0, 5)
  if (what === 'wait') while (!existsSync(file) && !res.destroyed) await new Promise((resolve) => setTimeout(resolve, 5))
  if (what === 'forever') for (;;) Atomics.wait(word, 0, 0, 1_000)
  res.end('held')
}
export const onShutdown = () => say('app.shutdown')
`

interface ThreadFact {
  readonly thread: number
  readonly isLeaving: boolean
  readonly inFlight: number
  readonly handled: number
  readonly utilization: number
  readonly heapBytes: number
}
const threadsOf = (line: LogLine) => line['threads'] as readonly ThreadFact[]

describe('replacement', () => {
  test('a thread that has served thread_max_requests is followed by one that is ready first, and no request fails', async () => {
    const server = await ready(saying('here'), ['--threads', '2', '--thread-max-requests', '50'])
    const load = startLoad({ port: server.port(), keepAlive: 4, fresh: 2 })
    await server.untilCount('thread.gone', 6)
    const { failures, answered } = await load.stop()
    expect(failures).toEqual([])
    expect(answered).toBeGreaterThan(6 * 50)
    // Whoever goes leaves two behind that are ready.
    let serving = 0
    const seen = server.lines.flatMap(({ event }) => {
      if (event === 'thread.ready') serving++
      else if (event === 'thread.retiring') serving--
      else return []
      return serving
    })
    expect(Math.min(...seen.slice(seen.indexOf(2)))).toBe(2)
    expect(server.all('thread.backoff')).toEqual([])
    expect(server.all('worker.recycle')).toEqual([])
    expect(await server.stop()).toEqual(asAsked)
  })

  test('max_requests replaces the worker with all its threads', async () => {
    const server = await ready(saying('here'), ['--threads', '2', '--max-requests', '60'])
    const load = startLoad({ port: server.port() })
    await server.untilCount('worker.gone', 2)
    expect((await load.stop()).failures).toEqual([])
    expect(server.all('worker.draining', { reason: 'recycle' }).length).toBeGreaterThanOrEqual(2)
    expect(server.all('thread.died')).toEqual([])
  })

  test('a thread whose heap nears its limit goes before it dies, and nobody notices', async () => {
    const app = `
      // From the start it has half of what it may have, so that it does not take long.
      const kept = Array.from({ length: 800 }, () => new Array(2_000).fill(1.5))
      export default (req, res) => {
        kept.push(new Array(3_000).fill(1.5))
        res.end('ok')
      }`
    const server = await ready(app, ['--threads', '1', '--thread-memory-limit', '32'])
    const load = startLoad({ port: server.port(), keepAlive: 1, fresh: 0 })
    await server.untilCount('thread.gone', 2)
    expect((await load.stop()).failures).toEqual([])
    expect(server.all('thread.recycle').length).toBeGreaterThanOrEqual(2)
    expect(server.all('thread.died')).toEqual([])
    expect(server.all('worker.died')).toEqual([])
  })

  test('a replacement that cannot load leaves the old thread in service, says so, and is not tried in a hot loop', async () => {
    const app = `
      import { existsSync } from 'node:fs'
      if (existsSync('broken')) throw new Error('cannot any more')
      ${saying('here')}`
    const server = await ready(app, ['--threads', '1', '--thread-max-requests', '5'])
    put(server, 'broken')
    const agent = new http.Agent({ keepAlive: true, maxSockets: 1 })
    for (let n = 0; n < 5; n++) await ask({ port: server.port(), agent })
    expect(await server.until('thread.cannot-boot')).toMatchObject({ level: 'error', code: 'MON_APP_IMPORT' })
    await server.until('thread.boot-failed')
    // Ten may follow at once, as everywhere; then they are spaced.
    await server.until('thread.backoff')
    expect((await ask({ port: server.port(), agent })).body).toBe('here')
    expect(server.all('thread.boot-failed').length).toBeLessThanOrEqual(13)
    expect(server.all('thread.retiring')).toEqual([])
    expect(server.workers().size).toBe(1)
    agent.destroy()
  })
})

describe('threads_min', () => {
  test('more threads are started under pressure, and closed when they have been idle', async () => {
    const server = await ready(holding, ['--threads', '4', '--threads-min', '1', '--thread-idle-timeout', '1'])
    const port = server.port()
    expect(server.all('thread.ready')).toHaveLength(1)
    const held = [1, 2, 3, 4].map(() => ask({ port, path: '/block/go' }))
    await server.untilCount('app.begun', 4)
    expect(server.all('thread.ready')).toHaveLength(4)
    const beyond = ask({ port, path: '/quick' })
    put(server, 'go')
    expect((await Promise.all([...held, beyond])).map(({ status }) => status)).toEqual(Array(5).fill(200))
    await server.untilCount('thread.gone', 3)
    expect((await ask({ port, path: '/quick' })).status).toBe(200)
    expect(server.all('thread.gone')).toHaveLength(3)
    expect(server.all('thread.ready')).toHaveLength(4)
    expect(server.all('thread.retiring').map(({ reason }) => reason)).toEqual(['idle', 'idle', 'idle'])
  })
})

describe('a reload', () => {
  test('under load loses nothing, and all threads serve the new app', async () => {
    const app = (word: string) => `
      import { threadId } from 'node:worker_threads'
      export default (req, res) => {
        const endMs = performance.now() + 2
        while (performance.now() < endMs);
        res.end('${word} ' + threadId)
      }`
    const server = await ready(app('old'), ['--threads', '3', '-w', '2'])
    const load = startLoad({ port: server.port(), keepAlive: 3, fresh: 3 })
    await load.more(30)
    put(server, 'app.mjs', app('new'))
    server.signal('SIGHUP')
    await server.until('reload.done')
    await server.untilCount('worker.gone', 2, { gen: 1 })
    await load.more(30)
    expect((await load.stop()).failures).toEqual([])
    const bodies = await Promise.all(Array.from({ length: 60 }, async () => (await ask({ port: server.port() })).body))
    expect(bodies.filter((body) => !body.startsWith('new '))).toEqual([])
    expect(server.all('thread.ready', { gen: 2 })).toHaveLength(6)
    expect(new Set(bodies).size).toBeGreaterThan(2)
  })

  test.each([
    ['that cannot be loaded', 'throw new Error("not today")'],
    ['whose onStartup throws', 'export default () => {}\nexport const onStartup = () => { throw new Error("no database") }'],
    [
      'that only a part of its threads can load',
      `import { existsSync, writeFileSync } from 'node:fs'
      import { threadId } from 'node:worker_threads'
      try { writeFileSync('first', '', { flag: 'wx' }) } catch { throw new Error('not twice') }
      export default (req, res) => res.end('new')`,
    ],
  ])('with an app %s is rolled back', async (_, app) => {
    const server = await ready(saying('old'), ['--threads', '2'])
    const workers = server.workers()
    const load = startLoad({ port: server.port() })
    put(server, 'app.mjs', app)
    server.signal('SIGHUP')
    await server.until('reload.rolled-back')
    await load.more(10)
    expect((await load.stop()).failures).toEqual([])
    expect(server.workers()).toEqual(workers)
    expect((await ask({ port: server.port() })).body).toBe('old')
  })
})

describe('the stop', () => {
  test.each(['block', 'wait'])('finishes a request that is running in a thread (%s)', async (how) => {
    const server = await ready(holding, ['--threads', '2'])
    const held = ask({ port: server.port(), path: `/${how}/go` })
    await server.until('app.begun')
    server.signal('SIGTERM')
    await server.until('worker.draining')
    put(server, 'go')
    expect(await held).toMatchObject({ status: 200, body: 'held', headers: { connection: 'close' } })
    expect(await server.exited).toEqual(asAsked)
    expect(server.all('app.shutdown')).toHaveLength(2)
    expect(await server.until('worker.drained')).toMatchObject({ cutRequests: 0 })
  })

  test.each(['forever', 'wait/never'])('cuts after graceful_timeout what is still running (%s), and ends', async (path) => {
    const server = await ready(holding, ['--threads', '2', '--graceful-timeout', '1'])
    const held = ask({ port: server.port(), path: `/${path}` })
    const cut = expect(held).rejects.toThrow()
    await server.until('app.begun')
    const startedMs = performance.now()
    expect(await server.stop()).toEqual(asAsked)
    await cut
    expect(performance.now() - startedMs).toBeGreaterThan(950)
    expect(performance.now() - startedMs).toBeLessThan(25_000)
    expect(await server.until('worker.drained')).toMatchObject({ cutRequests: 1 })
    expect(server.all('app.shutdown').length).toBeGreaterThan(0)
    expect(server.all('worker.died')).toEqual([])
  })

  test('is not delayed by idle connections that are kept alive', async () => {
    const server = await ready(saying('here'), ['--threads', '2'])
    const agent = new http.Agent({ keepAlive: true, maxSockets: 5 })
    await Promise.all(Array.from({ length: 5 }, () => ask({ port: server.port(), agent })))
    const startedMs = performance.now()
    expect(await server.stop()).toEqual(asAsked)
    // The patience of a drain is 2 s, keepalive 75 s.
    expect(performance.now() - startedMs).toBeLessThan(20_000)
    agent.destroy()
  })

  test('of the arbiter tells how many were served', async () => {
    const server = await ready(saying('here'), ['--threads', '3', '-w', '2'])
    for (let n = 0; n < 25; n++) await ask({ port: server.port() })
    expect(await server.stop()).toEqual(asAsked)
    expect(await server.until('arbiter.stopped')).toMatchObject({ served: 25 })
  })
})

describe('what is told of threads', () => {
  test('their counters add up to what was served, and the utilization of a busy one is high', async () => {
    const app = `
      export default (req, res) => {
        const endMs = performance.now() + (req.url === '/burn' ? 2_500 : 0)
        while (performance.now() < endMs);
        res.end('ok')
      }`
    const server = await ready(app, ['--threads', '3'])
    const port = server.port()
    for (let n = 0; n < 20; n++) await ask({ port })
    await Promise.all(Array.from({ length: 15 }, () => ask({ port })))
    const sumOf = (line: LogLine) => threadsOf(line).reduce((sum, { handled }) => sum + handled, 0)
    await server.until('worker.threads', (line) => sumOf(line) === 35)
    const burned = ask({ port, path: '/burn' })
    await server.until('worker.threads', (line) => threadsOf(line).filter(({ inFlight }) => inFlight === 1).length === 1)
    const line = await server.until('worker.threads', (one) =>
      threadsOf(one).some(({ inFlight, utilization }) => inFlight === 1 && utilization > 0.5),
    )
    expect(threadsOf(line).filter(({ utilization }) => utilization < 0.5)).toHaveLength(2)
    await burned
    const last = await server.until('worker.threads', (one) => sumOf(one) === 36)
    expect(
      threadsOf(last)
        .map(({ thread }) => thread)
        .toSorted(),
    ).toEqual([1, 2, 3])
    expect(last['waiting']).toBe(0)
  })

  const telling = `
    import { appendFileSync } from 'node:fs'
    const tell = (...facts) => appendFileSync('told.txt', JSON.stringify(facts) + '\\n')
    export default {
      preRequest: (worker, req) => tell('pre', worker.pid, req.method, req.url, req.headers['x-in'] ?? null),
      postRequest: (worker, req, res) =>
        tell('post', worker.pid, req.method, req.url, res.statusCode, res.getHeader('x-out') ?? null, res.getHeader('set-cookie') ?? null, res.getHeader('content-length') ?? null, res.writableFinished),
    }`
  const told = (server: Running): unknown[][] =>
    readFileSync(join(server.folder, 'told.txt'), 'utf8')
      .trim()
      .split('\n')
      .map((line) => JSON.parse(line))

  test.each(['async', 'gthread'])('hooks see the request and its response in class %s', async (workerClass) => {
    const app = `
      export default (req, res) => {
        res.setHeader('X-Out', 'went')
        res.setHeader('Set-Cookie', ['a=1', 'b=2'])
        res.statusCode = 201
        res.end('here')
      }`
    const args = workerClass === 'async' ? ['app.mjs', ...bind] : ['app.mjs', ...bind, '--threads', '2']
    const server = start({ args, files: { 'app.mjs': app, 'monoceros.config.mjs': telling } })
    await server.ready()
    const pid = server.workers().get(0)
    expect((await ask({ port: server.port(), path: '/a?b', method: 'PUT', headers: { 'x-in': 'came' }, body: 'x' })).status).toBe(201)
    const lines = await poll(() => (told(server).length === 2 ? told(server) : null))
    const length = lines[1]?.[7]
    expect(lines).toEqual([
      ['pre', pid, 'PUT', '/a?b', 'came'],
      ['post', pid, 'PUT', '/a?b', 201, 'went', ['a=1', 'b=2'], length, true],
    ])
  })

  const format =
    '%(h)s|%(r)s|%(m)s|%(U)s|%(q)s|%(H)s|%(s)s|%(B)s|%(b)s|%(f)s|%(a)s|%({X-In}i)s|%({x-out}o)s|%({content-type}o)s|%({set-cookie}o)s|%({content-length}o)s'
  const answering = `
    import { pipeline, Readable } from 'node:stream'
    export default async (req, res) => {
      res.setHeader('X-Out', 'went')
      switch (req.url.split('?')[0]) {
        case '/plain': return res.end('plain')
        case '/type':
          res.writeHead(404, { 'Content-Type': 'text/plain', 'Set-Cookie': ['a=1', 'b=2'] })
          return res.end('grüße')
        case '/stream':
          for (let n = 0; n < 5; n++) {
            res.write('x'.repeat(40_000))
            await new Promise((resolve) => setImmediate(resolve))
          }
          return res.end('end')
        case '/length':
          res.setHeader('content-length', 7)
          return res.end('1234567')
        case '/empty':
          res.statusCode = 204
          return res.end('never sent')
        case '/head': return res.end('never sent')
        case '/hints':
          res.writeEarlyHints({ link: '</a.css>; rel=preload' })
          return res.end('hinted')
        case '/upload':
          for await (const _ of req);
          return res.end('taken')
        case '/cut':
          res.write('half')
          return setTimeout(() => res.destroy(), 20)
      }
    }`
  async function accessLines(args: readonly string[]): Promise<string[]> {
    const server = start({
      args: ['app.mjs', ...bind, ...args, '--access-logfile', 'access.log', '--access-logformat', format],
      files: { 'app.mjs': answering },
    })
    await server.ready()
    const port = server.port()
    const headers = { referer: 'http://a/"', 'user-agent': 'test/1', 'x-in': 'came' }
    for (const path of ['/plain?a=1&b=2', '/type', '/stream', '/length', '/empty', '/hints']) await ask({ port, path, headers })
    await ask({ port, path: '/head', method: 'HEAD', headers })
    await ask({ port, path: '/upload', method: 'POST', headers, body: Buffer.alloc(300_000) })
    await expect(ask({ port, path: '/cut', headers })).rejects.toThrow()
    await server.stop()
    return readFileSync(join(server.folder, 'access.log'), 'utf8').trim().split('\n')
  }

  test('the access log has the same lines as in class async', async () => {
    const [one, other] = await Promise.all([accessLines([]), accessLines(['--threads', '2'])])
    expect(one).toHaveLength(9)
    expect(other).toEqual(one)
  })

  test('what was cut at the client’s wish is in the access log too', async () => {
    const server = await ready(holding, ['--threads', '1', '--access-logfile', 'access.log', '--access-logformat', '%(U)s %(s)s'])
    const held = await begin({ port: server.port(), path: '/quick' })
    await held.whole
    const request = http.get({ host: '127.0.0.1', port: server.port(), path: '/wait/never', agent: false })
    request.on('error', () => undefined) // we leave
    await server.until('app.begun')
    request.destroy()
    await server.stop()
    expect(readFileSync(join(server.folder, 'access.log'), 'utf8').trim().split('\n')).toEqual([
      '/quick 200',
      expect.stringMatching(/^\/wait\/never /),
    ])
  })
})
