/** The hooks of a config file: when each runs, what it is given, and that none of them can hurt the service. */
import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, test } from 'vitest'
import { ask, begin } from '../support/client.ts'
import { type Running, start } from '../support/harness.ts'
import { poll } from '../support/poll.ts'
import { holding, saying } from '../support/programs.ts'

const bind = ['-b', '127.0.0.1:0']
const asAsked = { code: 0, signal: null }
const put = (server: Running, file: string, text = '') => writeFileSync(join(server.folder, file), text)
const body = async (server: Running) => (await ask({ port: server.port() })).body

const names = [
  ...['onStarting', 'whenReady', 'onReload', 'onExit', 'nworkersChanged', 'preFork', 'childExit'],
  ...['postFork', 'postWorkerInit', 'preRequest', 'postRequest', 'workerInt', 'workerAbort', 'workerExit'],
]

/** A config file whose hooks write down, in one file for all processes, that they were called, and with what. */
const telling = (settings = '', language: 'js' | 'ts' = 'js') => `
import { appendFileSync } from 'node:fs'
${language === 'ts' ? 'type Facts = { pid: number }\nenum Form { Line = 1 }' : ''}
const tell = (name${language === 'ts' ? ': string' : ''}) => (...facts${language === 'ts' ? ': (Facts | number | null)[]' : ''}) => {
  const plain = facts.map((fact) => (fact?.url === undefined ? fact?.statusCode ?? fact : fact.url))
  appendFileSync('told.txt', JSON.stringify([name, process.pid, ...plain]) + '\\n')
}
export default { ${settings} ${names.map((name) => `${name}: tell('${name}')`).join(', ')} }
`

type Told = [name: string, pid: number, ...facts: unknown[]]
const told = (server: Running): Told[] =>
  readFileSync(join(server.folder, 'told.txt'), 'utf8')
    .trim()
    .split('\n')
    .map((line) => JSON.parse(line))
const namesTold = (server: Running) => told(server).map(([name]) => name)

const withConfig = async (config: string, args: readonly string[] = [], app = saying('here')): Promise<Running> => {
  const server = start({ args: ['app.mjs', ...bind, ...args], files: { 'app.mjs': app, 'monoceros.config.mjs': config } })
  await server.ready()
  return server
}

