/** What Prometheus scrapes and what probes are told: exact whatever becomes of workers, and never held up by one. */
import { spawnSync } from 'node:child_process'
import { once } from 'node:events'
import { rmSync, writeFileSync } from 'node:fs'
import { connect as connectHttp2 } from 'node:http2'
import { connect, type Socket } from 'node:net'
import { join } from 'node:path'
import { pathToFileURL } from 'node:url'
import { describe, expect, onTestFinished, test } from 'vitest'
import { ask, begin } from '../support/client.ts'
import { startDirty } from '../support/dirty.ts'
import { type Running, root, start } from '../support/harness.ts'
import { metricsArgs, metricsPort, scrape, scrapeUntil } from '../support/metrics.ts'
import { holding, importingAfter, saying } from '../support/programs.ts'
import { lacksProgram } from '../support/system.ts'

const args = (...more: string[]) => ['app.mjs', '-b', '127.0.0.1:0', ...metricsArgs, ...more]
const put = (server: Running, file: string) => writeFileSync(join(server.folder, file), '')

const answering = `
export default (req, res) => {
  const [, what, more] = req.url.split('/')
  if (what === 'exit') process.exit(1)
  if (what === 'throw') setImmediate(() => { throw new Error('as asked') })
  else if (what === 'status') res.writeHead(Number(more)).end()
  else if (what === 'slow') setTimeout(() => res.end('slow'), Number(more))
  else if (what === 'cut') { res.write('begun'); setTimeout(() => res.destroy(), 20) }
  else res.end('here')
}
`
const times = (count: number, port: number, path = '/') => Promise.all(Array.from({ length: count }, () => ask({ port, path })))

describe('requests', () => {
  test('are counted by class and status, and told as Prometheus wants them', async () => {
    const server = start({ args: args('-w', '2'), files: { 'app.mjs': answering } })
    await server.ready()
    const port = server.port()
    await times(7, port)
    for (const status of [201, 404, 404, 503]) await ask({ port, path: `/status/${status}` })
    await ask({ port, path: '/slow/60' })
    await ask({ port, path: '/cut' }).catch(() => undefined)
    const metrics = await scrapeUntil(server, ({ value }) => value('monoceros_requests_total') === 13)
    expect(metrics.value('monoceros_requests_total', { class: '4xx', status: 404 })).toBe(2)
    expect(metrics.value('monoceros_requests_total', { class: '2xx', status: 200 })).toBe(9)
    expect(metrics.value('monoceros_requests_aborted_total')).toBe(1)
    expect(metrics.value('monoceros_request_duration_seconds_count')).toBe(13)
    expect(metrics.value('monoceros_request_duration_seconds_bucket', { class: '2xx', le: '+Inf' })).toBe(10)
    expect(metrics.value('monoceros_request_duration_seconds_sum', { class: '2xx' })).toBeGreaterThanOrEqual(0.06)
    expect(metrics.value('monoceros_workers', { state: 'ready' })).toBe(2)
    expect(metrics.value('monoceros_process_resident_memory_bytes', { role: 'worker' })).toBeGreaterThan(2e7)
    if (!lacksProgram('promtool')) expect(promtool(metrics.text)).toEqual({ status: 0, said: '' })
  })

  test.each(['async', 'sync', 'gthread'])('are counted by workers of class %s', async (workerClass) => {
    const server = start({ args: args('-w', '1', '-k', workerClass), files: { 'app.mjs': answering } })
    await server.ready()
    await times(20, server.port())
    await ask({ port: server.port(), path: '/status/418' })
    const metrics = await scrapeUntil(server, ({ value }) => value('monoceros_request_duration_seconds_count') === 21)
    expect(metrics.value('monoceros_requests_total', { status: 418 })).toBe(1)
    expect(metrics.value('monoceros_info', { worker_class: workerClass })).toBe(1)
  })

  test('are counted by HTTP/2, with and without a handler for requests', async () => {
    const app = `
import { createServer } from 'node:http2'
const server = createServer()
if (process.env.WAY === 'stream') server.on('stream', (stream) => stream.respond({ ':status': 202 }, { endStream: true }))
else server.on('request', (req, res) => res.writeHead(202).end())
export default server
`
    for (const way of ['request', 'stream']) {
      const server = start({ args: args('-w', '1'), files: { 'app.mjs': app }, env: { WAY: way } })
      await server.ready()
      const session = connectHttp2(`http://127.0.0.1:${server.port()}`)
      for (let request = 0; request < 5; request++) await once(session.request({ ':path': '/' }).resume(), 'close')
      session.destroy()
      const metrics = await scrapeUntil(server, ({ value }) => value('monoceros_requests_total', { status: 202 }) === 5)
      expect(metrics.value('monoceros_request_duration_seconds_count', { class: '2xx' })).toBe(5)
    }
  })
})

