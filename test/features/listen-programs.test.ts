/** Programs that call listen() themselves, as people write them for plain `node`, served without a change to them. */
import { existsSync, readFileSync, writeFileSync } from 'node:fs'
import type { AddressInfo } from 'node:net'
import { join } from 'node:path'
import { describe, expect, test } from 'vitest'
import { type Ask, ask, begin } from '../support/client.ts'
import { type Running, start } from '../support/harness.ts'
import { freePort, listening, patiently, portOf } from '../support/sockets.ts'

/** Answers what the program knows of itself; `isMain` is the text of the question as its kind of module asks it. */
const tells = (isMain: string, listen = "server.listen(process.env.PORT, '127.0.0.1')") => `
const facts = { argv: process.argv.slice(1), isMain: ${isMain} }
const server = http.createServer((req, res) => {
  res.end(JSON.stringify({ ...facts, pid: process.pid, address: server.address(), isListening: server.listening }))
})
if (facts.isMain) ${listen}
`
const asEsm = (text: string) => `import http from 'node:http'\n${text}`
// From Node 24.2 on a module can ask; before, nobody does.
const esm = (listen?: string) => asEsm(tells('import.meta.main ?? true', listen))

const programs = {
  'server.mjs': esm(),
  'server.cjs': `const http = require('node:http')\n${tells('require.main === module')}`,
  'server.ts': `import http from 'node:http'\nenum Mode { Main = 1 }\n${tells('(Mode.Main as number) === 1')}`,
  'mixed.ts': `import http from 'node:http'\n${tells('require.main === module')}\nmodule.exports = {}`,
  // Transformed TypeScript is kept beside the packages.
  'node_modules/.keep': '',
}

interface Told {
  readonly argv: readonly string[]
  readonly isMain: boolean
  readonly pid: number
  readonly address: AddressInfo | string
  readonly isListening: boolean
}

const told = async (options: Ask): Promise<Told> => JSON.parse((await ask(options)).body)

/** Asks on new connections, a few at a time, until `count` processes have answered. */
async function pidsAt(options: Ask, count: number): Promise<number[]> {
  const pids = new Set<number>()
  for (let round = 0; round < 500 && pids.size < count; round++) {
    const answers = await Promise.all([1, 2, 3, 4].map(() => patiently(() => told(options))))
    for (const { pid } of answers) pids.add(pid)
  }
  return [...pids].sort()
}

const sorted = (pids: Iterable<number>) => [...pids].sort()

