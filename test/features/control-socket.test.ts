/** The control socket, spoken to by a client of its own: every command, and every way to be a bad client. */
import { existsSync, readFileSync, renameSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { createServer } from 'node:net'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, onTestFinished, test } from 'vitest'
import { ask, begin } from '../support/client.ts'
import { control, frame, socketPathOf } from '../support/control.ts'
import { packageFiles } from '../support/dirty.ts'
import { type Running, start, startShared, testFolder } from '../support/harness.ts'
import { poll } from '../support/poll.ts'
import { holding, saying } from '../support/programs.ts'

const jobs = `
import { DirtyApp } from 'monoceros/dirty'
export class JobApp extends DirtyApp { echo(value) { return value } }
`

const serve = (args: readonly string[] = [], app = holding, env: Readonly<Record<string, string>> = {}) =>
  start({ args: ['app.mjs', '-w', '2', '-b', '127.0.0.1:0', ...args], files: { 'app.mjs': app }, env })

describe('what is shown', () => {
  let shared: ReturnType<typeof startShared>
  let server: Running
  beforeAll(async () => {
    const args = ['app.mjs', '-w', '2', '-b', '127.0.0.1:0', '--dirty-app', './jobs.mjs:JobApp', '--dirty-workers', '2']
    shared = startShared({ args, files: { 'app.mjs': holding, 'jobs.mjs': jobs, ...packageFiles } })
    server = shared.running
    await server.ready()
  })
  afterAll(() => shared.close())

  test('the tree has every process, with what Gunicorn tells of each and its state', async () => {
    const client = await control(server)
    const all = await client.data('show all')
    expect(all.arbiter).toMatchObject({ pid: server.pid, type: 'arbiter', role: 'master', state: 'ready.steady' })
    expect(all.web_worker_count).toBe(2)
    expect(new Set(all.web_workers.map(({ pid }: { pid: number }) => pid))).toEqual(new Set(server.workers().values()))
    expect(all.web_workers[0]).toMatchObject({ type: 'web', age: expect.any(Number), booted: true, state: 'ready', slot: 0 })
    expect(all.dirty_arbiter).toMatchObject({ type: 'dirty_arbiter', role: 'dirty master', state: 'ready' })
    expect(all.dirty_worker_count).toBe(2)
    expect(all.dirty_workers[0]).toMatchObject({ apps: ['jobs'], booted: true, state: 'ready' })
  })

  test('a worker tells its beat, its memory and the load of its loop', async () => {
    const client = await control(server)
    const worker = await poll(async () => {
      const { workers } = await client.data('show workers')
      return workers.length === 2 && workers[0].memory_bytes > 0 && workers[0].heap_bytes > 0 ? workers[0] : null
    })
    expect(worker).toMatchObject({ booted: true, aborted: false, generation: 1, last_heartbeat: expect.any(Number) })
    expect(worker.memory_bytes).toBeGreaterThan(worker.heap_bytes)
    expect(worker.utilization).toBeGreaterThanOrEqual(0)
    expect(worker.utilization).toBeLessThanOrEqual(1)
  })

  test('the dirty pool tells its workers and its apps', async () => {
    const client = await control(server)
    const dirty = await client.data('show dirty')
    expect(dirty).toMatchObject({ enabled: true, pid: expect.any(Number) })
    expect(dirty.workers).toHaveLength(2)
    const [app] = dirty.apps
    expect(app).toMatchObject({ import_path: './jobs.mjs:JobApp', worker_count: null, current_workers: 2, queued: 0, capacity: 2 })
    expect(new Set(app.worker_pids)).toEqual(new Set(dirty.workers.map(({ pid }: { pid: number }) => pid)))
  })

  test('settings have Gunicorn’s names', async () => {
    const client = await control(server)
    const config = await client.data('show config')
    expect(config).toMatchObject({ bind: ['127.0.0.1:0'], workers: 2, worker_class: 'async', graceful_timeout: 30, dirty_workers: 2 })
    expect(config).toMatchObject({ control_socket: socketPathOf(server), control_socket_disable: false })
  })

  test('listeners and counters', async () => {
    const client = await control(server)
    const { listeners, count } = await client.data('show listeners')
    expect(count).toBe(1)
    expect(listeners).toEqual([{ address: `127.0.0.1:${server.port()}`, fd: expect.any(Number), type: 'tcp' }])
    const before = (await client.data('show stats')).requests_served
    await ask({ port: server.port() })
    const after = await poll(async () => {
      const stats = await client.data('show stats')
      return stats.requests_served > before ? stats : null
    })
    expect(after).toMatchObject({
      pid: server.pid,
      workers_current: 2,
      workers_target: 2,
      workers_spawned: 2,
      workers_killed: 0,
      reloads: 0,
    })
    expect(after.dirty_arbiter_pid).toBeGreaterThan(0)
    expect(after.uptime).toBeGreaterThan(0)
  })

  test('every chart of every process tells its state and what led there', async () => {
    const client = await control(server)
    const { machines } = await poll(async () => {
      const data = await client.data('show machines')
      const settled = data.machines.filter(({ chart, state }: { chart: string; state: string }) => chart === 'worker' && state === 'ready')
      return settled.length === 4 ? data : null
    })
    const rows = machines as { pid: number; role: string; chart: string; state: string; event: string; for_s: number }[]
    expect(rows.find(({ role, chart }) => role === 'arbiter' && chart === 'arbiter')).toMatchObject({
      pid: server.pid,
      state: 'ready.steady',
    })
    expect(rows.filter(({ role, chart }) => role === 'arbiter' && chart === 'worker-handle')).toHaveLength(3)
    expect(rows.filter(({ role, chart }) => role === 'dirty-arbiter' && chart === 'worker-handle')).toHaveLength(2)
    for (const row of rows) expect(row).toMatchObject({ event: expect.any(String), for_s: expect.any(Number) })
    const [pid] = server.workers().values()
    const one = await client.data(`show machines ${pid}`)
    expect(new Set(one.machines.map((row: { pid: number }) => row.pid))).toEqual(new Set([pid]))
  })

  test('events are told oldest first, can be chosen, and are read on from a number', async () => {
    const client = await control(server)
    const all = await client.data('show events --since 1h')
    const ids = all.events.map(({ id }: { id: number }) => id)
    expect(ids.length).toBeGreaterThan(10)
    expect(ids).toEqual([...ids].sort((one: number, other: number) => one - other))
    const handles = await client.data('show events --actor worker-handle --since 1h')
    expect(handles.events.length).toBeGreaterThan(0)
    for (const { actor } of handles.events) expect(actor).toContain('worker-handle')
    const [first, second, third] = ids
    const later = await client.data(`show events --after ${first} --limit 2`)
    expect(later.events.map(({ id }: { id: number }) => id)).toEqual([second, third])
    expect((await client.data('show events --since 2099-01-01T00:00:00Z')).events).toEqual([])
  })

  test('requests in flight are told with their age and their worker', async () => {
    const client = await control(server)
    const held = await begin({ port: server.port(), path: '/hold/show?token=secret' })
    const { requests } = await client.data('show requests')
    expect(requests).toEqual([
      expect.objectContaining({
        method: 'GET',
        path: '/hold/show',
        pid: Number(held.headers['pid']),
        role: 'worker',
        age_s: expect.any(Number),
      }),
    ])
    writeFileSync(join(server.folder, 'show?token=secret'), '')
    expect((await held.whole).body).toBe('held')
  })

  test('queues: of the kernel for each address, and of each dirty app', async () => {
    const client = await control(server)
    const { queues } = await client.data('show queues')
    expect(queues).toContainEqual({ kind: 'kernel', name: `127.0.0.1:${server.port()}`, waiting: 0, taken: null, capacity: null })
    expect(queues).toContainEqual({ kind: 'dirty', name: 'jobs', waiting: 0, taken: 0, capacity: 2 })
    expect((await client.data('show threads')).threads).toEqual([])
  })

  test('stacks of all processes are had without stopping any', async () => {
    const client = await control(server)
    const { stacks, count } = await client.data('stacks all')
    expect(count).toBe(6)
    expect(stacks.map(({ role }: { role: string }) => role).sort()).toEqual([
      'arbiter',
      'dirty-arbiter',
      'dirty-worker',
      'dirty-worker',
      'worker',
      'worker',
    ])
    for (const { where, problem } of stacks) expect([where, problem]).toEqual([expect.stringMatching(/waits|JavaScript/), undefined])
    expect((await ask({ port: server.port() })).body).toBe('quick')
  })

  test('a profile and a heap are written to files of their own, which only their owner can read', async () => {
    const client = await control(server)
    const dirtyPid = (await client.data('show dirty')).workers[0].pid
    for (const pid of [server.pid, [...server.workers().values()][0], dirtyPid]) {
      for (const command of [`profile ${pid} 0.1`, `heap ${pid}`]) {
        const answer = await client.data(command)
        onTestFinished(() => rmSync(answer.path, { force: true }))
        expect(answer.pid).toBe(pid)
        expect(statSync(answer.path)).toMatchObject({ size: answer.bytes, mode: 0o100600 })
        const written = JSON.parse(readFileSync(answer.path, 'utf8'))
        expect(written).toHaveProperty('nodes')
      }
    }
    expect((await ask({ port: server.port() })).body).toBe('quick')
    expect(server.all('worker.died')).toEqual([])
  })

  test('help lists every command, and a word that is none is told with the one that is meant', async () => {
    const client = await control(server)
    const { commands } = await client.data('help')
    expect(Object.keys(commands)).toEqual(expect.arrayContaining(['show all', 'worker add [N]', 'shutdown [graceful|quick]', 'help']))
    const wrong = await client.ask('shwo workers')
    expect(wrong).toMatchObject({ status: 'error', code: 'MON_CONTROL_UNKNOWN', advice: expect.any(String) })
    expect(wrong.error).toMatch(/^Invalid argument: .*show workers/)
    expect(await client.ask('')).toMatchObject({ status: 'error', error: 'Empty command' })
  })

  test.each([
    ['worker kill', 'PID'],
    ['worker kill x', 'x'],
    ['worker add -1', '-1'],
    ['worker add 2 3', '3'],
    ['shutdown now', 'now'],
    ['profile 1', 'SECONDS'],
    ['show events --since yesterday', 'yesterday'],
    ['loglevel loud', 'loud'],
    ['drain all', 'all'],
  ])('%s is an invalid argument', async (command, part) => {
    const client = await control(server)
    const answer = await client.ask(command)
    expect(answer).toMatchObject({ status: 'error', code: 'MON_CONTROL_USAGE' })
    expect(answer.error).toMatch(/^Invalid argument: /)
    expect(answer.error).toContain(part)
  })

  test.each(['worker kill 1', 'heap 1', 'stacks 1', 'drain 9', 'worker restart 9'])(
    '%s fails, as there is no such thing',
    async (command) => {
      const client = await control(server)
      const answer = await client.ask(command)
      expect(answer).toMatchObject({ status: 'error', code: 'MON_CONTROL_NO_PROCESS', advice: expect.any(String) })
      expect(answer.error).toMatch(/^Command failed: /)
    },
  )

  test('arguments may stand in the command or beside it, as Gunicorn’s client sends them', async () => {
    const client = await control(server)
    const answer = await client.ask('show events', ['--limit', 1])
    expect(answer.data.events).toHaveLength(1)
    expect(await client.ask('\'show\' "workers"')).toMatchObject({ status: 'ok' })
  })
})