describe('counters', () => {
  test('are exact when workers are recycled, end themselves, throw or are reloaded', async () => {
    const server = start({ args: args('-w', '2', '--max-requests', '9'), files: { 'app.mjs': answering } })
    await server.ready()
    const port = server.port()
    let answered = 0
    for (let round = 0; round < 6; round++) answered += (await times(10, port)).length
    for (const path of ['/exit', '/throw']) {
      await ask({ port, path }).catch(() => undefined)
      answered += (await times(10, port)).length
    }
    server.signal('SIGHUP')
    await server.until('reload.done')
    answered += (await times(10, port)).length
    const metrics = await scrapeUntil(server, ({ value }) => value('monoceros_requests_total', { status: 200 }) >= answered)
    expect(metrics.value('monoceros_requests_total', { status: 200 })).toBe(answered)
    expect(metrics.value('monoceros_request_duration_seconds_count', { class: '2xx' })).toBe(answered)
    expect(metrics.value('monoceros_reloads_total')).toBe(1)
    expect(metrics.value('monoceros_workers_ended_total')).toBeGreaterThanOrEqual(4)
  })

  test('keep what a killed worker had told', async () => {
    const server = start({ args: args('-w', '1'), files: { 'app.mjs': answering } })
    await server.ready()
    await times(12, server.port())
    await scrapeUntil(server, ({ value }) => value('monoceros_requests_total') === 12)
    process.kill(server.workers().get(0) ?? 0, 'SIGKILL')
    await server.until('worker.ready', { age: 2 })
    const metrics = await scrape(server)
    expect(metrics.value('monoceros_requests_total')).toBe(12)
    expect(metrics.value('monoceros_requests_in_flight')).toBe(0)
  })
})

describe('/ready', () => {
  const probe = async (server: Running, path = '/ready') => {
    const { status, body } = await ask({ port: await metricsPort(server), path })
    return { status, ...(JSON.parse(body) as Record<string, unknown>) }
  }

  test('says no until a worker is ready, and /live says yes all the time', async () => {
    const server = start({ args: args('-w', '2'), files: { 'app.mjs': importingAfter('go') } })
    await server.until('worker.booting')
    expect(await probe(server)).toMatchObject({ status: 'booting', ready: 0 })
    expect((await ask({ port: await metricsPort(server), path: '/ready' })).status).toBe(503)
    expect((await ask({ port: await metricsPort(server), path: '/live' })).status).toBe(200)
    put(server, 'go')
    await server.ready()
    expect((await ask({ port: await metricsPort(server), path: '/ready' })).status).toBe(200)
  })

  test('says no once the server was told to stop, while what is under way is finished', async () => {
    const server = start({ args: args('-w', '1'), files: { 'app.mjs': holding } })
    await server.ready()
    const held = await begin({ port: server.port(), path: '/hold/end' })
    server.signal('SIGTERM')
    await server.until('worker.draining')
    expect((await ask({ port: await metricsPort(server), path: '/ready' })).status).toBe(503)
    expect(await probe(server)).toMatchObject({ status: 'stopping' })
    put(server, 'end')
    expect((await held.whole).body).toBe('held')
  })

  test('asks for min_ready workers, but for no more than are wanted', async () => {
    const server = start({ args: args('-w', '3', '--min-ready', '2'), files: { 'app.mjs': importingAfter('go') } })
    put(server, 'go')
    await server.ready()
    await server.untilCount('worker.ready', 3)
    expect(await probe(server)).toMatchObject({ status: 'ready', ready: 3, needed: 2, wanted: 3 })
    rmSync(join(server.folder, 'go'))
    const [one = 0, two = 0] = server.workers().values()
    process.kill(one, 'SIGKILL')
    await server.until('worker.died', { childPid: one })
    expect(await probe(server)).toMatchObject({ status: 'ready', ready: 2 })
    process.kill(two, 'SIGKILL')
    await server.until('worker.died', { childPid: two })
    expect(await probe(server)).toMatchObject({ status: 'too-few-workers', ready: 1 })
    put(server, 'go')
    await server.untilCount('worker.ready', 5)
    for (const to of [2, 1]) {
      server.signal('SIGTTOU')
      await server.until('arbiter.scaled', { to })
    }
    expect(await probe(server)).toMatchObject({ status: 'ready', needed: 1, wanted: 1 })
  })

  test('shows a crash loop, which /live does not answer with a restart of everything', async () => {
    const app = `import { existsSync } from 'node:fs'\nif (existsSync('bad')) process.exit(1)\n${saying('here')}`
    const server = start({ args: args('-w', '4'), files: { 'app.mjs': app } })
    await server.ready()
    put(server, 'bad')
    for (const pid of server.workers().values()) process.kill(pid, 'SIGKILL')
    await server.until('worker.backoff')
    expect(await probe(server)).toMatchObject({ status: 'too-few-workers', isCrashing: true, ready: 0 })
    expect(await probe(server, '/live')).toMatchObject({ status: 'live', isCrashing: true })
    const metrics = await scrape(server)
    expect(metrics.value('monoceros_crash_loop')).toBe(1)
    expect(metrics.value('monoceros_workers_ended_total')).toBeGreaterThanOrEqual(10)
    expect(metrics.value('monoceros_ready')).toBe(0)
  })
})

