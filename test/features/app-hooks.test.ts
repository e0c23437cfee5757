/** onStartup and onShutdown, exported by an app: the first gates readiness, the second comes after the last answer. */
import { existsSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, test } from 'vitest'
import { ask, type Begun, begin } from '../support/client.ts'
import { type Running, root, start } from '../support/harness.ts'
import { holding } from '../support/programs.ts'

const bind = ['-b', '127.0.0.1:0']
const asAsked = { code: 0, signal: null }
const put = (server: Running, file: string, text = '') => writeFileSync(join(server.folder, file), text)
const lines = (server: Running, file: string) => readFileSync(join(server.folder, file), 'utf8').trim().split('\n')

/** Writes down, in one file for all processes, what happens in which order. */
const tell = `
import { appendFileSync, existsSync as isThere } from 'node:fs'
const tell = (what) => appendFileSync('told.txt', process.pid + ' ' + what + '\\n')
const until = async (file) => { while (!isThere(file)) await new Promise((again) => setTimeout(again, 10)) }
`

describe('onStartup', () => {
  test('gates readiness: no worker takes traffic before it is done', async () => {
    const text = `${tell}
export const onStartup = () => until('go')
export default (req, res) => res.end('served')`
    const server = start({ args: ['app.mjs', '-w', '2', '--log-level', 'debug', ...bind], files: { 'app.mjs': text } })
    await server.untilCount('worker.loaded', 2)
    await expect(ask({ port: server.port() })).rejects.toMatchObject({ code: 'ECONNREFUSED' })
    expect(server.all('worker.ready')).toEqual([])
    put(server, 'go')
    await server.ready()
    expect((await ask({ port: server.port() })).body).toBe('served')
  })

  test('of a new generation holds a reload up, not the service', async () => {
    const text = (word: string, hook = '') => `${tell}${hook}\nexport default (req, res) => res.end('${word}')`
    const server = start({ args: ['app.mjs', '--log-level', 'debug', ...bind], files: { 'app.mjs': text('old') } })
    await server.ready()
    put(server, 'app.mjs', text('new', `export const onStartup = () => until('go')`))
    server.signal('SIGHUP')
    await server.until('worker.loaded', { gen: 2 })
    expect((await ask({ port: server.port() })).body).toBe('old')
    put(server, 'go')
    await server.until('reload.done')
    await server.until('worker.gone')
    expect((await ask({ port: server.port() })).body).toBe('new')
  })

  test('and onShutdown learn who they run in, and can write to the log', async () => {
    const text = `
import { writeFileSync } from 'node:fs'
const keep = (name) => (ctx) => {
  const { log, ...facts } = ctx
  writeFileSync(name + '-' + ctx.slot, JSON.stringify({ ...facts, pid: facts.pid === process.pid, ppid: facts.ppid === process.ppid }))
  log.warning(name + ' in ' + ctx.slot)
}
export const onStartup = keep('onStartup')
export const onShutdown = keep('onShutdown')
export default (req, res) => res.end()`
    const server = start({ args: ['app.mjs', '-w', '2', '-n', 'kettle', ...bind], files: { 'app.mjs': text } })
    await server.ready()
    for (let count = 0; count < 3; count++) await ask({ port: server.port() })
    expect(await server.stop()).toEqual(asAsked)
    const facts = (file: string) => JSON.parse(readFileSync(join(server.folder, file), 'utf8'))
    for (const slot of [0, 1]) {
      const told = { pid: true, ppid: true, slot, age: expect.any(Number), generation: 1, name: 'kettle' }
      expect(facts(`onStartup-${slot}`)).toEqual({ ...told, served: 0 })
      expect(facts(`onShutdown-${slot}`)).toEqual({ ...told, served: expect.any(Number) })
      for (const name of ['onStartup', 'onShutdown'])
        expect(server.all('hook.warning', { text: `${name} in ${slot}`, slot })).toHaveLength(1)
    }
    expect(facts('onShutdown-0').served + facts('onShutdown-1').served).toBe(3)
    expect(new Set([facts('onStartup-0').age, facts('onStartup-1').age])).toEqual(new Set([1, 2]))
  })

  test.each([
    ['named exports', 'app.mjs', 'export const onStartup = () => tell("up"), onShutdown = () => tell("down")\nexport default handler'],
    [
      'properties of the default export',
      'app.mjs',
      'export default { fetch: () => new Response("x"), onStartup: () => tell("up"), onShutdown: () => tell("down") }',
    ],
    [
      'properties of module.exports',
      'app.cjs',
      'module.exports = { handler, onStartup: () => tell("up"), onShutdown: () => tell("down") }',
    ],
    [
      'exports of a program that listens',
      'app.mjs',
      'createServer(handler).listen(0, "127.0.0.1")\nexport const onStartup = () => tell("up"), onShutdown = () => tell("down")',
    ],
  ])('and onShutdown are found as %s', async (_, file, text) => {
    const imports = file.endsWith('.cjs')
      ? "const { appendFileSync } = require('node:fs')"
      : "import { appendFileSync } from 'node:fs'\nimport { createServer } from 'node:http'"
    const source = `${imports}
const tell = (what) => appendFileSync('told.txt', what + '\\n')
const handler = (req, res) => res.end('x')
${text}`
    const server = start({ args: [file, ...(text.includes('listen') ? [] : bind)], files: { [file]: source } })
    await server.ready()
    expect((await ask({ port: server.port() })).body).toBe('x')
    expect(lines(server, 'told.txt')).toEqual(['up'])
    expect(await server.stop()).toEqual(asAsked)
    expect(lines(server, 'told.txt')).toEqual(['up', 'down'])
  })
})

