import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { existsSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, onTestFinished, test } from 'vitest'
import { ask } from '../support/client.ts'
import { appOf, collect, dirtyWorkers, door, failure, socketOf, startDirty } from '../support/dirty.ts'
import type { Running } from '../support/harness.ts'
import { poll } from '../support/poll.ts'

/** Its calls tell in the files of its folder what they do: `NAME.began`, and end when `NAME.go` is there. */
const jobs = `
import { execSync } from 'node:child_process'
import { existsSync, writeFileSync, appendFileSync } from 'node:fs'
import { threadId } from 'node:worker_threads'
import { DirtyApp, dirty } from 'monoceros/dirty'
const pause = (ms) => new Promise((resolve) => setTimeout(resolve, ms))
export class JobApp extends DirtyApp {
  count = 0
  where() { this.count++; return process.pid + '.' + threadId }
  echo(value) { return value }
  size(buffer) { return buffer.byteLength }
  async hold(name) {
    writeFileSync(name + '.began', '')
    while (!existsSync(name + '.go')) { await pause(5); this.signal.throwIfAborted() }
    writeFileSync(name + '.ended', '')
    return name
  }
  async heed(name) {
    writeFileSync(name + '.began', '')
    await new Promise((resolve, reject) => this.signal.addEventListener('abort', () => { writeFileSync(name + '.aborted', String(this.signal.reason?.name)); reject(this.signal.reason) }))
  }
  spin(name) { writeFileSync(name + '.began', ''); for (;;); }
  native(name) { writeFileSync(name + '.began', ''); execSync('sleep 60') }
  async ignore(name) { writeFileSync(name + '.began', ''); await new Promise(() => undefined) }
  note(name) { appendFileSync('order', name + ' '); return name }
  async nested(app, action, ...args) { return await dirty(app)[action](...args) }
  async *nestedLater(app, action, ...args) { yield 'first'; yield await dirty(app)[action](...args) }
}
export class OtherApp extends JobApp {}
`

const begin = (args: readonly string[] = [], more: Readonly<Record<string, string>> = {}) =>
  startDirty({
    args: ['--dirty-app', 'jobs=./jobs.mjs:JobApp', '--dirty-cancel-grace', '0.3', ...args],
    files: { 'jobs.mjs': jobs, ...more },
    env: { MONOCEROS_DIRTY_WORKERS: '1' },
  })
const has = (server: Running, name: string) => existsSync(join(server.folder, name))
const seen = (server: Running, name: string) =>
  poll(
    () => has(server, name),
    () => `${name} did not come\n${server.stderr()}`,
  )
const go = (server: Running, name: string) => writeFileSync(join(server.folder, `${name}.go`), '')

test('the time of a call counts from its moment, while it waits and while it runs', async () => {
  const server = begin()
  await server.ready()
  const app = appOf(server, 'jobs')
  const running = failure(app.with({ timeoutMs: 400 }).hold('a'))
  await seen(server, 'a.began')
  const queued = failure(app.with({ timeoutMs: 100 }).hold('b'))
  const startedMs = performance.now()
  const error = await queued
  expect(error).toBeInstanceOf(door.DirtyTimeoutError)
  expect([error.code, error.facts.phase, error.facts.afterMs, error.facts.action]).toEqual(['MON_DIRTY_TIMEOUT', 'queued', 100, 'hold'])
  expect(performance.now() - startedMs).toBeLessThan(2_000)
  const ran = await running
  expect([ran.code, ran.facts.phase, ran.facts.afterMs]).toEqual(['MON_DIRTY_TIMEOUT', 'running', 400])
  // It heeded its signal, so its thread is the same; the other was never begun.
  expect(await app.echo(1)).toBe(1)
  expect([has(server, 'a.ended'), has(server, 'b.began')]).toEqual([false, false])
  expect(server.all('dirty.call-forced')).toEqual([])
})

test('dirty_timeout holds for a call that says nothing, and bounds one that asks for more', async () => {
  const server = begin(['--dirty-timeout', '0.3'])
  await server.ready()
  const app = appOf(server, 'jobs')
  expect((await failure(app.hold('a'))).facts).toMatchObject({ phase: 'running', afterMs: 300 })
  expect((await failure(app.with({ timeoutMs: 60_000 }).hold('b'))).facts).toMatchObject({ phase: 'running', afterMs: 300 })
  expect(await app.echo(1)).toBe(1)
})