describe('the hooks of a config file', () => {
  test.each(['js', 'ts'] as const)('run in the order of the life, in a .%s file', async (language) => {
    const server = start({
      args: ['app.mjs', ...bind],
      files: { 'app.mjs': saying('here'), [`monoceros.config.${language === 'ts' ? 'ts' : 'mjs'}`]: telling('', language) },
    })
    await server.ready()
    expect(await body(server)).toBe('here')
    // The client has its answer a moment before the worker's hook is heard of.
    await poll(() => (namesTold(server).includes('postRequest') ? true : null))
    server.signal('SIGHUP')
    await server.until('worker.gone', { gen: 1 })
    expect(await server.stop()).toEqual(asAsked)
    expect(namesTold(server)).toEqual([
      ...['nworkersChanged', 'onStarting', 'preFork', 'postFork', 'postWorkerInit', 'whenReady'],
      ...['preRequest', 'postRequest'],
      ...['onReload', 'preFork', 'postFork', 'postWorkerInit', 'workerExit', 'childExit'],
      ...['workerExit', 'childExit', 'onExit'],
    ])
  })

  test('are given who they are about', async () => {
    const server = await withConfig(telling(), ['-w', '1', '-n', 'shop'])
    const pid = server.workers().get(0)
    expect((await ask({ port: server.port(), path: '/a?b' })).body).toBe('here')
    await server.stop()
    const factsOf = (name: string) =>
      told(server)
        .find(([other]) => other === name)
        ?.slice(1)
    const arbiter = { pid: server.pid, name: 'shop', workers: 1, generation: 1 }
    const worker = { pid, ppid: server.pid, slot: 0, age: 1, generation: 1 }
    expect(factsOf('nworkersChanged')).toEqual([server.pid, expect.objectContaining(arbiter), 1, null])
    expect(factsOf('onStarting')).toEqual([server.pid, expect.objectContaining({ ...arbiter, address: [] })])
    expect(factsOf('preFork')).toEqual([server.pid, expect.objectContaining(arbiter), expect.objectContaining({ ...worker, pid: 0 })])
    expect(factsOf('postFork')).toEqual([pid, expect.objectContaining(worker)])
    expect(factsOf('postWorkerInit')).toEqual([pid, expect.objectContaining(worker)])
    expect(factsOf('whenReady')).toEqual([server.pid, expect.objectContaining({ address: [`127.0.0.1:${server.port()}`] })])
    expect(factsOf('preRequest')).toEqual([pid, expect.objectContaining({ ...worker, served: 0 }), '/a?b'])
    expect(factsOf('postRequest')).toEqual([pid, expect.objectContaining({ ...worker, served: 1 }), '/a?b', 200])
    expect(factsOf('workerExit')).toEqual([pid, expect.objectContaining({ ...worker, served: 1 })])
    expect(factsOf('childExit')).toEqual([server.pid, expect.objectContaining(arbiter), expect.objectContaining({ ...worker, served: 1 })])
    expect(factsOf('onExit')).toEqual([server.pid, expect.objectContaining(arbiter)])
  })

  test('may be async, and are waited for before what comes next', async () => {
    const config = `
      import { appendFileSync } from 'node:fs'
      const tell = (word) => appendFileSync('told.txt', JSON.stringify([word]) + '\\n')
      const slow = (name) => async () => {
        tell(name)
        await new Promise((resolve) => setTimeout(resolve, 60))
        tell(name + ' done')
      }
      export default { ${names.map((name) => `${name}: slow('${name}')`).join(', ')} }`
    const app = `
      import { appendFileSync } from 'node:fs'
      const tell = (word) => appendFileSync('told.txt', JSON.stringify([word]) + '\\n')
      tell('app imported')
      export default (req, res) => { tell('app called'); res.end('here') }
      export const onShutdown = () => tell('app shut down')`
    const server = await withConfig(config, ['-w', '1'], app)
    expect(await body(server)).toBe('here')
    await server.stop()
    const twice = (name: string) => [name, `${name} done`]
    const all = namesTold(server)
    const without = (...others: string[]) => all.filter((name) => !others.flatMap(twice).includes(name))
    // What is not waited for, as nothing depends on it, stands somewhere among the others.
    expect(without('whenReady', 'postRequest')).toEqual([
      ...['nworkersChanged', 'onStarting', 'preFork', 'postFork'].flatMap(twice),
      'app imported',
      ...['postWorkerInit', 'preRequest'].flatMap(twice),
      'app called',
      'app shut down',
      ...['workerExit', 'childExit', 'onExit'].flatMap(twice),
    ])
    expect(all).toContain('whenReady done')
    expect(all).toContain('postRequest done')
  })

  test('that fail are told of and change nothing', async () => {
    const ways: Record<string, string> = {
      throws: '() => { throw new Error("no") }',
      rejects: 'async () => { throw new Error("no") }',
      'rejects with what is no error': '() => Promise.reject(null)',
      'throws a thenable that throws': '() => ({ then() { throw new Error("no") } })',
    }
    const bodies = Object.values(ways)
    const config = `export default { ${names.map((name, index) => `${name}: ${bodies[index % bodies.length]}`).join(', ')} }`
    const server = await withConfig(config, ['-w', '2'])
    expect(await body(server)).toBe('here')
    server.signal('SIGHUP')
    await server.until('reload.done')
    expect(await body(server)).toBe('here')
    server.signal('SIGINT')
    expect(await server.exited).toEqual(asAsked)
    const failed = new Set(server.all('hook.failed').map((line) => line['hook']))
    expect([...failed].sort()).toEqual(names.filter((name) => name !== 'workerAbort').sort())
  })
})

describe('what a hook of the arbiter leaves behind', () => {
  test.each([
    ['a timer that throws', 'setTimeout(() => { throw new Error("late") }, 1)'],
    ['a promise that rejects', 'void Promise.reject(new Error("late"))'],
    ['an emitter that fails', 'setTimeout(() => new EventEmitter().emit("error", new Error("late")), 1)'],
  ])('%s is told of and does not end the service', async (_, text) => {
    const config = `import { EventEmitter } from 'node:events'\nexport default { whenReady() { ${text} } }`
    const server = await withConfig(config)
    const line = await server.until('arbiter.uncaught')
    expect(line['problem']).toBe('late')
    expect(await body(server)).toBe('here')
    expect(await server.stop()).toEqual(asAsked)
  })

  test.each([
    ['it is told to go once more', ['--graceful-timeout', '600']],
    ['graceful_timeout is over', ['--graceful-timeout', '0.3']],
  ])('a last hook that never settles is waited for until %s', async (_, args) => {
    const config = `export default {
      onExit(arbiter) { arbiter.log.info('reached'); return new Promise((resolve) => setTimeout(resolve, 600_000)) },
    }`
    const server = await withConfig(config, args)
    server.signal('SIGTERM')
    await server.until('hook.info', { text: 'reached' })
    if (args[1] === '600') server.signal('SIGTERM')
    await server.until('hook.failed', { hook: 'onExit' })
    expect(await server.exited).toEqual(asAsked)
  })
})