describe('orders', () => {
  test('workers are added and removed, and one stays', async () => {
    const server = serve()
    await server.ready()
    const client = await control(server)
    expect(await client.data('worker add 2')).toEqual({ added: 2, previous: 2, total: 4 })
    await server.untilCount('worker.ready', 4)
    expect(await client.data('worker remove 9')).toEqual({ removed: 3, previous: 4, total: 1 })
    await server.untilCount('worker.gone', 3)
    expect(await client.data('worker add')).toEqual({ added: 1, previous: 1, total: 2 })
    const orders = await server.untilCount('control.order', 3)
    expect(orders.map((line) => line['command'])).toEqual(['worker add 2', 'worker remove 9', 'worker add'])
  })

  test('a worker that is killed by its pid finishes what it has, and is replaced at once', async () => {
    const server = serve()
    await server.ready()
    const client = await control(server)
    const held = await begin({ port: server.port(), path: '/hold/kill' })
    const pid = Number(held.headers['pid'])
    expect(await client.data(`worker kill ${pid}`)).toEqual({ success: true, killed: pid })
    await server.untilCount('worker.ready', 3)
    expect(server.all('worker.gone')).toEqual([])
    writeFileSync(join(server.folder, 'kill'), '')
    expect((await held.whole).body).toBe('held')
    await server.until('worker.gone', { childPid: pid })
  })

  test('a worker that is restarted by its slot drains when its successor is ready', async () => {
    const server = serve()
    await server.ready()
    const client = await control(server)
    const before = server.workers()
    expect(await client.data('worker restart 1')).toEqual({ restarting: [{ slot: 1, pid: before.get(1) }], count: 1 })
    const draining = await server.until('worker.draining', { childPid: before.get(1) })
    const ready = server.all('worker.ready', { slot: 1 }).at(-1)
    expect(ready?.childPid).not.toBe(before.get(1))
    expect(server.lines.indexOf(ready as never)).toBeLessThan(server.lines.indexOf(draining))
    expect(server.workers().get(0)).toBe(before.get(0))
    const { events } = await client.data('show events --actor worker-handle --since 1h')
    const led = events.filter(({ cause }: { cause: string | null }) => cause?.includes('control: worker restart 1'))
    expect(led.map(({ to }: { to: string }) => to)).toEqual(expect.arrayContaining(['ready', 'draining']))
    expect((await client.data('worker restart all')).count).toBe(2)
    await server.untilCount('worker.gone', 3)
    expect((await client.data('show stats')).workers_ended).toEqual({ recycle: 3 })
  })

  test('a slot that is drained is filled again beside the worker that goes', async () => {
    const server = serve()
    await server.ready()
    const client = await control(server)
    const pid = server.workers().get(0)
    expect(await client.data('drain 0')).toEqual({ draining: pid, slot: 0, replaced: true })
    await server.until('worker.draining', { childPid: pid, reason: 'drain' })
    await server.until('worker.ready', (line) => line.slot === 0 && line.childPid !== pid)
    await server.until('worker.gone', { childPid: pid })
  })

  test('a reload that is waited for answers when the new workers are ready', async () => {
    const server = serve()
    await server.ready()
    const client = await control(server)
    expect(await client.data('reload')).toEqual({ status: 'reloading' })
    await server.until('reload.done')
    expect(await client.data('reload --wait')).toMatchObject({ status: 'reloaded', generation: 3, workers: 2 })
    await server.until('reload.done', { generation: 3 })
  })

  test('a reload that fails is a failure, with its reason', async () => {
    const server = serve([], saying('good'))
    await server.ready()
    const client = await control(server)
    writeFileSync(join(server.folder, 'app.mjs'), 'throw new Error("no database")\n')
    const answer = await client.ask('reload --wait')
    expect(answer).toMatchObject({ status: 'error', code: 'MON_CONTROL_RELOAD' })
    expect(answer.error).toContain('no database')
    expect((await ask({ port: server.port() })).body).toBe('good')
  })

  test('a reload that is waited for while the server is told to stop does not wait for ever', async () => {
    const server = serve([], saying('good'))
    await server.ready()
    const client = await control(server)
    writeFileSync(join(server.folder, 'app.mjs'), 'await new Promise((resolve) => setTimeout(resolve, 60_000))\n')
    client.write(frame({ id: 'r', command: 'reload --wait', args: [] }))
    await server.until('reload.started')
    server.signal('SIGTERM')
    expect(await client.next()).toMatchObject({ id: 'r', status: 'error', code: 'MON_CONTROL_RELOAD' })
  })

  test('the log level changes in every process, those to come included, until the next reload', async () => {
    const config = `export default { preRequest(worker) { worker.log.debug('seen'); worker.log.info('seen') } }`
    const server = start({
      args: ['app.mjs', '-w', '1', '-b', '127.0.0.1:0'],
      files: { 'app.mjs': saying('here'), 'monoceros.config.mjs': config },
    })
    await server.ready()
    const client = await control(server)
    expect(await client.data('loglevel')).toEqual({ level: 'info' })
    expect(await client.data('loglevel debug')).toEqual({ level: 'debug' })
    const debugFrom = async () => {
      const pid = server.workers().get(0)
      const after = server.lines.length
      await ask({ port: server.port() })
      await server.until('hook.info', { pid }, { after })
      return server.all('hook.debug', { pid }).length
    }
    await poll(async () => (await debugFrom()) > 0)
    await client.data('worker restart 0')
    await server.untilCount('worker.gone', 1)
    expect(await debugFrom()).toBe(1)
    await client.data('reload --wait')
    await server.untilCount('worker.gone', 2)
    expect(await debugFrom()).toBe(0)
    expect(await client.data('loglevel')).toEqual({ level: 'info' })
  })

  test('logs are opened again', async () => {
    const server = serve(['--error-logfile', 'server.log'])
    const log = join(server.folder, 'server.log')
    const path = socketPathOf(server)
    await poll(() => existsSync(path) && readFileSync(log, 'utf8').includes('arbiter.ready'))
    renameSync(log, `${log}.1`)
    const { connect } = await import('node:net')
    const socket = connect(path)
    onTestFinished(() => void socket.destroy())
    socket.write(frame({ id: 1, command: 'reopen', args: [] }))
    await poll(() => existsSync(log) && readFileSync(log, 'utf8').includes('arbiter.reopened'))
  })

  test('dirty workers are added and removed; what their apps need stays', async () => {
    const server = start({
      args: ['app.mjs', '-w', '1', '-b', '127.0.0.1:0', '--dirty-app', './jobs.mjs:JobApp:1', '--dirty-workers', '1'],
      files: { 'app.mjs': saying('here'), 'jobs.mjs': jobs, ...packageFiles },
    })
    await server.ready()
    const client = await control(server)
    expect(await client.data('dirty add')).toMatchObject({ success: true, operation: 'add', requested: 1, total_workers: 2 })
    await server.until('worker.ready', (line) => line.role === 'dirty-arbiter' && line.slot === 1)
    expect(await client.data('dirty remove 5')).toMatchObject({ success: true, operation: 'remove', removed: 1, total_workers: 1 })
    const refused = await client.ask('dirty remove')
    expect(refused).toMatchObject({ status: 'error', code: 'MON_CONTROL_NEEDED' })
  })

  test.each([
    ['shutdown', 'graceful'],
    ['shutdown quick', 'quick'],
  ])('%s answers, and then the server ends as asked', async (command, mode) => {
    const server = serve()
    await server.ready()
    const client = await control(server)
    expect(await client.data(command)).toEqual({ status: 'shutting_down', mode })
    expect(await server.exited).toEqual({ code: 0, signal: null })
    expect(existsSync(socketPathOf(server))).toBe(false)
  })

  test('a server that drains still shows what it waits for, and refuses what it cannot do any more', async () => {
    const server = serve()
    await server.ready()
    const client = await control(server)
    const held = await begin({ port: server.port(), path: '/hold/end' })
    await client.data('shutdown')
    await server.until('worker.draining', { childPid: Number(held.headers['pid']) })
    const { requests } = await client.data('show requests')
    expect(requests).toMatchObject([{ path: '/hold/end' }])
    expect(await client.ask('worker add')).toMatchObject({ status: 'error', code: 'MON_CONTROL_STATE' })
    writeFileSync(join(server.folder, 'end'), '')
    expect((await held.whole).body).toBe('held')
    expect(await server.exited).toEqual({ code: 0, signal: null })
  })
})