describe('what the app counts itself', () => {
  const counting = `
import client from ${JSON.stringify(pathToFileURL(join(root, 'node_modules/prom-client/index.js')).href)}
const hits = new client.Counter({ name: 'app_hits_total', help: 'Hits.' })
const took = new client.Histogram({ name: 'app_took_seconds', help: 'Took.', buckets: [0.1] })
new client.Gauge({ name: 'app_processes', help: 'Processes.', collect() { this.set(1) } })
export default (req, res) => {
  hits.inc()
  took.observe(0.05)
  if (req.url === '/block') for (const end = Date.now() + 4_000; Date.now() < end; );
  res.end(String(process.pid))
}
`
  test.each(['async', 'gthread'])('with prom-client is made one over all workers of class %s', async (workerClass) => {
    const server = start({
      args: args('-w', '2', '-k', workerClass, '--threads', workerClass === 'gthread' ? '2' : '1'),
      files: { 'app.mjs': counting },
    })
    await server.ready()
    await times(30, server.port())
    const metrics = await scrape(server)
    expect(metrics.value('app_hits_total')).toBe(30)
    expect(metrics.value('app_took_seconds_bucket', { le: '0.1' })).toBe(30)
    expect(metrics.value('app_processes')).toBe(workerClass === 'async' ? 2 : 4)
    if (!lacksProgram('promtool')) expect(promtool(metrics.text)).toEqual({ status: 0, said: '' })
  })

  test('does not fall when a worker is followed by another', async () => {
    const server = start({ args: args('-w', '2'), files: { 'app.mjs': counting } })
    await server.ready()
    await times(20, server.port())
    expect((await scrape(server)).value('app_hits_total')).toBe(20)
    server.signal('SIGHUP')
    await server.until('reload.done')
    await server.untilCount('worker.gone', 2)
    await times(5, server.port())
    const metrics = await scrape(server)
    expect(metrics.value('app_hits_total')).toBe(25)
    expect(metrics.value('app_processes')).toBe(2)
  })

  test('stands as it was in a worker whose loop is blocked or that stands still, and no scrape waits for it', async () => {
    const server = start({ args: args('-w', '2', '--timeout', '0'), files: { 'app.mjs': counting } })
    await server.ready()
    await times(20, server.port())
    expect((await scrape(server)).value('app_hits_total')).toBe(20)
    const blocked = ask({ port: server.port(), path: '/block' }).catch(() => undefined)
    await scrapeUntil(server, ({ value }) => value('monoceros_requests_in_flight') === 1)
    const stopped = server.workers().get(0) ?? 0
    process.kill(stopped, 'SIGSTOP')
    onTestFinished(() => void process.kill(stopped, 'SIGCONT'))
    const startedMs = performance.now()
    const metrics = await scrape(server)
    // Half a second is what it may take; the rest is this machine's.
    expect(performance.now() - startedMs).toBeLessThan(2_500)
    expect(metrics.value('app_hits_total')).toBeGreaterThanOrEqual(20)
    process.kill(stopped, 'SIGCONT')
    await blocked
  })
})

