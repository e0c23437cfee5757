/** Every signal of the arbiter, in every phase of its life. */
import { existsSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, test } from 'vitest'
import { ask, begin } from '../support/client.ts'
import { blocks, handles, type Running, type StartOptions, start } from '../support/harness.ts'
import { listening } from '../support/listening.ts'
import { poll } from '../support/poll.ts'
import { hangingAtImport, holding, importingAfter, saying } from '../support/programs.ts'

const bind = ['-b', '127.0.0.1:0']
const asAsked = { code: 0, signal: null }
const put = (server: Running, file: string, text = '') => writeFileSync(join(server.folder, file), text)
const body = async (server: Running) => (await ask({ port: server.port() })).body
const hold = (server: Running) => begin({ port: server.port(), path: '/hold/end' })

const serving = async (app: string, args: readonly string[] = [], more: Partial<StartOptions> = {}): Promise<Running> => {
  const server = start({ args: ['app.mjs', ...bind, ...args], files: { 'app.mjs': app }, ...more })
  await server.ready()
  return server
}

describe('the arbiter, while it serves', () => {
  test('at TERM takes no more connections and waits for the requests that have begun', async () => {
    const server = await serving(holding, ['-w', '2'])
    const held = [await hold(server), await hold(server), await hold(server)]
    server.signal('SIGTERM')
    await server.untilCount('worker.draining', 2)
    // What the kernel had queued is answered, or reset with the last listener; then nobody is let in.
    await poll(() =>
      body(server).then(
        () => null,
        (error: NodeJS.ErrnoException) => (error.code === 'ECONNREFUSED' ? error : null),
      ),
    )
    put(server, 'end')
    for (const { whole } of held) expect((await whole).body).toBe('held')
    expect(await server.exited).toEqual(asAsked)
    expect(server.all('worker.drained').map((line) => line['cutRequests'])).toEqual([0, 0])
    expect((await server.until('arbiter.stopped'))['served']).toBeGreaterThanOrEqual(3)
  })

  test('at TERM cuts what is left after graceful_timeout, and says how many', async () => {
    const server = await serving(holding, ['--graceful-timeout', '0.4'])
    const held = [await hold(server), await hold(server)]
    server.signal('SIGTERM')
    expect(await server.exited).toEqual(asAsked)
    for (const { whole } of held) await expect(whole).rejects.toThrow()
    expect(server.all('worker.drained')).toMatchObject([{ cutRequests: 2 }])
    expect(server.all('worker.grace-over')).toHaveLength(0)
  })

  test('at TERM waits for onShutdown as for a request', async () => {
    const app = `${saying('here')}
      import { writeFileSync } from 'node:fs'
      export const onShutdown = async () => {
        await new Promise((resolve) => setTimeout(resolve, 2_200))
        writeFileSync('shut', '')
      }`
    const server = await serving(app)
    expect(await server.stop()).toEqual(asAsked)
    expect(existsSync(join(server.folder, 'shut'))).toBe(true)
  })

  test('at TERM leaves behind an onShutdown that outlasts graceful_timeout, and says so', async () => {
    const app = `${saying('here')}export const onShutdown = () => new Promise((resolve) => setTimeout(resolve, 600_000))\n`
    const server = await serving(app, ['--graceful-timeout', '0.2'])
    expect(await server.stop()).toEqual(asAsked)
    await server.until('worker.shutdown-failed')
    expect(server.all('worker.gone', { exitCode: 0 })).toHaveLength(1)
  })

  test.each(['SIGINT', 'SIGQUIT'] as const)('at %s is quick: what has begun gets a second, not graceful_timeout', async (signal) => {
    const server = await serving(holding, ['--graceful-timeout', '600'])
    const held = await hold(server)
    server.signal(signal)
    const drained = await server.until('worker.drained')
    await expect(held.whole).rejects.toThrow()
    expect(await server.exited).toEqual(asAsked)
    expect(drained['cutRequests']).toBe(1)
    expect(drained['tookMs']).toBeGreaterThanOrEqual(1_000)
  })

  test.each(['SIGINT', 'SIGQUIT'] as const)('at %s lets a request that ends within that second end', async (signal) => {
    const server = await serving(holding, ['--graceful-timeout', '600'])
    const held = await hold(server)
    server.signal(signal)
    put(server, 'end')
    expect((await held.whole).body).toBe('held')
    expect(await server.exited).toEqual(asAsked)
  })

  test('at a second INT kills at once, whatever its workers do', async () => {
    const app = `${holding}export const onShutdown = () => { for (;;); }\n`
    const server = await serving(app, ['-w', '2', '--graceful-timeout', '600', '--timeout', '0'])
    const held = await hold(server)
    server.signal('SIGINT')
    await server.untilCount('worker.draining', 2)
    server.signal('SIGINT')
    await server.until('arbiter.forced')
    expect(await server.exited).toEqual(asAsked)
    await expect(held.whole).rejects.toThrow()
    expect(server.all('worker.gone').filter(({ signal }) => signal === 'SIGKILL').length).toBeGreaterThan(0)
    expect(server.all('worker.grace-over')).toHaveLength(0)
  })

  test('opens its logs at USR1, ignores USR2 and WINCH, and serves on', async () => {
    const server = await serving(saying('here'), ['--log-level', 'debug'])
    const pids = server.workers()
    server.signal('SIGUSR1')
    await server.until('arbiter.reopened')
    server.signal('SIGUSR2')
    await server.until('arbiter.signal-ignored', { signal: 'SIGUSR2' })
    server.signal('SIGWINCH')
    await server.until('arbiter.resized')
    expect(await body(server)).toBe('here')
    expect(server.workers()).toEqual(pids)
    expect(listening(server)).toEqual([server.port()])
  })

  test('says nothing of WINCH, which every resize of a terminal sends, above debug', async () => {
    const server = await serving(saying('here'))
    const before = server.lines.length
    server.signal('SIGWINCH')
    server.signal('SIGUSR2')
    await server.until('arbiter.signal-ignored', { signal: 'SIGUSR2' })
    expect(server.lines.slice(before).map(({ event, signal }) => [event, signal])).toEqual([
      ['arbiter.signal', 'SIGUSR2'],
      ['arbiter.signal-ignored', 'SIGUSR2'],
    ])
  })

  test('loses nothing when every process of its tree gets TERM at once, as a service manager sends it', async () => {
    const app = `${holding}process.on('SIGTERM', () => process.exit(3))\n`
    const server = await serving(app, ['-w', '2'])
    const held = [await hold(server), await hold(server), await hold(server)]
    for (const pid of server.family()) process.kill(pid, 'SIGTERM')
    await server.untilCount('worker.draining', 2)
    put(server, 'end')
    for (const { whole } of held) expect((await whole).body).toBe('held')
    expect(await server.exited).toEqual(asAsked)
  })

  test('alone hears what a terminal sends to its foreground group', async () => {
    const app = `${holding}process.on('SIGINT', () => process.exit(3))\n`
    const server = await serving(app, ['-w', '2'], { detached: true })
    const held = await hold(server)
    process.kill(-server.pid, 'SIGINT')
    put(server, 'end')
    expect((await held.whole).body).toBe('held')
    expect(await server.exited).toEqual(asAsked)
    expect(server.all('worker.draining').map((line) => line['reason'])).toEqual(['stop', 'stop'])
  })
})