describe('the threads of workers', () => {
  const app = `
import { existsSync, writeFileSync } from 'node:fs'
export default async (req, res) => {
  if (req.url !== '/spin') return res.end('quick')
  writeFileSync('spins', '')
  while (!existsSync('end'));
  res.end('spun')
}
`
  test('tell what they do, whose request they have, and where they are in it', async () => {
    const server = start({
      args: ['app.mjs', '-w', '1', '-b', '127.0.0.1:0', '--worker-class', 'gthread', '--threads', '2'],
      files: { 'app.mjs': app },
    })
    await server.ready()
    const client = await control(server)
    const pid = server.workers().get(0)
    const spinning = ask({ port: server.port(), path: '/spin' })
    await poll(() => existsSync(join(server.folder, 'spins')))
    const { requests } = await client.data('show requests')
    expect(requests).toMatchObject([{ pid, slot: 0, thread: expect.any(Number), method: 'GET', path: '/spin' }])
    const [own] = (await client.data(`stacks ${pid}`)).stacks
    const busy = own.threads.find(({ thread }: { thread: number }) => thread === requests[0].thread)
    expect(busy.stack.join('\n')).toContain('app.mjs')
    const { threads } = await poll(async () => {
      const data = await client.data('show threads')
      return data.threads.some(({ state }: { state: string }) => state === 'busy') ? data : null
    })
    expect(threads).toHaveLength(2)
    expect((await client.data('show queues')).queues).toContainEqual(expect.objectContaining({ kind: 'threads', taken: 1, capacity: 2 }))
    writeFileSync(join(server.folder, 'end'), '')
    expect((await spinning).body).toBe('spun')
  })
})

