/** HUP: the next generation is ready before the present one is asked to go, or nothing changes at all. */
import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, test } from 'vitest'
import { ask, begin } from '../support/client.ts'
import { type Running, start } from '../support/harness.ts'
import { startLoad } from '../support/load.ts'
import { hangingAtImport, holding, importingAfter, saying } from '../support/programs.ts'

const put = (server: Running, file: string, text: string) => writeFileSync(join(server.folder, file), text)
const body = async (server: Running) => (await ask({ port: server.port() })).body
const config = (settings: object, hooks = '') => `export default { ...${JSON.stringify(settings)}, ${hooks} }\n`
const bind = ['-b', '127.0.0.1:0']

/** Index of the last line of that event; -1 when there is none. */
const lastOf = (server: Running, event: string, gen: number) =>
  server.lines.findLastIndex((line) => line.event === event && line.gen === gen)
const firstOf = (server: Running, event: string, gen: number) => server.lines.findIndex((line) => line.event === event && line.gen === gen)

async function expectRolledBack(server: Running, pids: Map<number, number>): Promise<void> {
  await server.until('reload.rolled-back')
  expect(server.workers()).toEqual(pids)
  expect(server.all('worker.draining', { gen: 1 })).toHaveLength(0)
  expect(server.all('worker.died')).toHaveLength(0)
}