test('dirty_timeout 0 is no limit, and no time at all is none either', async () => {
  const server = begin(['--dirty-timeout', '0'])
  await server.ready()
  const app = appOf(server, 'jobs')
  const held = app.hold('a')
  const started = Promise.resolve(held)
  await seen(server, 'a.began')
  const other = Promise.resolve(app.with({ timeoutMs: 0 }).echo('waited'))
  expect((await failure(app.with({ timeoutMs: 200 }).echo(1))).facts.phase).toBe('queued')
  go(server, 'a')
  expect(await started).toBe('a')
  expect(await other).toBe('waited')
})

test('a signal cancels a call before it is made, while it waits and while it runs', async () => {
  const server = begin()
  await server.ready()
  const app = appOf(server, 'jobs')
  const reason = new Error('not wanted')
  const before = await failure(app.with({ signal: AbortSignal.abort(reason) }).hold('never'))
  expect(before).toBeInstanceOf(door.DirtyCancelledError)
  expect([before.code, before.cause]).toEqual(['MON_DIRTY_CANCELLED', reason])
  const runs = new AbortController()
  const running = failure(app.with({ signal: runs.signal }).heed('a'))
  await seen(server, 'a.began')
  const waits = new AbortController()
  const queued = failure(app.with({ signal: waits.signal }).hold('b'))
  const after = Promise.resolve(app.where())
  waits.abort()
  expect((await queued).code).toBe('MON_DIRTY_CANCELLED')
  runs.abort()
  expect((await running).code).toBe('MON_DIRTY_CANCELLED')
  await after
  await seen(server, 'a.aborted')
  expect([has(server, 'never.began'), has(server, 'b.began')]).toEqual([false, false])
  expect(server.all('dirty.call-forced')).toEqual([])
})

test('those of higher priority are sooner, and equals keep their order', async () => {
  const server = begin()
  await server.ready()
  const app = appOf(server, 'jobs')
  const held = Promise.resolve(app.hold('a'))
  await seen(server, 'a.began')
  const notes = [
    app.note('one'), app.with({ priority: 5 }).note('five'), app.note('two'), app.with({ priority: -1 }).note('last'), app.with({ priority: 5 }).note('six'),
  ].map((call) => Promise.resolve(call)) // biome-ignore format: one line reads better
  // The broker answers in order: once it has this one, it has all.
  await door.openStash(socketOf(server)).tables()
  go(server, 'a')
  await Promise.all([held, ...notes])
  const { readFileSync } = await import('node:fs')
  expect(readFileSync(join(server.folder, 'order'), 'utf8').trim().split(' ')).toEqual(['five', 'six', 'one', 'two', 'last'])
})

test('calls of one key go to one worker while it lives, and to another afterwards', async () => {
  const server = begin(['--dirty-workers', '3'])
  await server.ready()
  const app = appOf(server, 'jobs').with({ key: 'cart 7' })
  const first = await app.where()
  const held = Promise.resolve(app.hold('a'))
  await seen(server, 'a.began')
  const pinned = Promise.all([app.where(), app.where()])
  // Others do not wait for it.
  expect(await appOf(server, 'jobs').where()).not.toBe(first)
  go(server, 'a')
  expect(await held).toBe('a')
  expect(await pinned).toEqual([first, first])
  const pid = Number(first.split('.')[0])
  process.kill(pid, 'SIGKILL')
  await server.until('worker.died', { childPid: pid })
  const second = await app.where()
  expect(second).not.toBe(first)
  expect(await app.where()).toBe(second)
})

test('a buffer that is given away is detached, and arrives', async () => {
  const server = begin()
  await server.ready()
  const bytes = new Uint8Array(100_000).fill(7)
  const sized = appOf(server, 'jobs')
    .with({ transfer: [bytes.buffer] })
    .echo(bytes)
  expect(bytes.byteLength).toBe(0)
  expect(await sized).toEqual(new Uint8Array(100_000).fill(7))
})