test('a worker whose loop is blocked is looked into all the same, and goes on', async () => {
  const app = `
import { existsSync, writeFileSync } from 'node:fs'
export default (req, res) => {
  writeFileSync('spins', '')
  while (!existsSync('end'));
  res.end('spun')
}
`
  const server = start({ args: ['app.mjs', '-w', '1', '-b', '127.0.0.1:0'], files: { 'app.mjs': app } })
  await server.ready()
  const client = await control(server)
  const pid = server.workers().get(0)
  const spinning = ask({ port: server.port(), path: '/spin' })
  await poll(() => existsSync(join(server.folder, 'spins')))
  const [own] = (await client.data(`stacks ${pid}`)).stacks
  expect(own.stack.join('\n')).toContain('app.mjs')
  expect(own.requests).toMatchObject([{ method: 'GET', path: '/spin' }])
  const profile = await client.data(`profile ${pid} 0.1`)
  onTestFinished(() => rmSync(profile.path, { force: true }))
  // What ran before the profile began, and runs still, has lost its file in it: V8 tells only functions.
  expect(JSON.parse(readFileSync(profile.path, 'utf8')).samples.length).toBeGreaterThan(0)
  await poll(async () => (await client.data('show workers')).workers[0].utilization === 1)
  writeFileSync(join(server.folder, 'end'), '')
  expect((await spinning).body).toBe('spun')
})