describe('a reload', () => {
  test('replaces every worker, the new ready before the old drain, and fails no request', async () => {
    const server = start({ args: ['app.mjs', '-w', '2', ...bind], files: { 'app.mjs': saying('one') } })
    await server.ready()
    const before = [...server.workers().values()]
    const load = startLoad({ port: server.port() })
    await load.more(40)
    put(server, 'app.mjs', saying('two'))
    server.signal('SIGHUP')
    await server.until('reload.done', { generation: 2 })
    await server.untilCount('worker.gone', 2)
    await load.more(40)
    const { failures } = await load.stop()
    expect(failures).toEqual([])
    expect(lastOf(server, 'worker.ready', 2)).toBeLessThan(firstOf(server, 'worker.draining', 1))
    for (const pid of server.workers().values()) expect(before).not.toContain(pid)
    expect(await body(server)).toBe('two')
    expect(server.all('worker.gone')).toHaveLength(2)
  })

  test('reads settings, hooks and the environment of the workers again', async () => {
    const app = 'export default (req, res) => res.end(String(process.env.COLOUR))\n'
    const before = config({ workers: 1, rawEnv: ['COLOUR=red'] })
    const hooks = `
      onReload: (arbiter) => arbiter.log.info('hook onReload'),
      preFork: (arbiter, worker) => arbiter.log.info('hook preFork ' + worker.generation),
      postFork: (worker) => worker.log.info('hook postFork ' + worker.generation),
      nworkersChanged: (arbiter, now, old) => arbiter.log.info('hook nworkersChanged ' + old + ' ' + now)`
    const server = start({ args: ['app.mjs', ...bind], files: { 'app.mjs': app, 'monoceros.config.mjs': before } })
    await server.ready()
    expect(await body(server)).toBe('red')
    put(server, 'monoceros.config.mjs', config({ workers: 3, rawEnv: ['COLOUR=blue'] }, hooks))
    server.signal('SIGHUP')
    await server.until('reload.done')
    await server.until('worker.gone')
    expect(server.workers().size).toBe(3)
    expect(await body(server)).toBe('blue')
    const texts = server.all('hook.info').map((line) => line['text'])
    const count = (text: string) => texts.filter((other) => other === text).length
    expect(count('hook onReload')).toBe(1)
    expect(count('hook preFork 2')).toBe(3)
    expect(count('hook postFork 2')).toBe(3)
    expect(count('hook nworkersChanged 1 3')).toBe(1)
  })

  test('enters another working folder', async () => {
    const app = 'export default (req, res) => res.end(process.cwd())\n'
    const server = start({
      args: ['app.mjs', ...bind],
      files: { 'one/app.mjs': app, 'two/app.mjs': app, 'monoceros.config.json': '{"chdir":"one"}' },
    })
    await server.ready()
    expect(await body(server)).toBe(join(server.folder, 'one'))
    put(server, 'monoceros.config.json', '{"chdir":"two"}')
    server.signal('SIGHUP')
    await server.until('worker.gone')
    expect(await body(server)).toBe(join(server.folder, 'two'))
  })

  test('to fewer workers leaves as many as were asked for', async () => {
    const server = start({
      args: ['app.mjs', ...bind],
      files: { 'app.mjs': saying('here'), 'monoceros.config.json': '{"workers":3}' },
    })
    await server.ready()
    put(server, 'monoceros.config.json', '{"workers":1}')
    server.signal('SIGHUP')
    await server.untilCount('worker.gone', 3)
    expect(server.all('worker.booting', { gen: 2 })).toHaveLength(1)
    expect(server.workers().size).toBe(1)
  })

  test('of which ten are asked for at once ends with the newest configuration and the right number of workers', async () => {
    const server = start({
      args: ['app.mjs', '-w', '2', ...bind],
      files: { 'app.mjs': 'export default (req, res) => res.end(process.env.N)\n', 'monoceros.config.json': '{"rawEnv":["N=0"]}' },
    })
    await server.ready()
    const load = startLoad({ port: server.port(), keepAlive: 1, fresh: 1 })
    for (let n = 1; n <= 10; n++) {
      put(server, 'monoceros.config.json', `{"rawEnv":["N=${n}"]}`)
      server.signal('SIGHUP')
      await load.more(2)
    }
    await server.until('reload.done')
    await server.untilCount('worker.gone', 2, { gen: 1 })
    // Signals of one kind that are pending at the same time are one signal to the kernel, so the last HUP may have been the ninth.
    expect(await body(server)).toBe('10')
    expect((await load.stop()).failures).toEqual([])
    expect(server.workers().size).toBe(2)
    expect(server.all('worker.booting').length - server.all('worker.gone').length).toBe(2)
  })

  test('with room for one missing worker replaces slot by slot and never lacks two', async () => {
    const server = start({
      args: ['app.mjs', '-w', '3', '--reload-max-unavailable', '1', ...bind],
      files: { 'app.mjs': saying('one') },
    })
    await server.ready()
    put(server, 'app.mjs', saying('two'))
    server.signal('SIGHUP')
    await server.until('reload.done')
    await server.untilCount('worker.gone', 3)
    expect(server.all('worker.booting', { gen: 1 })).toHaveLength(3)
    expect(server.all('worker.booting', { gen: 2 })).toHaveLength(3)
    let serving = 0
    const seen = server.lines.flatMap(({ event }) => {
      if (event === 'worker.ready') serving++
      else if (event === 'worker.draining') serving--
      return serving
    })
    expect(Math.min(...seen.slice(seen.indexOf(3)))).toBe(2)
  })

  test('that is rolled back half way puts the workers back that it had already taken', async () => {
    const app = `
      import { existsSync, writeFileSync } from 'node:fs'
      if (process.env.NEW === '1') {
        if (existsSync('second')) throw new Error('the second one cannot')
        writeFileSync('second', '')
      }
      ${saying('here')}`
    const server = start({
      args: ['app.mjs', '-w', '2', '--reload-max-unavailable', '1', ...bind],
      files: { 'app.mjs': app, 'monoceros.config.json': '{}' },
    })
    await server.ready()
    put(server, 'monoceros.config.json', '{"rawEnv":["NEW=1"]}')
    server.signal('SIGHUP')
    await server.until('reload.rolled-back')
    await server.untilCount('worker.ready', 4, { gen: 1 })
    expect(server.workers().size).toBe(2)
    expect(await body(server)).toBe('here')
  })
})

