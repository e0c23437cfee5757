/** statsd: Gunicorn's names, exact sums, and nobody who waits for a packet. */
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { readdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, onTestFinished, test } from 'vitest'
import { ask } from '../support/client.ts'
import { type Running, start, testFolder } from '../support/harness.ts'
import { poll } from '../support/poll.ts'
import { saying } from '../support/programs.ts'
import { datagramListener, type Listener, udpListener } from '../support/remotes.ts'
import { isNodeAtLeast, lacksProgram } from '../support/system.ts'

const answering = `
export default (req, res) => {
  const [, what, more] = req.url.split('/')
  if (what === 'exit') process.exit(1)
  if (what === 'status') res.writeHead(Number(more)).end()
  else res.end('here')
}
`
const startAt = (port: number, ...more: string[]): Running =>
  start({ args: ['app.mjs', '-b', '127.0.0.1:0', '--statsd-host', `127.0.0.1:${port}`, ...more], files: { 'app.mjs': answering } })

const linesOf = ({ texts }: Listener) => texts.flatMap((packet) => packet.split('\n'))

/** What a counter has come to. */
function sumOf(listener: Listener, name: string): number {
  const start = `${name}:`
  return linesOf(listener)
    .filter((line) => line.startsWith(start) && line.includes('|c|'))
    .reduce((sum, line) => sum + Number(line.slice(start.length).split('|', 1)[0]), 0)
}

describe('requests', () => {
  test('are told in Gunicorn’s names, without an access log', async () => {
    const listener = await udpListener()
    const server = startAt(listener.port, '-w', '1')
    await server.ready()
    await ask({ port: server.port() })
    await ask({ port: server.port(), path: '/status/404' })
    await listener.until(() => sumOf(listener, 'gunicorn.request.status.404') === 1)
    expect(sumOf(listener, 'gunicorn.requests')).toBe(2)
    expect(sumOf(listener, 'gunicorn.request.status.200')).toBe(1)
    const durations = linesOf(listener).filter((line) => line.startsWith('gunicorn.request.duration:'))
    expect(durations).toHaveLength(2)
    for (const line of durations) expect(line).toMatch(/^gunicorn\.request\.duration:\d+(\.\d+)?\|ms$/)
  })

  test.each(['sync', 'gthread'])('are told by class %s too', async (workerClass) => {
    const listener = await udpListener()
    const server = startAt(listener.port, '-w', '1', '-k', workerClass)
    await server.ready()
    await ask({ port: server.port() })
    await listener.until(() => sumOf(listener, 'gunicorn.request.status.200') === 1)
  })

  test('are told to the last, whoever is recycled, reloaded, crashes or stops', async () => {
    const listener = await udpListener()
    const server = startAt(listener.port, '-w', '2', '--max-requests', '10')
    await server.ready()
    const port = server.port()
    const many = () => Promise.all(Array.from({ length: 20 }, () => ask({ port })))
    await many()
    await many()
    await ask({ port, path: '/exit' }).catch(() => undefined)
    await many()
    server.signal('SIGHUP')
    await server.until('reload.done')
    await many()
    await server.stop()
    await poll(() => sumOf(listener, 'gunicorn.request.status.200') >= 80)
    expect(sumOf(listener, 'gunicorn.request.status.200')).toBe(80)
    expect(Math.max(...listener.texts.map((packet) => Buffer.byteLength(packet)))).toBeLessThanOrEqual(1_432)
  })
})