describe('a client that is wrong, slow or silent', () => {
  let shared: ReturnType<typeof startShared>
  let server: Running
  beforeAll(async () => {
    shared = startShared({ args: ['app.mjs', '-w', '1', '-b', '127.0.0.1:0'], files: { 'app.mjs': saying('here') } })
    server = shared.running
    await server.ready()
  })
  afterAll(() => shared.close())

  test.each([
    ['of a huge length', Buffer.from([0xff, 0xff, 0xff, 0xff])],
    ['of sixteen megabytes', Buffer.from([0x01, 0x00, 0x00, 0x00])],
    ['that is no JSON', frame('{nonsense')],
    ['that is HTTP', Buffer.from('GET / HTTP/1.1\r\nHost: localhost\r\n\r\n')],
  ])('a frame %s ends its connection, with a word', async (_, bytes) => {
    const client = await control(server)
    client.write(bytes)
    expect(await client.next()).toMatchObject({ id: null, status: 'error', error: expect.stringMatching(/^Malformed request/) })
    expect(await client.next()).toBeNull()
  })

  test.each([
    ['null'],
    ['[]'],
    ['5'],
    ['{"id":1}'],
    ['{"id":1,"command":5}'],
    ['{"id":1,"command":"help","args":"x"}'],
    ['{"id":1,"command":"help","args":[{}]}'],
  ])('the request %s is answered with an error, and the next is answered', async (text) => {
    const client = await control(server)
    client.write(frame(text))
    expect(await client.next()).toMatchObject({ status: 'error', error: expect.stringMatching(/^Invalid argument/) })
    client.write(frame({ id: 2, command: 'show stats', args: [] }))
    expect(await client.next()).toMatchObject({ id: 2, status: 'ok' })
  })

  test('a request that comes byte by byte, and several in one piece, are answered one after the other', async () => {
    const client = await control(server)
    client.socket.setNoDelay(true)
    for (const byte of frame({ id: 'slow', command: 'show stats', args: [] })) client.write(Buffer.from([byte]))
    expect(await client.next()).toMatchObject({ id: 'slow', status: 'ok' })
    const many = Array.from({ length: 50 }, (_, id) => frame({ id, command: 'show listeners', args: [] }))
    client.write(Buffer.concat(many))
    for (let id = 0; id < 50; id++) expect(await client.next()).toMatchObject({ id, status: 'ok' })
  })

  test('what came whole before a bad frame is answered', async () => {
    const client = await control(server)
    client.write(Buffer.concat([frame({ id: 1, command: 'show listeners', args: [] }), Buffer.from([0xff, 0xff, 0xff, 0xff])]))
    expect(await client.next()).toMatchObject({ id: 1, status: 'ok' })
    expect(await client.next()).toMatchObject({ id: null, status: 'error' })
    expect(await client.next()).toBeNull()
  })

  test('one that has said all it wants, and closes its half, gets its answer', async () => {
    const client = await control(server)
    client.socket.end(frame({ id: 1, command: 'stacks all', args: [] }))
    expect(await client.next()).toMatchObject({ id: 1, status: 'ok' })
    expect(await client.next()).toBeNull()
  })

  test('200 clients with half a frame, and one that never reads, hold up nobody', async () => {
    const half = frame({ id: 1, command: 'show all', args: [] }).subarray(0, 9)
    const silent = await Promise.all(Array.from({ length: 200 }, () => control(server)))
    for (const client of silent) client.write(half)
    const deaf = await control(server)
    deaf.socket.pause()
    const request = frame({ id: 1, command: 'show events', args: ['--limit', '5000'] })
    // The kernel takes what it has room for; the server must stop reading long before it has answered all.
    for (let sent = 0; sent < 20_000; sent++) deaf.write(request)
    const client = await control(server)
    expect((await client.data('show workers')).count).toBe(1)
    expect((await ask({ port: server.port() })).body).toBe('here')
    const { arbiter } = await client.data('show all')
    expect(arbiter.memory_bytes).toBeLessThan(300 * 2 ** 20)
    deaf.socket.destroy()
    for (const { socket } of silent) socket.destroy()
    expect((await client.data('show workers')).count).toBe(1)
  })
})