describe('queues', () => {
  test('of threads are told with how long requests waited', async () => {
    const server = start({ args: args('-w', '1', '-k', 'gthread', '--threads', '1'), files: { 'app.mjs': answering } })
    await server.ready()
    await times(6, server.port(), '/slow/40')
    const metrics = await scrapeUntil(server, ({ value }) => value('monoceros_requests_total') === 6)
    expect(metrics.value('monoceros_thread_wait_seconds_count')).toBeGreaterThanOrEqual(4)
    expect(metrics.value('monoceros_thread_wait_seconds_sum')).toBeGreaterThan(0.1)
    await scrapeUntil(server, ({ value }) => value('monoceros_threads') === 1)
  })

  test('of dirty calls are told, and calls are counted, through a death of the dirty arbiter too', async () => {
    const app = `
import { dirty } from 'monoceros/dirty'
export default async (req, res) => res.end(String(await dirty('jobs').wait()))
`
    const jobs = `
import { existsSync } from 'node:fs'
import { DirtyApp } from 'monoceros/dirty'
export class Jobs extends DirtyApp {
  async wait() {
    while (!existsSync('go')) await new Promise((resolve) => setTimeout(resolve, 10))
    return 'done'
  }
}
`
    const server = startDirty({
      args: [...metricsArgs, '--dirty-app', './jobs.mjs:Jobs', '--dirty-workers', '1'],
      files: { 'app.mjs': app, 'jobs.mjs': jobs },
    })
    await server.ready()
    const waiting = Array.from({ length: 3 }, () => ask({ port: server.port() }))
    const busy = await scrapeUntil(server, ({ value }) => value('monoceros_dirty_calls_queued', { app: 'jobs' }) === 2)
    expect(busy.value('monoceros_dirty_places_taken', { app: 'jobs' })).toBe(1)
    writeFileSync(join(server.folder, 'go'), '')
    expect((await Promise.all(waiting)).map(({ status }) => status)).toEqual([200, 200, 200])
    const told = await scrapeUntil(server, ({ value }) => value('monoceros_dirty_calls_total') === 3)
    expect(told.value('monoceros_dirty_workers', { state: 'ready' })).toBe(1)
    const waits = await scrapeUntil(server, ({ value }) => value('monoceros_dirty_wait_seconds_count', { app: 'jobs' }) === 2)
    expect(waits.value('monoceros_dirty_wait_seconds_sum', { app: 'jobs' })).toBeGreaterThan(0)
    const { childPid } = await server.until('dirty.booting')
    process.kill(Number(childPid), 'SIGKILL')
    await server.untilCount('dirty.ready', 2)
    expect((await ask({ port: server.port() })).status).toBe(200)
    await scrapeUntil(server, ({ value }) => value('monoceros_dirty_calls_total') === 4)
  })

  test.skipIf(process.platform !== 'linux')('of connections that nobody accepts are told where that is asked for', async () => {
    const server = start({ args: args('-w', '1', '--timeout', '0', '--enable-backlog-metric'), files: { 'app.mjs': answering } })
    await server.ready()
    const address = `127.0.0.1:${server.port()}`
    expect((await scrape(server)).text).toContain(`monoceros_backlog_connections{address="${address}"} 0`)
    const pid = server.workers().get(0) ?? 0
    process.kill(pid, 'SIGSTOP')
    const sockets = Array.from({ length: 5 }, () => connect(server.port(), '127.0.0.1'))
    await Promise.all(sockets.map((socket) => once(socket, 'connect')))
    await scrapeUntil(server, ({ value }) => value('monoceros_backlog_connections') === 5)
    for (const socket of sockets) socket.destroy()
    process.kill(pid, 'SIGCONT')
  })
})

describe('the address of metrics', () => {
  test('that is in use keeps the server from starting, and says so', async () => {
    const first = start({ args: args('-w', '1'), files: { 'app.mjs': saying('here') } })
    await first.ready()
    const port = await metricsPort(first)
    const second = start({
      args: ['app.mjs', '-b', '127.0.0.1:0', '--metrics-bind', `127.0.0.1:${port}`],
      files: { 'app.mjs': saying('here') },
    })
    expect(await second.exited).toEqual({ code: 1, signal: null })
    expect(String(second.all('arbiter.failed')[0]?.['problem'])).toContain('EADDRINUSE')
  })

  test('holds no client up for others that never read', async () => {
    const server = start({ args: args('-w', '1'), files: { 'app.mjs': saying('here') } })
    await server.ready()
    const port = await metricsPort(server)
    const sockets = await Promise.all(Array.from({ length: 40 }, () => pipelining(port)))
    for (let round = 0; round < 5; round++) expect((await scrape(server)).value('monoceros_workers_wanted')).toBe(1)
    expect((await ask({ port: server.port() })).body).toBe('here')
    for (const socket of sockets) socket.destroy()
  })
})

/** Asks again and again, and reads nothing. */
async function pipelining(port: number): Promise<Socket> {
  const socket = connect(port, '127.0.0.1').pause()
  socket.on('error', () => undefined)
  await once(socket, 'connect')
  socket.write('GET /metrics HTTP/1.1\r\nHost: localhost\r\n\r\n'.repeat(50))
  return socket
}

function promtool(text: string): { status: number | null; said: string } {
  const { status, stdout, stderr } = spawnSync('promtool', ['check', 'metrics'], { input: text, encoding: 'utf8' })
  return { status, said: stdout + stderr }
}