describe('the server', () => {
  test('tells how many workers there are when that changes', async () => {
    const listener = await udpListener()
    const server = startAt(listener.port, '-w', '1')
    await listener.until((text) => text.includes('gunicorn.workers:1|g'))
    await server.ready()
    server.signal('SIGTTIN')
    await listener.until((text) => text.includes('gunicorn.workers:2|g'))
  })

  test('counts what it logs, by level', async () => {
    const listener = await udpListener()
    const server = startAt(listener.port, '-w', '1')
    await server.ready()
    process.kill(server.workers().get(0) ?? 0, 'SIGKILL')
    await listener.until(() => sumOf(listener, 'gunicorn.log.error') >= 1)
  })

  test('puts prefix and tags to all, and takes new ones with a reload', async () => {
    const listener = await udpListener()
    const config = (prefix: string) =>
      JSON.stringify({ statsdHost: `127.0.0.1:${listener.port}`, statsdPrefix: prefix, dogstatsdTags: 'env:test,a:b' })
    const server = start({
      args: ['app.mjs', '-b', '127.0.0.1:0', '-w', '1', '-c', 'monoceros.config.json'],
      files: { 'app.mjs': saying('here'), 'monoceros.config.json': config('one') },
    })
    await server.ready()
    await ask({ port: server.port() })
    await listener.until((text) => text.split('\n').includes('one.gunicorn.requests:1|c|@1.0|#env:test,a:b'))
    writeFileSync(join(server.folder, 'monoceros.config.json'), config('two.'))
    server.signal('SIGHUP')
    await server.until('reload.done')
    await ask({ port: server.port() })
    await listener.until((text) => text.split('\n').includes('two.gunicorn.requests:1|c|@1.0|#env:test,a:b'))
    await listener.until((text) => text.includes('two.gunicorn.workers:'))
  })

  test.skipIf(process.platform !== 'linux')('tells how many connections wait where that is asked for', async () => {
    const listener = await udpListener()
    startAt(listener.port, '-w', '1', '--enable-backlog-metric')
    await listener.until((text) => /(^|\n)gunicorn\.backlog:\d+\|h(\n|$)/.test(text))
  })

  test('serves on when the name of the host means nothing, and says so', async () => {
    const server = start({
      args: ['app.mjs', '-b', '127.0.0.1:0', '-w', '1', '--statsd-host', 'no-such-host.invalid'],
      files: { 'app.mjs': saying('here') },
    })
    await server.until('remote.failed', { what: 'statsd' })
    await server.ready()
    expect((await ask({ port: server.port() })).body).toBe('here')
  })
})

describe('a Unix datagram socket', () => {
  test.skipIf(lacksProgram('python3'))('is reached', async () => {
    const path = join(testFolder(), 'statsd.sock')
    const listener = await datagramListener(path)
    const server = start({
      args: ['app.mjs', '-b', '127.0.0.1:0', '-w', '1', '--statsd-host', `unix://${path}`],
      files: { 'app.mjs': saying('here') },
    })
    await server.ready()
    await ask({ port: server.port() })
    await listener.until((text) => text.includes('gunicorn.requests:1|c|@1.0'))
  })

  test.skipIf(isNodeAtLeast(26))('is refused at the start where nothing can reach it', async () => {
    const server = start({
      args: ['app.mjs', '-b', '127.0.0.1:0', '--statsd-host', 'unix:///run/statsd.sock'],
      files: { 'app.mjs': saying('here'), 'none.cjs': hidingKoffi },
      env: { NODE_OPTIONS: '--require ./none.cjs' },
    })
    expect((await server.exited).code).toBe(1)
    expect(server.stderr() + server.lines.map(({ msg }) => msg).join('\n')).toContain('koffi')
  })
})

/** As if it were not installed. */
const hidingKoffi = `
const Module = require('node:module')
const resolve = Module._resolveFilename
Module._resolveFilename = function (name, ...rest) {
  if (name === 'koffi') throw Object.assign(new Error('not installed'), { code: 'MODULE_NOT_FOUND' })
  return resolve.call(this, name, ...rest)
}
`

test.skipIf(lacksProgram('collectd'))('a daemon that speaks statsd sees the figures', async () => {
  const { port, close } = await udpListener()
  await close()
  const folder = testFolder()
  writeFileSync(join(folder, 'collectd.conf'), collectdConf(folder, port))
  const daemon = spawn('collectd', ['-f', '-C', join(folder, 'collectd.conf')], { stdio: 'ignore' })
  const ended = once(daemon, 'exit')
  onTestFinished(async () => {
    daemon.kill('SIGKILL')
    await ended
  })
  const server = startAt(port, '-w', '1')
  await server.ready()
  const wanted = [
    'derive-gunicorn.requests',
    'derive-gunicorn.request.status.200',
    'gauge-gunicorn.workers',
    'latency-gunicorn.request.duration-average',
  ]
  await poll(
    async () => {
      await ask({ port: server.port() })
      const seen = figuresIn(folder)
      return wanted.every((name) => seen.includes(name))
    },
    () => figuresIn(folder).join(' '),
  )
})

const collectdConf = (folder: string, port: number) => `
Interval 1
FQDNLookup false
Hostname "here"
BaseDir "${folder}"
PIDFile "${folder}/pid"
LoadPlugin statsd
LoadPlugin csv
<Plugin statsd>
  Host "127.0.0.1"
  Port "${port}"
</Plugin>
<Plugin csv>
  DataDir "${folder}/data"
</Plugin>
`

/** Names of the series that it has written: collectd puts the day behind them. */
function figuresIn(folder: string): string[] {
  try {
    return readdirSync(join(folder, 'data/here/statsd')).map((name) => name.replace(/-\d{4}-\d\d-\d\d$/, ''))
  } catch {
    return [] // not yet
  }
}