describe('the arbiter, while its first workers boot', () => {
  const booting = async (app: string): Promise<Running> => {
    const server = start({ args: ['app.mjs', '-w', '2', ...bind], files: { 'app.mjs': app } })
    await server.untilCount('worker.booting', 2)
    return server
  }

  test.each(['SIGTERM', 'SIGINT', 'SIGQUIT'] as const)('ends at once at %s and kills them', async (signal) => {
    const server = await booting(hangingAtImport)
    server.signal(signal)
    expect(await server.exited).toEqual(asAsked)
    expect(server.all('worker.gone').map((line) => line['signal'])).toEqual(['SIGKILL', 'SIGKILL'])
  })

  test('ends at once although their imports block', async () => {
    const server = await booting('for (;;);')
    server.signal('SIGTERM')
    expect(await server.exited).toEqual(asAsked)
  })

  test('hears the others and boots on', async () => {
    const server = await booting(importingAfter('go', 'here'))
    for (const signal of ['SIGUSR1', 'SIGUSR2', 'SIGWINCH', 'SIGTTIN', 'SIGTTOU'] as const) server.signal(signal)
    await server.until('arbiter.signal', { signal: 'SIGTTOU' })
    put(server, 'go')
    await server.ready()
    expect(await body(server)).toBe('here')
    expect(listening(server)).toEqual([server.port()])
  })

  test.each([
    ['hook onStarting', 'onStarting: () => new Promise(() => {})'],
    ['hook preFork', 'preFork: () => new Promise(() => {})'],
  ])('ends at TERM although its %s never settles', async (_, hook) => {
    const server = start({
      args: ['app.mjs', ...bind],
      files: { 'app.mjs': saying('here'), 'monoceros.config.mjs': `export default { ${hook} }` },
    })
    await server.until('arbiter.starting')
    server.signal('SIGTERM')
    expect(await server.exited).toEqual(asAsked)
  })
})