/** Holds a request in that worker, whose answer waits for the file `end`; the other may get some as well. */
async function holdIn(server: Running, pid: number): Promise<Begun> {
  for (;;) {
    const held = await begin({ port: server.port(), path: '/hold/end' })
    if (Number(held.headers['pid']) === pid) return held
  }
}

describe('onShutdown', () => {
  const text = `${tell}${holding}
export const onShutdown = async () => {
  tell('begins')
  await until('done')
  tell('ends')
}
process.on('exit', () => tell('exit'))
process.on('SIGTERM', () => tell('SIGTERM'))`

  const ways: readonly [string, readonly string[], (server: Running) => void][] = [
    ['at a stop', [], (server) => server.signal('SIGTERM')],
    ['at a reload', [], (server) => server.signal('SIGHUP')],
    ['when its worker is one too many', ['-w', '2'], (server) => server.signal('SIGTTOU')],
    ['when its worker is told by somebody else', [], (server) => void process.kill(server.workers().get(0) as number, 'SIGTERM')],
  ]
  test.each(ways)('runs after the last answer, and is waited for, %s', async (_, args, act) => {
    const server = start({ args: ['app.mjs', ...args, ...bind], files: { 'app.mjs': text } })
    await server.ready()
    await server.untilCount('worker.ready', args.length === 0 ? 1 : 2)
    const slot = args.length === 0 ? 0 : 1
    const pid = server.workers().get(slot) as number
    const { whole } = await holdIn(server, pid)
    act(server)
    await server.until('worker.draining', { childPid: pid })
    expect(existsSync(join(server.folder, 'told.txt'))).toBe(false)
    put(server, 'end')
    expect((await whole).body).toBe('held')
    await server.until('worker.drained', { childPid: pid })
    put(server, 'done')
    await server.until('worker.gone', { childPid: pid })
    const told = lines(server, 'told.txt').filter((line) => line.startsWith(`${pid} `))
    expect(told.map((line) => line.split(' ')[1])).toEqual(['begins', 'ends', 'SIGTERM', 'exit'])
  })

  test('that throws is told, and its worker ends all the same', async () => {
    const app = `export const onShutdown = () => { throw new Error('no flush') }\nexport default (req, res) => res.end()`
    const server = start({ args: ['app.mjs', ...bind], files: { 'app.mjs': app } })
    await server.ready()
    expect(await server.stop()).toEqual(asAsked)
    expect(server.all('worker.shutdown-failed')).toMatchObject([{ slot: 0, problem: expect.stringContaining('no flush') }])
    expect(server.all('worker.gone')).toHaveLength(1)
  })

  test('does not run in a worker that never got ready', async () => {
    const app = `${tell}
export const onStartup = () => { throw new Error('no') }
export const onShutdown = () => tell('down')
export default (req, res) => res.end()`
    const server = start({ args: ['app.mjs', ...bind], files: { 'app.mjs': app } })
    expect(await server.exited).toMatchObject({ code: 4 })
    expect(existsSync(join(server.folder, 'told.txt'))).toBe(false)
  })

  test('is followed by the framework’s own closing', async () => {
    const server = start({ args: ['test/apps/fastify-closing.js', ...bind], cwd: root })
    await server.ready()
    expect((await ask({ port: server.port() })).body).toBe('open')
    expect(await server.stop()).toEqual(asAsked)
    expect(server.stdout().trim().split('\n')).toEqual(['onReady', 'onStartup', 'onShutdown', 'onClose'])
  })
})
