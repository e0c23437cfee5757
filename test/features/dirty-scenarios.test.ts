/** What Gunicorn's docker tests ask of dirty arbiters, asked with plain processes; and where Gunicorn's own fail, what ours do instead. */
import { spawn } from 'node:child_process'
import { existsSync, readdirSync, readFileSync, statSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { expect, onTestFinished, test } from 'vitest'
import { ask } from '../support/client.ts'
import { appOf, collect, dirtyArbiterPid, dirtyWorkers, door, failure, socketOf, startDirty } from '../support/dirty.ts'
import { distPath, handles, type Running, root, type StartOptions } from '../support/harness.ts'
import { poll } from '../support/poll.ts'

const apps = `
import { existsSync, writeFileSync } from 'node:fs'
import { DirtyApp } from 'monoceros/dirty'
const pause = (ms) => new Promise((resolve) => setTimeout(resolve, ms))
const until = async (name) => { while (!existsSync(name)) await pause(5) }
export class Free extends DirtyApp {
  where() { return process.pid }
  echo(value) { return value }
  async hold(name) { writeFileSync(name + '.began', ''); await until(name + '.go'); return name }
  async meet(name, count) {
    writeFileSync(name + '.' + process.pid, '')
    await until(name + '.go')
    return process.pid
  }
  async *counts(name, count) {
    for (let n = 0; n < count; n++) { yield n; if (n === 0) { writeFileSync(name + '.began', ''); await until(name + '.go') } }
  }
}
export class Two extends Free { static workers = 2 }
export class One extends Free {}
`
const http = `
import { dirty } from 'monoceros/dirty'
const free = dirty('free').with({ timeoutMs: 30_000 })
export default async (req, res) => {
  try {
    res.end(String(await free.echo(req.url)))
  } catch (error) {
    res.writeHead(500).end(String(error.code))
  }
}`

const free = ['--dirty-app', 'free=./apps.mjs:Free']
const begin = (args: readonly string[] = [], more: Readonly<Record<string, string>> = {}, workers = 1, rest: Partial<StartOptions> = {}) =>
  startDirty({
    ...rest,
    args: [...free, '--dirty-workers', String(workers), ...args],
    files: { 'apps.mjs': apps, 'app.mjs': http, ...more },
  })
const seen = (server: Running, name: string) =>
  poll(
    () => existsSync(join(server.folder, name)),
    () => `${name} did not come\n${server.stderr()}`,
  )
const go = (server: Running, name: string) => writeFileSync(join(server.folder, `${name}.go`), '')

/** What Gunicorn's tests allow; ours takes a tenth of it. */
const scenarioMs = 10_000
/** What the project promises; a machine with other work to do may be late. */
const settleMs = 10_000

async function within<T>(ms: number, what: Promise<T>): Promise<T> {
  const startedMs = performance.now()
  const value = await what
  expect(performance.now() - startedMs).toBeLessThan(ms)
  return value
}

const isAlive = (pid: number) => existsSync(`/proc/${pid}`)
const gone = (pid: number) =>
  poll(
    () => !isAlive(pid),
    () => `${pid} is still there`,
  )
const nobodyIsLeft = (server: Running) =>
  poll(
    () => server.family().length === 0,
    () => `left: ${server.family().join()}`,
  )

test('a dirty arbiter whose arbiter is killed tells so, stops its workers and goes', async () => {
  const server = begin(['-k', 'sync'])
  await server.ready()
  const arbiter = dirtyArbiterPid(server)
  const folder = dirname(socketOf(server))
  server.signal('SIGKILL')
  await within(scenarioMs, nobodyIsLeft(server))
  expect(server.all('worker.orphaned', { pid: arbiter, role: 'dirty-arbiter' })).toHaveLength(1)
  // Nobody else is there to clear away what it had.
  expect(existsSync(folder)).toBe(false)
})

test('a server that is started again after that has a dirty arbiter and workers of its own', async () => {
  const first = begin()
  await first.ready()
  const before = [dirtyArbiterPid(first), ...dirtyWorkers(first).values()]
  first.signal('SIGKILL')
  await nobodyIsLeft(first)
  const second = begin()
  await second.ready()
  expect(before).not.toContain(dirtyArbiterPid(second))
  expect(await appOf(second, 'free').echo('again')).toBe('again')
})

test('a dirty arbiter or a dirty worker that is killed is replaced, the rest of the server stays, and workers from before call on', async () => {
  const server = begin(['-k', 'sync'])
  await server.ready()
  const [arbiter, worker, http] = [dirtyArbiterPid(server), dirtyWorkers(server).get(0) as number, server.workers().get(0) as number]
  expect([arbiter, worker, http].every(isAlive)).toBe(true)
  expect((await ask({ port: server.port(), path: '/a' })).body).toBe('/a')
  process.kill(worker, 'SIGKILL')
  await within(
    scenarioMs,
    server.until('worker.ready', ({ role, slot, childPid }) => role === 'dirty-arbiter' && slot === 0 && childPid !== worker),
  )
  expect((await ask({ port: server.port(), path: '/b' })).body).toBe('/b')
  expect(dirtyArbiterPid(server)).toBe(arbiter)
  const old = [arbiter, dirtyWorkers(server).get(0) as number]
  const path = socketOf(server)
  process.kill(arbiter, 'SIGKILL')
  await within(
    scenarioMs,
    server.until('dirty.ready', ({ childPid }) => childPid !== arbiter),
  )
  expect((await ask({ port: server.port(), path: '/c' })).body).toBe('/c')
  for (const pid of old) await gone(pid)
  expect([server.workers().get(0), socketOf(server)]).toEqual([http, path])
})

for (const [signal, ms] of [
  ['SIGTERM', scenarioMs],
  ['SIGQUIT', scenarioMs / 2],
] as const) {
  test(`${signal} ends every process of the server, and its folder is gone`, async () => {
    const server = begin()
    await server.ready()
    const folder = dirname(socketOf(server))
    server.signal(signal)
    expect(await within(ms, server.exited)).toEqual({ code: 0, signal: null })
    await nobodyIsLeft(server)
    expect([server.all('arbiter.stopped').length, existsSync(folder)]).toEqual([1, false])
  })
}

test('TTIN and TTOU on the dirty arbiter change its workers, never below what an app wants, and calls are answered throughout', async () => {
  const server = begin(['--dirty-app', 'two=./apps.mjs:Two'], {}, 3)
  await server.ready()
  const arbiter = dirtyArbiterPid(server)
  await handles(arbiter, 'SIGTTIN')
  const both = async () => expect(await Promise.all([appOf(server, 'free').echo(1), appOf(server, 'two').echo(2)])).toEqual([1, 2])
  const size = (count: number) =>
    poll(
      () => dirtyWorkers(server).size === count,
      () => `there are ${dirtyWorkers(server).size}, not ${count}`,
    )
  await size(3)
  await both()
  for (const count of [4, 5]) {
    process.kill(arbiter, 'SIGTTIN')
    await size(count)
  }
  await both()
  for (let count = 4; count >= 2; count--) {
    process.kill(arbiter, 'SIGTTOU')
    await size(count)
  }
  for (let n = 1; n <= 7; n++) {
    process.kill(arbiter, 'SIGTTOU')
    await server.untilCount('arbiter.signal-ignored', n)
  }
  expect(dirtyWorkers(server).size).toBe(2)
  await both()
  expect(server.all('worker.died')).toEqual([])
})

test('each app has the workers that its spec, or its class, wants, and has them again after one was killed', async () => {
  const server = begin(['--dirty-app', 'two=./apps.mjs:Two', '--dirty-app', 'one=./apps.mjs:One:1'], {}, 4)
  await server.ready()
  const workers = () => new Set(dirtyWorkers(server).values())
  await poll(() => workers().size === 4)
  /** So many calls at once, none of which ends before all have begun. */
  async function meet(app: string, name: string, count: number): Promise<Set<number>> {
    const calls = Array.from({ length: count }, () => Promise.resolve(appOf(server, app).meet(name)))
    await poll(() => [...workers()].filter((pid) => existsSync(join(server.folder, `${name}.${pid}`))).length === count)
    go(server, name)
    return new Set((await Promise.all(calls)) as number[])
  }
  expect(await meet('free', 'all', 4)).toEqual(workers())
  const twos = await meet('two', 'both', 2)
  expect(twos.size).toBe(2)
  const owner = (await appOf(server, 'one').where()) as number
  const pids = await Promise.all(Array.from({ length: 6 }, () => Promise.resolve(appOf(server, 'one').where())))
  expect(new Set(pids)).toEqual(new Set([owner]))
  const twoPids = await Promise.all(Array.from({ length: 8 }, () => Promise.resolve(appOf(server, 'two').where())))
  for (const pid of twoPids) expect(twos).toContain(pid)

  process.kill(owner, 'SIGKILL')
  await server.until('worker.died', { childPid: owner })
  const next = await within(15_000, Promise.resolve(appOf(server, 'one').where()))
  expect(next).not.toBe(owner)
  await poll(() => workers().size === 4)
  expect(workers()).toContain(next)
  expect(await meet('free', 'again', 4)).toEqual(workers())
  expect(await appOf(server, 'two').echo('two')).toBe('two')
})

test('calls that a killed dirty arbiter leaves behind are answered, or told why not, and it leaves no worker behind', async () => {
  const server = begin()
  await server.ready()
  const app = appOf(server, 'free')
  const [arbiter, worker] = [dirtyArbiterPid(server), dirtyWorkers(server).get(0) as number]
  const running = Promise.resolve(app.hold('a'))
  await seen(server, 'a.began')
  const queued = [failure(app.echo(1)), failure(collect(app.counts('never', 3)))]
  await door.openStash(socketOf(server)).tables()
  process.kill(arbiter, 'SIGKILL')
  for (const error of await within(settleMs, Promise.all(queued))) {
    expect(error).toBeInstanceOf(door.DirtyConnectionError)
    expect(error.code).toBe('MON_DIRTY_CONNECTION')
  }
  // What a worker has in its hands, it finishes.
  go(server, 'a')
  expect(await within(settleMs, running)).toBe('a')
  expect(await app.echo('next')).toBe('next')
  await gone(worker)
  expect(dirtyArbiterPid(server)).not.toBe(arbiter)
})

test('a stream goes on to its end when the dirty arbiter is killed, and ends with its worker when that is killed', async () => {
  const server = begin()
  await server.ready()
  const app = appOf(server, 'free')
  const stream = collect(app.counts('s', 50))
  await seen(server, 's.began')
  process.kill(dirtyArbiterPid(server), 'SIGKILL')
  await server.until('dirty.died')
  go(server, 's')
  expect(await within(settleMs, stream)).toEqual(Array.from({ length: 50 }, (_, n) => n))

  const cut = failure(collect(app.counts('t', 50)))
  await seen(server, 't.began')
  const waiting = Promise.resolve(app.echo('waited'))
  process.kill(await poll(() => dirtyWorkers(server).get(0)), 'SIGKILL')
  const error = await within(settleMs, cut)
  expect(error).toBeInstanceOf(door.DirtyWorkerError)
  expect(error.code).toBe('MON_DIRTY_WORKER_LOST')
  // It was in nobody's hands yet.
  expect(await within(settleMs, waiting)).toBe('waited')
})

test('calls that come while the dirty arbiter is away are answered by its successor', async () => {
  const server = begin()
  await server.ready()
  const app = appOf(server, 'free')
  expect(await app.echo(0)).toBe(0)
  const arbiter = dirtyArbiterPid(server)
  process.kill(arbiter, 'SIGKILL')
  await server.until('dirty.died')
  expect(await Promise.all([app.echo(1), app.with({ timeoutMs: 30_000 }).echo(2)])).toEqual([1, 2])
})

const slow = `
import { existsSync, writeFileSync } from 'node:fs'
import { DirtyApp } from 'monoceros/dirty'
export class Slow extends DirtyApp {
  async init() {
    if (existsSync('broken')) throw new Error('no model today')
    if (existsSync('slow')) while (!existsSync('init.go')) { writeFileSync('init.began', ''); await new Promise((resolve) => setTimeout(resolve, 5)) }
  }
  where() { return process.pid }
}`
const slowApp = ['--dirty-app', './slow.mjs:Slow']

test('calls wait for a worker whose app takes its time to load', async () => {
  const server = begin(slowApp, { 'slow.mjs': slow })
  await server.ready()
  const app = appOf(server, 'slow')
  const pid = (await app.where()) as number
  writeFileSync(join(server.folder, 'slow'), '')
  process.kill(pid, 'SIGKILL')
  await seen(server, 'init.began')
  const call = Promise.resolve(app.where())
  go(server, 'init')
  expect(await call).not.toBe(pid)
})

test('an app that fails to load again and again is tried slower and slower, and the server serves on', async () => {
  const server = begin(slowApp, { 'slow.mjs': slow })
  await server.ready()
  writeFileSync(join(server.folder, 'broken'), '')
  process.kill(dirtyWorkers(server).get(0) as number, 'SIGKILL')
  await server.untilCount('dirty.cannot-boot', 2)
  expect((await failure(appOf(server, 'slow').with({ timeoutMs: 2_000 }).where())).code).toMatch(/^MON_DIRTY_(TIMEOUT|NO_WORKER)$/)
  // Ten in ten seconds is the most; then each waits longer than the one before.
  expect(server.all('dirty.cannot-boot').length).toBeLessThanOrEqual(14)
  expect(server.family()).toContain(server.pid)
})

/** A call that has just been answered leaves its place warm for the next one: whoever stands still then would keep it. */
const stopping = `
import { dirty } from 'monoceros/dirty'
const free = dirty('free')
await free.echo(1)
process.kill(process.pid, 'SIGSTOP')
process.stdout.write(String(await free.echo(2)))`

test('a caller that stands still does not keep its place from others, and is answered when it goes on', async () => {
  const server = begin([], { 'caller.mjs': stopping })
  await server.ready()
  const caller = spawn(process.execPath, ['caller.mjs'], {
    cwd: server.folder,
    env: { ...process.env, MONOCEROS_DIRTY_SOCKET: socketOf(server) },
    stdio: ['ignore', 'pipe', 'inherit'],
  })
  onTestFinished(() => void caller.kill('SIGKILL'))
  const isStopped = () => /^State:\s+T/m.test(readFileSync(`/proc/${caller.pid}/status`, 'latin1'))
  await poll(isStopped)
  const app = appOf(server, 'free').with({ timeoutMs: 15_000 })
  expect(await app.echo('other')).toBe('other')
  caller.kill('SIGCONT')
  expect(Buffer.concat(await caller.stdout.toArray()).toString()).toBe('2')
  await poll(async () => (await door.dirtyCounts({ socket: socketOf(server) })).every(({ leased, queued }) => leased + queued === 0))
})

test('what a pool has to do can be asked', async () => {
  const server = begin()
  await server.ready()
  const counts = async () => (await door.dirtyCounts({ socket: socketOf(server) }))[0]
  expect(await counts()).toEqual({ app: 'free', queued: 0, leased: 0, capacity: 1 })
  const app = appOf(server, 'free')
  const calls = [Promise.resolve(app.hold('a')), Promise.resolve(app.echo(1)), Promise.resolve(app.echo(2))]
  await seen(server, 'a.began')
  expect(await counts()).toEqual({ app: 'free', queued: 2, leased: 1, capacity: 1 })
  go(server, 'a')
  await Promise.all(calls)
  await poll(async () => (await counts())?.leased === 0)
})

const nobody = /^nobody:[^:]*:(\d+):/m.exec(readFileSync('/etc/passwd', 'utf8'))?.[1]
/** Processes read the product's files after they have become somebody else. */
const isReadableByAll = (statSync(distPath).mode & 0o005) === 0o005 && (statSync(dirname(root)).mode & 0o005) === 0o005

test.skipIf(process.getuid?.() !== 0 || nobody === undefined || !isReadableByAll)(
  'a server that becomes another user calls as that user',
  async () => {
    const server = begin(['--user', 'nobody'], {}, 1, { under: ['sh', '-c', 'chmod 755 . && exec "$@"', 'sh'] })
    await server.ready()
    expect((await ask({ port: server.port(), path: '/as' })).body).toBe('/as')
    const worker = dirtyWorkers(server).get(0)
    expect(readFileSync(`/proc/${worker}/status`, 'latin1')).toContain(`Uid:\t${nobody}\t`)
    const folder = dirname(socketOf(server))
    expect([folder, ...readdirSync(folder).map((name) => join(folder, name))].map((path) => String(statSync(path).uid))).toEqual(
      Array(4).fill(nobody),
    )
  },
)