describe('the arbiter, while it reloads', () => {
  test.each(['SIGTERM', 'SIGINT', 'SIGQUIT'] as const)('ends at %s: the new workers are killed, the old ones drained', async (signal) => {
    const server = await serving(holding, ['--graceful-timeout', '600'])
    const held = await hold(server)
    put(server, 'app.mjs', hangingAtImport)
    server.signal('SIGHUP')
    const young = await server.until('worker.booting', { gen: 2 })
    server.signal(signal)
    put(server, 'end')
    expect((await held.whole).body).toBe('held')
    await server.until('worker.gone', { childPid: young.childPid, signal: 'SIGKILL' })
    expect(await server.exited).toEqual(asAsked)
  })

  test('is killed with all its workers by two INT', async () => {
    const server = await serving(saying('here'), ['-w', '2'])
    put(server, 'app.mjs', 'for (;;);')
    server.signal('SIGHUP')
    await server.until('worker.booting', { gen: 2 })
    server.signal('SIGINT')
    await server.until('arbiter.stopping')
    server.signal('SIGINT')
    expect(await server.exited).toEqual(asAsked)
  })
})

describe('the arbiter, while it drains', () => {
  const draining = async (): Promise<[Running, Awaited<ReturnType<typeof hold>>]> => {
    const server = await serving(holding, ['--graceful-timeout', '600'])
    const held = await hold(server)
    server.signal('SIGTERM')
    await server.until('worker.draining')
    return [server, held]
  }

  test('is not moved by another TERM, nor by what it cannot do any more', async () => {
    const [server, held] = await draining()
    for (const signal of ['SIGTERM', 'SIGHUP', 'SIGTTIN', 'SIGTTOU', 'SIGUSR2'] as const) {
      server.signal(signal)
      await server.until('arbiter.signal-ignored', { signal })
    }
    server.signal('SIGUSR1')
    await server.until('arbiter.reopened')
    put(server, 'end')
    expect((await held.whole).body).toBe('held')
    expect(await server.exited).toEqual(asAsked)
    expect(server.all('worker.booting')).toHaveLength(1)
  })

  test.each(['SIGINT', 'SIGQUIT'] as const)('becomes quick at %s', async (signal) => {
    const [server, held] = await draining()
    server.signal(signal)
    await expect(held.whole).rejects.toThrow()
    expect(await server.exited).toEqual(asAsked)
    expect(server.all('worker.drained')).toMatchObject([{ cutRequests: 1 }])
  })

  test('kills at a second INT', async () => {
    const [server, held] = await draining()
    server.signal('SIGINT')
    await server.until('arbiter.signal', { signal: 'SIGINT' })
    server.signal('SIGINT')
    expect(await server.exited).toEqual(asAsked)
    await expect(held.whole).rejects.toThrow()
    await server.until('worker.gone', { signal: 'SIGKILL' })
  })
})

describe('the arbiter, before its modules are loaded', () => {
  const young = async (config?: string): Promise<Running> => {
    const files = { 'app.mjs': saying('here'), ...(config === undefined ? {} : { 'monoceros.config.mjs': config }) }
    const server = start({ args: ['app.mjs', ...bind], files })
    await handles(server.pid, 'SIGWINCH') // the last one that gets its handler
    return server
  }

  test.each(['SIGTERM', 'SIGINT', 'SIGQUIT'] as const)('ends by %s like any program', async (signal) => {
    const server = await young()
    server.signal(signal)
    const exit = await server.exited
    // A machine that is slow at this moment lets it come further: then it ends as it is asked to.
    expect([{ code: null, signal }, asAsked]).toContainEqual(exit)
  })

  test('ends by TERM although the import of its config file never ends', async () => {
    const server = await young(`import { writeFileSync } from 'node:fs'\nwriteFileSync('reached', '')\n${hangingAtImport}`)
    while (!existsSync(join(server.folder, 'reached'))) await new Promise((resolve) => setImmediate(resolve))
    server.signal('SIGTERM')
    expect(await server.exited).toEqual({ code: null, signal: 'SIGTERM' })
  })

  test('keeps the others until it can do what they ask', async () => {
    const server = await young()
    for (const signal of ['SIGTTIN', 'SIGHUP', 'SIGUSR1', 'SIGUSR2', 'SIGWINCH'] as const) server.signal(signal)
    await server.until('arbiter.reopened')
    await server.until('arbiter.scaled', { from: 1, to: 2 })
    await server.until('reload.done')
    expect(await body(server)).toBe('here')
    expect(listening(server)).toEqual([server.port()])
  })

  test('opens no debugger at USR1, even before it has a handler', async () => {
    const server = start({ args: ['app.mjs', ...bind], files: { 'app.mjs': saying('here') } })
    await blocks(server.pid, 'SIGUSR1')
    server.signal('SIGUSR1')
    await server.ready()
    await poll(() => listening(server).length === 1)
    expect(listening(server)).toEqual([server.port()])
  })
})