test('a handler that does not heed its signal is ended after its grace and replaced, and the other thread goes on', async () => {
  const server = begin(['--dirty-threads', '2'])
  await server.ready()
  const app = appOf(server, 'jobs')
  const other = Promise.resolve(app.hold('other'))
  await seen(server, 'other.began')
  for (const action of ['ignore', 'spin']) {
    const controller = new AbortController()
    const call = failure(app.with({ signal: controller.signal })[action](action))
    await seen(server, `${action}.began`)
    controller.abort()
    expect((await call).code).toBe('MON_DIRTY_CANCELLED')
    await server.until('dirty.call-forced', { action, why: 'cancelled' })
    expect(await app.echo('replaced')).toBe('replaced')
  }
  const late = await failure(app.with({ timeoutMs: 200 }).spin('late'))
  expect([late.code, late.facts.phase]).toEqual(['MON_DIRTY_TIMEOUT', 'running'])
  await server.until('dirty.call-forced', { why: 'timeout' })
  go(server, 'other')
  expect(await other).toBe('other')
  expect(await app.echo(1)).toBe(1)
  expect(server.all('worker.died')).toEqual([])
})

test('a call that is stuck in native code keeps neither others from its worker, nor the worker from ending', async () => {
  const server = begin(['--dirty-threads', '2'])
  await server.ready()
  const app = appOf(server, 'jobs')
  const stuck = await failure(app.with({ timeoutMs: 200 }).native('stuck'))
  expect([stuck.code, stuck.facts.phase]).toEqual(['MON_DIRTY_TIMEOUT', 'running'])
  await server.until('dirty.call-forced', { action: 'native' })
  // The one that is stuck counts for nobody: its place is the other's.
  expect(await app.with({ timeoutMs: 15_000 }).echo(1)).toBe(1)
  await server.until('thread.condemned')
  const startedMs = performance.now()
  expect(await server.stop()).toEqual({ code: 0, signal: null })
  // The grace of calls is 30 s.
  expect(performance.now() - startedMs).toBeLessThan(20_000)
})

test('a caller that dies takes its job with it, and the thread is free', async () => {
  const program = `
    import { dirty } from 'monoceros/dirty'
    const jobs = dirty('jobs')
    await jobs.heed('a')`
  const server = begin([], { 'caller.mjs': program })
  await server.ready()
  const caller = spawn(process.execPath, ['caller.mjs'], {
    cwd: server.folder,
    env: { ...process.env, MONOCEROS_DIRTY_SOCKET: socketOf(server) },
    stdio: 'inherit',
  })
  onTestFinished(() => void caller.kill('SIGKILL'))
  await seen(server, 'a.began')
  caller.kill('SIGKILL')
  await once(caller, 'exit')
  await seen(server, 'a.aborted')
  expect(await appOf(server, 'jobs').echo(1)).toBe(1)
  expect(server.all('dirty.call-forced')).toEqual([])
})

test('any Node process of the user can call, and ends when it has nothing else to do', async () => {
  const program = `
    import { dirty } from 'monoceros/dirty'
    const jobs = dirty('jobs', process.argv[2] ? { socket: process.argv[2] } : {})
    process.stdout.write(String(await jobs.echo(41) + 1))
    for await (const _ of jobs.nestedLater('none', 'x')) break`
  const server = begin([], { 'caller.mjs': program })
  await server.ready()
  const socket = socketOf(server)
  for (const [args, env] of [
    [[], { MONOCEROS_DIRTY_SOCKET: socket }],
    [[socket], {}],
  ] as const) {
    const caller = spawn(process.execPath, ['caller.mjs', ...args], {
      cwd: server.folder,
      env: { PATH: process.env['PATH'], ...env },
      stdio: ['ignore', 'pipe', 'inherit'],
    })
    onTestFinished(() => void caller.kill('SIGKILL'))
    const out = Buffer.concat(await caller.stdout.toArray())
    const code = caller.exitCode ?? (await once(caller, 'exit'))[0]
    expect([out.toString(), code]).toEqual(['42', 0])
  }
})

test('a process that knows no pool is told so, and one whose pool is gone too', async () => {
  const missing = await failure(door.getDirtyClient().execute('jobs', 'echo'))
  expect(missing.code).toBe('MON_DIRTY_NO_SOCKET')
  const gone = await failure(door.getDirtyClient({ socket: '/nowhere/dirty.sock' }).execute('jobs', 'echo'))
  expect(gone).toBeInstanceOf(door.DirtyConnectionError)
  expect(gone.code).toBe('MON_DIRTY_CONNECTION')
})