describe('a reload with a broken configuration', () => {
  const broken: [string, string][] = [
    ['does not parse', 'export default { workers: '],
    ['names a setting that is none', config({ workrs: 2 })],
    ['has a value that is none', config({ workers: 'many' })],
    ['throws', 'throw new Error("no")'],
    ['rejects', 'export default async () => { throw new Error("no") }'],
  ]
  test.each(broken)('that %s changes nothing, and the repaired one is taken', async (_, text) => {
    const server = start({
      args: ['app.mjs', ...bind],
      files: { 'app.mjs': saying('here'), 'monoceros.config.mjs': config({ workers: 1 }) },
    })
    await server.ready()
    const pids = server.workers()
    put(server, 'monoceros.config.mjs', text)
    server.signal('SIGHUP')
    await expectRolledBack(server, pids)
    expect(server.all('worker.booting')).toHaveLength(1)
    expect(await body(server)).toBe('here')
    put(server, 'monoceros.config.mjs', config({ workers: 2 }))
    server.signal('SIGHUP')
    await server.until('reload.done')
    expect(server.workers().size).toBe(2)
    expect(await server.stop()).toEqual({ code: 0, signal: null })
  })

  test('whose import never ends is rolled back after boot_timeout', async () => {
    const server = start({
      args: ['app.mjs', ...bind],
      // Without a worker, so that its boot is not what boot_timeout ends.
      files: { 'app.mjs': saying('here'), 'monoceros.config.mjs': config({ workers: 0, bootTimeout: 1.5 }) },
    })
    await server.ready()
    put(server, 'monoceros.config.mjs', hangingAtImport)
    server.signal('SIGHUP')
    await server.until('reload.rolled-back')
    put(server, 'monoceros.config.mjs', config({ workers: 1 }))
    server.signal('SIGHUP')
    await server.until('reload.done')
    expect(await body(server)).toBe('here')
  })

  test('whose import never ends leaves the arbiter hearing every signal', async () => {
    const server = start({
      args: ['app.mjs', ...bind],
      files: { 'app.mjs': saying('here'), 'monoceros.config.mjs': config({ workers: 1 }) },
    })
    await server.ready()
    put(server, 'monoceros.config.mjs', hangingAtImport)
    server.signal('SIGHUP')
    await server.until('reload.started')
    server.signal('SIGTTIN')
    await server.untilCount('worker.ready', 2)
    process.kill(server.workers().get(0) as number, 'SIGKILL')
    await server.untilCount('worker.ready', 3)
    put(server, 'monoceros.config.mjs', config({ workers: 1 }))
    server.signal('SIGHUP')
    await server.until('reload.done')
    put(server, 'monoceros.config.mjs', hangingAtImport)
    server.signal('SIGHUP')
    await server.untilCount('reload.started', 3)
    expect(await server.stop()).toEqual({ code: 0, signal: null })
  })
})

describe('a reload with a broken app', () => {
  const args = ['app.mjs', '-w', '2', ...bind]
  const broken: [string, string][] = [
    ['throws at import', 'throw new Error("no")'],
    ['does not parse', 'export default ('],
    ['ends at import', 'process.exit(0)'],
    ['exports nothing that serves', 'export default 42'],
    ['throws in onStartup', `${saying('new')}export const onStartup = () => { throw new Error('no') }`],
    ['never ends its import', hangingAtImport],
    ['blocks its import', 'for (;;);'],
  ]
  test.each(broken)('that %s is rolled back under load without a failed request', async (_, text) => {
    const server = start({ args, files: { 'app.mjs': saying('here'), 'monoceros.config.json': '{}' } })
    await server.ready()
    const pids = server.workers()
    put(server, 'monoceros.config.json', '{"bootTimeout":0.6}')
    const load = startLoad({ port: server.port(), keepAlive: 1, fresh: 1 })
    await load.more(5)
    put(server, 'app.mjs', text)
    server.signal('SIGHUP')
    await expectRolledBack(server, pids)
    await load.more(5)
    expect((await load.stop()).failures).toEqual([])
    expect(server.workers()).toEqual(pids)
    expect(await server.stop()).toEqual({ code: 0, signal: null })
  })

  test('leaves the old workers to crash into the broken code: it is told, the others serve on, and a mended app heals it', async () => {
    const app = `${saying('here')}process.on('SIGUSR2', () => process.exit(7))\n`
    const server = start({ args, files: { 'app.mjs': app } })
    await server.ready()
    const pids = server.workers()
    put(server, 'app.mjs', 'throw new Error("no")')
    server.signal('SIGHUP')
    await expectRolledBack(server, pids)
    process.kill(pids.get(0) as number, 'SIGUSR2')
    await server.until('worker.died', { slot: 0, gen: 1 })
    await server.untilCount('worker.boot-failed', 3, { slot: 0, gen: 1 })
    expect(await body(server)).toBe('here')
    expect(server.workers()).toEqual(new Map([[1, pids.get(1)]]))
    put(server, 'app.mjs', app)
    await server.until('worker.ready', { slot: 0, gen: 1 }, { after: server.lines.length })
    expect(server.workers().size).toBe(2)
  })
})