describe('a program that listens', () => {
  test.each(Object.keys(programs).filter((name) => !name.includes('/')))(
    '%s is bound where it asks, for all workers at once',
    async (name) => {
      const port = await freePort()
      const server = start({ args: [name, '-w', '2'], files: programs, env: { PORT: String(port) } })
      await server.ready()
      expect(server.all('listener.bound').map((line) => line['address'])).toEqual([`127.0.0.1:${port}`])
      expect(server.all('config.bind-wins')).toEqual([])
      expect(await told({ port })).toMatchObject({
        argv: [join(server.folder, name)],
        isMain: true,
        address: { address: '127.0.0.1', port, family: 'IPv4' },
        isListening: true,
      })
      expect(await pidsAt({ port }, 2)).toEqual(sorted(server.workers().values()))
    },
  )

  test('on port 0 gets the same port in every worker, and keeps it over a reload', async () => {
    const server = start({ args: ['server.mjs', '-w', '2'], files: programs, env: { PORT: '0' } })
    await server.ready()
    const port = server.port()
    const before = sorted(server.workers().values())
    expect(await pidsAt({ port }, 2)).toEqual(before)
    expect((await told({ port })).address).toMatchObject({ port })
    server.signal('SIGHUP')
    await server.until('reload.done')
    await server.untilCount('worker.gone', 2)
    const after = await pidsAt({ port }, 2)
    expect(after).toEqual(sorted(server.workers().values()))
    expect(after).not.toEqual(before)
    expect(server.all('listener.bound')).toHaveLength(1)
  })

  test('elsewhere after a reload leaves its old address when its old workers are gone', async () => {
    const [before, after] = [await freePort(), await freePort()]
    const text = `import { readFileSync } from 'node:fs'\n${esm(`server.listen(readFileSync('port', 'utf8'), '127.0.0.1')`)}`
    const server = start({ args: ['app.mjs', '-w', '2'], files: { 'app.mjs': text, port: String(before) } })
    await server.ready()
    expect((await ask({ port: before })).status).toBe(200)
    writeFileSync(join(server.folder, 'port'), String(after))
    server.signal('SIGHUP')
    await server.until('reload.done')
    expect(await pidsAt({ port: after }, 2)).toEqual(sorted(server.workers().values()))
    await server.until('listener.closed', { address: `127.0.0.1:${before}` })
    await expect(ask({ port: before })).rejects.toMatchObject({ code: 'ECONNREFUSED' })
  })

  test('on a unix socket is bound at that path, for all workers', async () => {
    const server = start({ args: ['app.mjs', '-w', '2'], files: { 'app.mjs': esm(`server.listen('app.sock')`) } })
    await server.ready()
    const socketPath = join(server.folder, 'app.sock')
    expect(await pidsAt({ socketPath }, 2)).toEqual(sorted(server.workers().values()))
    expect((await told({ socketPath })).address).toBe('app.sock')
    await server.stop()
    expect(existsSync(socketPath)).toBe(false)
  })

  test('late, after a timer or an await, is ready when it listens', async () => {
    const awaits = `await new Promise((resolve) => setTimeout(resolve, 50))\n`
    const inTimer = esm(`setTimeout(() => server.listen(process.env.PORT, '127.0.0.1'), 50)`)
    for (const text of [asEsm(awaits) + tells('true'), inTimer]) {
      const server = start({ args: ['app.mjs'], files: { 'app.mjs': text }, env: { PORT: '0' } })
      await server.ready()
      expect((await told({ port: server.port() })).isListening).toBe(true)
    }
  })

  test('shares its further servers too, and the first alone obeys bind', async () => {
    const text = esm(`{
  server.listen(1, '127.0.0.1')
  http.createServer((req, res) => res.end(JSON.stringify({ pid: process.pid, metrics: true }))).listen(process.env.METRICS, '127.0.0.1')
}`)
    const metrics = await freePort()
    const server = start({
      args: ['app.mjs', '-w', '2', '-b', '127.0.0.1:0'],
      files: { 'app.mjs': text },
      env: { METRICS: String(metrics) },
    })
    await server.ready()
    await server.until('listener.bound', { address: `127.0.0.1:${metrics}` })
    const pids = sorted(server.workers().values())
    const { address } = await told({ port: server.port() })
    expect(address).toMatchObject({ address: '127.0.0.1', port: server.port() })
    expect(await pidsAt({ port: server.port() }, 2)).toEqual(pids)
    expect(await pidsAt({ port: metrics }, 2)).toEqual(pids)
    expect(JSON.parse((await ask({ port: metrics })).body)).toMatchObject({ metrics: true })
    await server.until('config.bind-wins')
    expect(server.all('config.bind-wins')).toMatchObject([{ asked: '127.0.0.1:1', bind: `127.0.0.1:${server.port()}` }])
    expect(server.all('listener.bound')).toHaveLength(2)
  })

  test('and exports a handler as well is served by what happens first', async () => {
    const both = (word: string, listen: string) =>
      asEsm(
        `export default (req, res) => res.end('exported')\nconst listening = http.createServer((req, res) => res.end('${word}'))\n${listen}`,
      )
    const files = {
      'first.mjs': both('listening', `listening.listen(1, '127.0.0.1')`),
      'later.mjs': both('later', `setTimeout(() => listening.listen(0, '127.0.0.1'), 500)`),
    }
    const first = start({ args: ['first.mjs', '-b', '127.0.0.1:0'], files })
    await first.ready()
    expect((await ask({ port: first.port() })).body).toBe('listening')
    const later = start({ args: ['later.mjs', '-b', '127.0.0.1:0'], files })
    await later.ready()
    expect((await ask({ port: later.port() })).body).toBe('exported')
    await later.until('listener.bound', ({ address }) => address !== `127.0.0.1:${later.port()}`)
    const answer = await patiently(() => ask({ port: later.port(1) }))
    expect(answer.body).toBe('later')
  })
})

describe('a program as it sees its server', () => {
  const view = (server: string) => `({ listening: ${server}.listening, address: ${server}.address() })`

  test('finds it listening in its callback, counts its connections, and closes it', async () => {
    const text = asEsm(`
const seen = {}
const side = http.createServer((req, res) => res.end())
const server = http.createServer((req, res) => {
  if (req.url !== '/close') return server.getConnections((error, connections) => res.end(JSON.stringify({ ...seen, connections })))
  side.close((error) => res.end(JSON.stringify({ error: error ?? null, ...${view('side')} })))
})
server.on('listening', () => (seen.event = ${view('server')}))
server.listen(0, '127.0.0.1', () => (seen.callback = ${view('server')}))
try { server.listen(0) } catch (error) { seen.twice = error.code }
side.listen(0, '127.0.0.1')
`)
    const server = start({ args: ['app.mjs'], files: { 'app.mjs': text } })
    await server.ready()
    await server.untilCount('listener.bound', 2)
    const [port, side] = [server.port(0), server.port(1)]
    const listening = { listening: true, address: { address: '127.0.0.1', port, family: 'IPv4' } }
    const seen = JSON.parse((await ask({ port })).body)
    expect(seen).toEqual({ event: listening, callback: listening, twice: 'ERR_SERVER_ALREADY_LISTEN', connections: 1 })
    expect((await ask({ port: side })).status).toBe(200)
    const closed = JSON.parse((await ask({ port, path: '/close' })).body)
    expect(closed).toEqual({ error: null, listening: false, address: null })
  })

  test('that closes its only server has come to its end, and its slot gets a new worker', async () => {
    const text = esm(`{ server.listen(0, '127.0.0.1'); server.on('request', (req) => req.url === '/close' && server.close()) }`)
    const server = start({ args: ['app.mjs'], files: { 'app.mjs': text } })
    await server.ready()
    const { pid } = await told({ port: server.port(), path: '/close' })
    const after = server.lines.findIndex((line) => line.event === 'worker.died')
    await server.until('worker.died', { childPid: pid })
    await server.until('worker.ready', ({ childPid }) => childPid !== pid, { after })
    expect((await told({ port: server.port() })).pid).not.toBe(pid)
  })
})