const http = `
import { dirty } from 'monoceros/dirty'
const jobs = dirty('jobs')
export default async (req, res) => {
  try { res.end(String(await jobs.with({ timeoutMs: 20_000 }).echo(req.url))) } catch (error) { res.statusCode = 500; res.end(String(error)) }
}`
for (const kind of [
  ['-k', 'async'],
  ['-k', 'sync'],
  ['-k', 'gthread', '--threads', '2'],
]) {
  test(`an app under ${kind[1]} calls`, async () => {
    const server = begin(kind, { 'app.mjs': http })
    await server.ready()
    const answers = await Promise.all(['/a', '/b', '/c'].map((path) => ask({ port: server.port(), path })))
    expect(answers.map(({ status, body }) => [status, body])).toEqual(['/a', '/b', '/c'].map((path) => [200, path]))
  })
}

test('a dirty app calls another, also from a generator', async () => {
  const server = begin(['--dirty-app', 'other=./jobs.mjs:OtherApp'])
  await server.ready()
  const app = appOf(server, 'jobs')
  expect(await app.nested('other', 'echo', 5)).toBe(5)
  expect(await collect(app.nestedLater('other', 'echo', 6))).toEqual(['first', 6])
  const error = await failure(app.nested('other', 'nope'))
  expect([error.code, error.cause.code, error.cause.name]).toEqual(['MON_DIRTY_APP', 'MON_DIRTY_NO_ACTION', 'DirtyAppNotFoundError'])
})

test('calls that would wait for themselves are refused at once', async () => {
  const server = begin(['--dirty-app', 'other=./jobs.mjs:OtherApp'])
  await server.ready()
  const app = appOf(server, 'jobs').with({ timeoutMs: 15_000 })
  for (let n = 0; n < 3; n++) {
    expect((await failure(app.nested('jobs', 'echo', 1))).cause.code).toBe('MON_DIRTY_DEADLOCK')
    const ring = await failure(app.nested('other', 'nested', 'jobs', 'echo', 1))
    expect(ring.cause.cause.code).toBe('MON_DIRTY_DEADLOCK')
    const late = await failure(collect(app.nestedLater('other', 'nested', 'jobs', 'echo', 1)))
    expect(late.cause.cause.code).toBe('MON_DIRTY_DEADLOCK')
    expect(await app.nested('other', 'echo', n)).toBe(n)
  }
})

test('a ring of calls is seen whoever used the leases before', async () => {
  const server = begin(['--dirty-app', 'other=./jobs.mjs:OtherApp'])
  await server.ready()
  const app = appOf(server, 'jobs').with({ timeoutMs: 15_000 })
  const program = `
    import { dirty } from 'monoceros/dirty'
    const jobs = dirty('jobs').with({ timeoutMs: 15_000 })
    for (let n = 0; n < 20; n++) await jobs.nested('other', 'echo', n)`
  writeFileSync(join(server.folder, 'caller.mjs'), program)
  const caller = spawn(process.execPath, ['caller.mjs'], {
    cwd: server.folder,
    env: { ...process.env, MONOCEROS_DIRTY_SOCKET: socketOf(server) },
    stdio: 'inherit',
  })
  onTestFinished(() => void caller.kill('SIGKILL'))
  const done = once(caller, 'exit')
  for (let n = 0; n < 20; n++) {
    const ring = await failure(app.nested('other', 'nested', 'jobs', 'echo', 1))
    expect(ring.cause.cause?.code).toBe('MON_DIRTY_DEADLOCK')
  }
  expect(await done).toEqual([0, null])
})

test('a call beyond the queue is refused, those in it are answered', async () => {
  const server = begin(['--dirty-queue-max', '2'])
  await server.ready()
  const app = appOf(server, 'jobs')
  const held = Promise.resolve(app.hold('a'))
  await seen(server, 'a.began')
  const waiting = [Promise.resolve(app.echo(1)), Promise.resolve(app.echo(2))]
  await door.openStash(socketOf(server)).tables()
  const error = await failure(app.echo(3))
  expect(error).toBeInstanceOf(door.DirtyQueueFullError)
  expect([error.code, error.facts.queueMax]).toEqual(['MON_DIRTY_QUEUE_FULL', 2])
  go(server, 'a')
  expect(await Promise.all([held, ...waiting])).toEqual(['a', 1, 2])
  expect(dirtyWorkers(server).size).toBe(1)
})