describe('a reload under way', () => {
  test('gives way to a newer one', async () => {
    const server = start({ args: ['app.mjs', ...bind], files: { 'app.mjs': saying('one') } })
    await server.ready()
    put(server, 'app.mjs', hangingAtImport)
    server.signal('SIGHUP')
    const stuck = await server.until('worker.booting', { gen: 2 })
    put(server, 'app.mjs', saying('three'))
    server.signal('SIGHUP')
    await server.until('reload.rolled-back')
    await server.until('reload.done', { generation: 3 })
    await server.until('worker.gone', { childPid: stuck.childPid })
    await server.until('worker.gone', { gen: 1 })
    expect(await body(server)).toBe('three')
    expect(server.workers().size).toBe(1)
  })

  test('ends at once with TERM, its booting workers killed and the old ones drained', async () => {
    const server = start({ args: ['app.mjs', '-w', '2', ...bind], files: { 'app.mjs': holding } })
    await server.ready()
    const held = await begin({ port: server.port(), path: '/hold/end' })
    put(server, 'app.mjs', hangingAtImport)
    server.signal('SIGHUP')
    const stuck = await server.until('worker.booting', { gen: 2 })
    server.signal('SIGTERM')
    await server.until('worker.gone', { childPid: stuck.childPid })
    await server.untilCount('worker.draining', 2, { gen: 1 })
    put(server, 'end', '')
    expect((await held.whole).body).toBe('held')
    expect(await server.exited).toEqual({ code: 0, signal: null })
    expect(server.all('reload.done')).toHaveLength(0)
  })

  test('replaces an old worker that dies, and goes on', async () => {
    const server = start({ args: ['app.mjs', '-w', '2', ...bind], files: { 'app.mjs': saying('one') } })
    await server.ready()
    put(server, 'app.mjs', importingAfter('go', 'two'))
    server.signal('SIGHUP')
    await server.until('worker.booting', { gen: 2 })
    process.kill(server.workers().get(1) as number, 'SIGKILL')
    await server.until('worker.died', { slot: 1, gen: 1 })
    await server.until('worker.booting', { slot: 1, gen: 1 }, { after: server.lines.length })
    put(server, 'go', '')
    await server.until('reload.done')
    await server.untilCount('worker.gone', 2)
    expect(await body(server)).toBe('two')
    expect(server.workers().size).toBe(2)
    expect(lastOf(server, 'worker.ready', 2)).toBeLessThan(firstOf(server, 'worker.draining', 1))
  })

  test('takes TTIN and TTOU for the old generation at once and for the new one with it', async () => {
    const server = start({ args: ['app.mjs', '-w', '1', ...bind], files: { 'app.mjs': saying('one') } })
    await server.ready()
    put(server, 'app.mjs', importingAfter('go', 'two'))
    server.signal('SIGHUP')
    await server.until('worker.booting', { gen: 2 })
    server.signal('SIGTTIN')
    await server.until('arbiter.scaled', { from: 1, to: 2 })
    await server.until('worker.booting', { gen: 1, slot: 1 })
    put(server, 'go', '')
    await server.until('reload.done')
    await server.untilCount('worker.ready', 2, { gen: 2 })
    await server.untilCount('worker.gone', 2, { gen: 1 })
    expect(server.workers().size).toBe(2)
    server.signal('SIGHUP')
    await server.until('reload.done', { generation: 3 })
    await server.untilCount('worker.gone', 2, { gen: 2 })
    expect(server.workers().size).toBe(1)
  })

  test('waits for the boot that was under way when it was asked for', async () => {
    const server = start({ args: ['app.mjs', ...bind], files: { 'app.mjs': importingAfter('go', 'one') } })
    await server.until('worker.booting')
    server.signal('SIGHUP')
    await server.until('arbiter.signal', { signal: 'SIGHUP' })
    put(server, 'go', '')
    await server.until('reload.done', { generation: 2 })
    expect(lastOf(server, 'worker.ready', 1)).toBeLessThan(server.lines.findIndex(({ event }) => event === 'reload.started'))
    expect(server.all('reload.done')).toHaveLength(1)
  })
})