describe('a program that does not listen', () => {
  test('and tells its parent that it is ready, as for PM2, is ready', async () => {
    const text = `import { existsSync, writeFileSync } from 'node:fs'
process.on('SIGTERM', () => { writeFileSync('ended', ''); process.exit() })
setInterval(() => {}, 1_000)
setTimeout(() => process.send('ready'), 50)`
    const server = start({ args: ['app.mjs', '-w', '2'], files: { 'app.mjs': text } })
    await server.ready()
    expect(server.workers().size).toBe(2)
    expect(server.all('listener.bound')).toEqual([])
    expect(await server.stop()).toEqual({ code: 0, signal: null })
    expect(existsSync(join(server.folder, 'ended'))).toBe(true)
  })

  test.each([
    ['comes to its end', 'console.log(1)'],
    ['awaits what never comes', 'await new Promise(() => {})'],
    ['stays alive', 'setInterval(() => {}, 1_000)'],
  ])('but %s ends the server with exit 4', async (_, text) => {
    const server = start({ args: ['app.mjs', '-w', '2', '--boot-timeout', '3'], files: { 'app.mjs': text } })
    expect(await server.exited).toEqual({ code: 4, signal: null })
    expect(server.all('arbiter.failed')).toHaveLength(1)
  })
})

describe('a port that somebody else has', () => {
  test('ends the server with exit 1 after five tries, and names the holder', async () => {
    const port = portOf(await listening())
    const server = start({ args: ['server.mjs', '-w', '2'], files: programs, env: { PORT: String(port) } })
    expect(await server.exited).toEqual({ code: 1, signal: null })
    expect(server.all('listener.waiting').map((line) => line['tries'])).toEqual([1, 2, 3, 4])
    expect(server.all('arbiter.failed')[0]?.['problem']).toContain(`(pid ${process.pid})`)
  })

  test('is an error event to a program that wants a second server there, and it can go on without', async () => {
    const text = esm(`{
  server.listen(0, '127.0.0.1')
  http.createServer().on('error', ({ code, syscall }) => (facts.error = { code, syscall })).listen(process.env.TAKEN, '127.0.0.1')
}`)
    const files = { 'app.mjs': text, 'monoceros.config.mjs': 'export default {}' }
    const server = start({ args: ['app.mjs'], files, env: { TAKEN: String(portOf(await listening())) } })
    await server.ready()
    await server.untilCount('listener.waiting', 4)
    let facts: Partial<Told & { error: unknown }> = {}
    while (facts.error === undefined) facts = await told({ port: server.port() })
    expect(facts.error).toEqual({ code: 'EADDRINUSE', syscall: 'listen' })
    expect(server.workers().size).toBe(1)
  })
})

describe('a program that exits at SIGTERM', () => {
  const text = asEsm(`
import { existsSync, writeFileSync } from 'node:fs'
const server = http.createServer((req, res) => {
  res.flushHeaders()
  const look = () => (existsSync('go') ? res.end('whole') : setTimeout(look, 10))
  look()
})
server.listen(0, '127.0.0.1')
for (const signal of ['SIGTERM', 'SIGINT']) process.on(signal, () => {
  writeFileSync('handler-' + process.pid, signal)
  process.exit()
})
`)

  const ways: readonly [string, (server: Running) => void][] = [
    ['TERM', (server) => server.signal('SIGTERM')],
    ['HUP', (server) => server.signal('SIGHUP')],
    // A service manager signals every process of its group.
    ['TERM to every process', (server) => server.family().forEach((pid) => void process.kill(pid, 'SIGTERM'))],
  ]
  test.each(ways)('finishes its requests first, at %s', async (_, act) => {
    const server = start({ args: ['app.mjs'], files: { 'app.mjs': text } })
    await server.ready()
    const [pid] = server.workers().values()
    const { whole } = await begin({ port: server.port() })
    act(server)
    await server.until('worker.draining', { childPid: pid })
    writeFileSync(join(server.folder, 'go'), '')
    expect((await whole).body).toBe('whole')
    await server.until('worker.gone', { childPid: pid })
    expect(server.all('worker.died')).toEqual([])
    expect(readFileSync(join(server.folder, `handler-${pid}`), 'utf8')).toBe('SIGTERM')
  })
})