describe('the file of the socket', () => {
  test('has its mode, and is taken away at the end', async () => {
    const server = serve(['--control-socket', 'own.ctl', '--control-socket-mode', '0660'])
    await server.ready()
    const path = join(server.folder, 'own.ctl')
    const { path: told } = await server.until('control.listening')
    expect(told).toBe(path)
    expect(statSync(path).mode & 0o777).toBe(0o660)
    await server.stop()
    expect(existsSync(path)).toBe(false)
  })

  test('is never taken from a server that lives, and not deleted by one that could not have it', async () => {
    const first = serve()
    await first.ready()
    const path = socketPathOf(first)
    const second = serve([], holding, { MONOCEROS_CONTROL_SOCKET: path })
    await second.until('control.taken', { path })
    await second.ready()
    expect(await second.stop()).toEqual({ code: 0, signal: null })
    const client = await control(first)
    expect((await client.data('show stats')).pid).toBe(first.pid)
  })

  test('that a killed server left behind is replaced', async () => {
    const folder = testFolder()
    onTestFinished(() => rmSync(folder, { recursive: true }))
    const env = { MONOCEROS_CONTROL_SOCKET: join(folder, 'left.ctl') }
    const first = serve([], holding, env)
    await first.ready()
    first.signal('SIGKILL')
    await first.exited
    expect(existsSync(env.MONOCEROS_CONTROL_SOCKET)).toBe(true)
    const second = serve([], holding, env)
    const client = await control(second, env.MONOCEROS_CONTROL_SOCKET)
    expect((await client.data('show stats')).pid).toBe(second.pid)
  })

  test('that somebody else has put there meanwhile stays', async () => {
    const server = serve()
    await server.ready()
    await server.until('control.listening')
    const path = socketPathOf(server)
    rmSync(path)
    const other = createServer().listen(path)
    onTestFinished(() => void other.close())
    await poll(() => existsSync(path))
    await server.stop()
    expect(existsSync(path)).toBe(true)
  })

  test('that cannot be made costs one warning, and the server serves', async () => {
    const server = serve(['--control-socket', `${'x'.repeat(150)}.ctl`])
    await server.until('control.failed')
    await server.ready()
    expect((await ask({ port: server.port() })).body).toBe('quick')
  })

  test('that is no socket is left alone', async () => {
    const server = start({
      args: ['app.mjs', '-w', '1', '-b', '127.0.0.1:0', '--control-socket', 'notes.txt'],
      files: { 'app.mjs': saying('here'), 'notes.txt': 'mine' },
    })
    await server.until('control.failed')
    await server.ready()
    expect(readFileSync(join(server.folder, 'notes.txt'), 'utf8')).toBe('mine')
  })

  test('is not there when it is not wanted', async () => {
    const server = serve(['--no-control-socket'])
    await server.ready()
    await server.stop()
    expect(server.all('control.listening')).toEqual([])
    expect(existsSync(socketPathOf(server))).toBe(false)
  })

  test('stands in XDG_RUNTIME_DIR when that is a folder, else in the home', async () => {
    const home = testFolder({ 'run/.keep': '' })
    onTestFinished(() => rmSync(home, { recursive: true }))
    for (const [runtime, expected] of [
      [join(home, 'run'), join(home, 'run/monoceros.ctl')],
      [join(home, 'none'), join(home, '.monoceros/monoceros.ctl')],
    ] as const) {
      const server = start({
        args: ['app.mjs', '-w', '1', '-b', '127.0.0.1:0'],
        files: { 'app.mjs': saying('here') },
        env: { HOME: home, XDG_RUNTIME_DIR: runtime, MONOCEROS_CONTROL_SOCKET: undefined as never },
      })
      expect(await server.until('control.listening')).toMatchObject({ path: expected })
      await server.ready()
      await server.stop()
    }
  })
})