describe('the listeners of a reload', () => {
  const files = (binds: string[]) => ({ 'app.mjs': saying('here'), 'monoceros.config.json': JSON.stringify({ bind: binds }) })
  const socket = (server: Running, name: string) => ask({ socketPath: join(server.folder, name) })

  test('are bound before its workers boot, and those that are left out serve until the new workers do', async () => {
    const server = start({ args: ['app.mjs'], files: files(['unix:old.sock', 'unix:both.sock']) })
    await server.ready()
    put(server, 'app.mjs', importingAfter('go', 'new'))
    put(server, 'monoceros.config.json', JSON.stringify({ bind: ['unix:both.sock', 'unix:new.sock'] }))
    server.signal('SIGHUP')
    await server.until('worker.booting', { gen: 2 })
    expect(server.all('listener.bound')).toHaveLength(3)
    expect((await socket(server, 'old.sock')).body).toBe('here')
    put(server, 'go', '')
    await server.until('worker.gone', { gen: 1 })
    expect((await socket(server, 'new.sock')).body).toBe('new')
    expect((await socket(server, 'both.sock')).body).toBe('new')
    await expect(socket(server, 'old.sock')).rejects.toThrow(/ENOENT|ECONNREFUSED/)
  })

  test('that cannot be had roll it back', async () => {
    const server = start({ args: ['app.mjs'], files: { ...files(['unix:old.sock']), 'in-the-way': 'a file' } })
    await server.ready()
    const pids = server.workers()
    put(server, 'monoceros.config.json', JSON.stringify({ bind: ['unix:new.sock', 'unix:in-the-way'] }))
    server.signal('SIGHUP')
    await expectRolledBack(server, pids)
    expect((await socket(server, 'old.sock')).body).toBe('here')
    await expect(socket(server, 'new.sock')).rejects.toThrow(/ENOENT|ECONNREFUSED/)
    put(server, 'monoceros.config.json', JSON.stringify({ bind: ['unix:new.sock'] }))
    server.signal('SIGHUP')
    await server.until('worker.gone', { gen: 1 })
    expect((await socket(server, 'new.sock')).body).toBe('here')
  })

  test('of a reload that is rolled back are closed again', async () => {
    const server = start({ args: ['app.mjs'], files: files(['unix:old.sock']) })
    await server.ready()
    const pids = server.workers()
    put(server, 'app.mjs', 'throw new Error("no")')
    put(server, 'monoceros.config.json', JSON.stringify({ bind: ['unix:new.sock'] }))
    server.signal('SIGHUP')
    await expectRolledBack(server, pids)
    await expect(socket(server, 'new.sock')).rejects.toThrow(/ENOENT|ECONNREFUSED/)
    expect((await socket(server, 'old.sock')).body).toBe('here')
  })
})

describe('what a reload says of settings', () => {
  test('that the arbiter takes only at its start: it names them and keeps the old ones', async () => {
    const server = start({
      args: ['app.mjs', ...bind],
      files: { 'app.mjs': saying('here'), 'monoceros.config.json': '{"procName":"before"}' },
    })
    await server.ready()
    put(server, 'monoceros.config.json', '{"procName":"after","reusePort":true}')
    server.signal('SIGHUP')
    const line = await server.until('reload.needs-restart')
    expect(line['settings']).toEqual(['reusePort', 'procName'])
    await server.until('reload.done')
    expect(await body(server)).toBe('here')
  })

  test('of its log: form and file change with it', async () => {
    const server = start({
      args: ['app.mjs', ...bind],
      files: { 'app.mjs': saying('here'), 'monoceros.config.json': '{}' },
    })
    await server.ready()
    put(server, 'monoceros.config.json', '{"errorlog":"server.log","loglevel":"debug","logFormat":"text"}')
    server.signal('SIGHUP')
    await server.until('log.moved', { destination: 'server.log' })
    await server.stop()
    const log = readFileSync(join(server.folder, 'server.log'), 'utf8')
    expect(log).toContain('[INFO] arbiter: ')
    expect(server.all('worker.ready', { gen: 2 })).toHaveLength(1)
    expect(server.all('arbiter.stopped')).toHaveLength(0)
  })

  test('of its log that cannot be had: it is rolled back', async () => {
    const server = start({
      args: ['app.mjs', ...bind],
      files: { 'app.mjs': saying('here'), 'monoceros.config.json': '{}' },
    })
    await server.ready()
    const pids = server.workers()
    put(server, 'monoceros.config.json', '{"errorlog":"no/such/folder/server.log"}')
    server.signal('SIGHUP')
    await expectRolledBack(server, pids)
    expect(await body(server)).toBe('here')
  })
})