describe('the hooks around a request', () => {
  test('hold it back until an async preRequest is done, and nobody else’s', async () => {
    const config = `
      import { existsSync } from 'node:fs'
      export default {
        async preRequest(worker, req) {
          req.mark = 'seen'
          if (req.url === '/slow') while (!existsSync('go')) await new Promise((resolve) => setTimeout(resolve, 5))
        },
      }`
    const server = await withConfig(config, ['-w', '1'], 'export default (req, res) => res.end(req.mark + req.url)\n')
    const slow = ask({ port: server.port(), path: '/slow', method: 'POST', body: 'x'.repeat(100_000) })
    expect((await ask({ port: server.port(), path: '/quick' })).body).toBe('seen/quick')
    put(server, 'go')
    expect((await slow).body).toBe('seen/slow')
  })

  test('let it through when preRequest throws or rejects', async () => {
    const config = `
      export default {
        preRequest: (worker, req) => { if (req.url === '/throw') throw new Error('no'); return Promise.reject(new Error('no')) },
        postRequest: () => { throw new Error('no') },
      }`
    const server = await withConfig(config, ['-w', '1'])
    for (const path of ['/throw', '/reject']) expect((await ask({ port: server.port(), path })).body).toBe('here')
    await server.untilCount('hook.failed', 2, { hook: 'preRequest' })
    await server.untilCount('hook.failed', 2, { hook: 'postRequest' })
  })

  test('see a request whose client has left', async () => {
    const server = await withConfig(telling(), ['-w', '1'], holding)
    const controller = await begin({ port: server.port(), path: '/hold/never' })
    controller.abort()
    await expect(controller.whole).rejects.toThrow()
    expect(await body(server)).toBe('quick')
    await server.stop()
    expect(
      told(server)
        .filter(([name]) => name === 'postRequest')
        .map((line) => line.at(-2)),
    ).toContain('/hold/never')
  })
})

describe('the hook workerInt', () => {
  const intsTold = (server: Running) => namesTold(server).filter((name) => name === 'workerInt').length

  test('runs at a quick stop, in every worker', async () => {
    const server = await withConfig(telling(), ['-w', '2'])
    server.signal('SIGINT')
    expect(await server.exited).toEqual(asAsked)
    expect(intsTold(server)).toBe(2)
  })

  test('does not run at a graceful one', async () => {
    const server = await withConfig(telling(), ['-w', '2'])
    await server.stop()
    expect(intsTold(server)).toBe(0)
  })

  test('runs once when a graceful stop becomes quick', async () => {
    const server = await withConfig(telling(), ['-w', '1', '--graceful-timeout', '600'], holding)
    const held = await begin({ port: server.port(), path: '/hold/never' })
    server.signal('SIGTERM')
    await server.until('worker.draining')
    server.signal('SIGQUIT')
    server.signal('SIGINT')
    expect(await server.exited).toEqual(asAsked)
    await expect(held.whole).rejects.toThrow()
    expect(intsTold(server)).toBe(1)
  })
})

describe('the hook workerAbort', () => {
  test('runs in sync when a request takes longer than the timeout, before the worker is replaced', async () => {
    const app = 'export default (req, res) => { if (req.url !== "/never") res.end("here") }\n'
    const server = await withConfig(telling(), ['-w', '1', '-k', 'sync', '-t', '0.5'], app)
    const pid = server.workers().get(0)
    expect((await ask({ port: server.port(), path: '/never' })).status).toBe(504)
    await server.until('worker.gone', { childPid: pid })
    const names = told(server)
      .filter(([, teller]) => teller === pid)
      .map(([name]) => name)
    expect(names.slice(0, 4)).toEqual(['postFork', 'postWorkerInit', 'preRequest', 'workerAbort'])
    expect(names.at(-1)).toBe('workerExit')
  })
})

describe('the hook workerExit', () => {
  test.each([
    ['that cannot boot', 'throw new Error("no")'],
    ['whose onStartup throws', `${saying('x')}export const onStartup = () => { throw new Error('no') }`],
  ])('runs in a worker %s too', async (_, app) => {
    const server = start({ args: ['app.mjs', ...bind], files: { 'app.mjs': app, 'monoceros.config.mjs': telling() } })
    expect(await server.exited).toEqual({ code: 4, signal: null })
    expect(namesTold(server)).toEqual(['nworkersChanged', 'onStarting', 'preFork', 'postFork', 'workerExit', 'childExit', 'onExit'])
  })

  test('does not keep a worker beyond its grace when it never settles', async () => {
    const config = 'export default { workerExit: () => new Promise((resolve) => setTimeout(resolve, 600_000)) }'
    const server = await withConfig(config, ['-w', '1', '--graceful-timeout', '0.2'])
    expect(await server.stop()).toEqual(asAsked)
    await server.until('worker.shutdown-failed')
    expect(server.all('worker.gone', { exitCode: 0 })).toHaveLength(1)
  })
})

test('a worker tells when its config file is not the one that its generation was made from', async () => {
  const server = await withConfig(telling(), ['-w', '1'])
  put(server, 'monoceros.config.mjs', `${telling()}// changed\n`)
  process.kill(server.workers().get(0) as number, 'SIGKILL')
  await server.until('config.changed', { role: 'worker', age: 2 })
  await server.until('worker.ready', { age: 2 })
})
