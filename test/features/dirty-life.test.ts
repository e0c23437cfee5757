import { existsSync, readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { expect, test } from 'vitest'
import { ask, begin } from '../support/client.ts'
import { appOf, dirtyArbiterPid, dirtyWorkers, door, failure, socketOf, startDirty } from '../support/dirty.ts'
import type { Running } from '../support/harness.ts'
import { poll } from '../support/poll.ts'

const app = (name: string, statics = '', more = '') => `
import { appendFileSync, existsSync, writeFileSync } from 'node:fs'
import { DirtyApp, dirty } from 'monoceros/dirty'
const pause = (ms) => new Promise((resolve) => setTimeout(resolve, ms))
export class ${name} extends DirtyApp {
  ${statics}
  init() { appendFileSync('${name}.inits', process.pid + '\\n') }
  close() { appendFileSync('${name}.closes', process.pid + '\\n') }
  pid() { return process.pid }
  say() { return '${name}' }
  async hold(file) { writeFileSync(file + '.began', ''); while (!existsSync(file + '.go')) { await pause(5); this.signal.throwIfAborted() } return file }
  async ms(ms) { await pause(ms); return process.pid }
  fill(mib) { this.kept = Buffer.alloc(mib * 2 ** 20, 1); return process.pid }
  ${more}
}`
const seen = (server: Running, name: string) =>
  poll(
    () => existsSync(join(server.folder, name)),
    () => `${name} did not come\n${server.stderr()}`,
  )
const put = (server: Running, name: string, text = '') => writeFileSync(join(server.folder, name), text)
const titleOf = (pid: number) => readFileSync(`/proc/${pid}/cmdline`, 'utf8').replaceAll('\0', ' ').trim()
/** The apps of the dirty workers that are ready, by slot, as their titles say. */
const sharesOf = (server: Running) =>
  Object.fromEntries(
    [...dirtyWorkers(server)]
      .sort(([one], [other]) => one - other)
      .map(([slot, pid]) => [slot, /\[(.*?)\]/.exec(titleOf(pid))?.[1]?.split(',').sort().join() ?? '']),
  )
const signalDirty = (server: Running, signal: NodeJS.Signals) => process.kill(dirtyArbiterPid(server), signal)

test('limited apps are spread, the number in the spec wins, and each is initialised only where it is', async () => {
  const server = startDirty({
    args: [
      '--dirty-app',
      './a.mjs:A',
      '--dirty-app',
      './b.mjs:B',
      '--dirty-app',
      './c.mjs:C:2',
      '--dirty-app',
      './d.mjs:D',
      '--dirty-workers',
      '3',
    ],
    files: {
      'a.mjs': app('A', 'static workers = 1'),
      'b.mjs': app('B', 'static workers = 1; static threads = 2'),
      'c.mjs': app('C', 'static workers = 1'),
      'd.mjs': app('D'),
    },
  })
  await server.ready()
  const shares = Object.values(sharesOf(server))
  expect(shares).toHaveLength(3)
  const count = (name: string) => shares.filter((share) => share.split(',').includes(name)).length
  expect(['a', 'b', 'c', 'd'].map(count)).toEqual([1, 1, 2, 3])
  for (const share of shares) expect(share.split(',').length).toBeLessThanOrEqual(3)
  const inits = (name: string) =>
    readFileSync(join(server.folder, `${name}.inits`), 'utf8')
      .trim()
      .split('\n').length
  expect(['A', 'B', 'C', 'D'].map(inits)).toEqual([1, 2, 2, 3])
  // Two threads: two calls at once, in one process.
  const [one, other] = ['one', 'other'].map((file) => Promise.resolve(appOf(server, 'b').hold(file)))
  await Promise.all([seen(server, 'one.began'), seen(server, 'other.began')])
  put(server, 'one.go')
  put(server, 'other.go')
  expect(await Promise.all([one, other])).toEqual(['one', 'other'])
})

test('a dirty worker that is killed is replaced by one with the same apps', async () => {
  const server = startDirty({
    args: ['--dirty-app', './a.mjs:A', '--dirty-app', './b.mjs:B', '--dirty-app', './d.mjs:D', '--dirty-workers', '2'],
    files: { 'a.mjs': app('A', 'static workers = 1'), 'b.mjs': app('B', 'static workers = 1'), 'd.mjs': app('D') },
  })
  await server.ready()
  const before = sharesOf(server)
  expect(before).toEqual({ 0: 'a,d', 1: 'b,d' })
  for (const name of ['a', 'b']) {
    const pid = await appOf(server, name).pid()
    process.kill(pid, 'SIGKILL')
    await server.until('worker.died', { role: 'dirty-arbiter', childPid: pid })
    const successor = await appOf(server, name).pid()
    expect(successor).not.toBe(pid)
    // Its calls may be faster than the log.
    await server.until('worker.ready', { role: 'dirty-arbiter', childPid: successor })
  }
  expect(sharesOf(server)).toEqual(before)
})

test('TTIN and TTOU of the dirty arbiter add and take workers, down to what its apps need', async () => {
  const server = startDirty({
    args: ['--dirty-app', './a.mjs:A', '--dirty-app', './d.mjs:D', '--dirty-workers', '2'],
    files: { 'a.mjs': app('A', 'static workers = 2'), 'd.mjs': app('D') },
  })
  await server.ready()
  signalDirty(server, 'SIGTTIN')
  await server.until('worker.ready', { role: 'dirty-arbiter', slot: 2 })
  expect(sharesOf(server)).toEqual({ 0: 'a,d', 1: 'a,d', 2: 'd' })
  signalDirty(server, 'SIGTTOU')
  await server.until('worker.gone', { role: 'dirty-arbiter', slot: 2 })
  signalDirty(server, 'SIGTTOU')
  await server.until('arbiter.signal-ignored', { role: 'dirty-arbiter', signal: 'SIGTTOU' })
  expect(sharesOf(server)).toEqual({ 0: 'a,d', 1: 'a,d' })
  expect(await appOf(server, 'a').say()).toBe('A')
})

test('TTOU never takes the only worker of an app', async () => {
  const server = startDirty({
    args: ['--dirty-app', './a.mjs:A', '--dirty-app', './b.mjs:B', '--dirty-workers', '2'],
    files: { 'a.mjs': app('A', 'static workers = 1'), 'b.mjs': app('B', 'static workers = 1') },
  })
  await server.ready()
  signalDirty(server, 'SIGTTOU')
  await server.until('arbiter.signal-ignored', { role: 'dirty-arbiter' })
  expect([await appOf(server, 'a').say(), await appOf(server, 'b').say()]).toEqual(['A', 'B'])
})

test('a dirty worker that has served its calls is replaced ready-first, and no call is lost', async () => {
  const server = startDirty({
    args: ['--dirty-app', './a.mjs:A', '--dirty-workers', '1', '--dirty-max-calls', '20'],
    files: { 'a.mjs': app('A') },
  })
  await server.ready()
  const a = appOf(server, 'a').with({ timeoutMs: 20_000 })
  const pids = new Set<number>()
  const caller = async () => {
    while (pids.size < 2) pids.add(await a.ms(1))
  }
  await Promise.all([caller(), caller(), caller()])
  const [first] = server.all('worker.ready', { role: 'dirty-arbiter' })
  // Calls may be faster than the log.
  await server.untilCount('worker.ready', 2, { role: 'dirty-arbiter' })
  await server.until('worker.draining', { role: 'dirty-arbiter', age: first?.age })
  expect(server.all('worker.died')).toEqual([])
  const ready = server.lines.findIndex((line) => line.event === 'worker.ready' && line.role === 'dirty-arbiter' && line.age !== first?.age)
  const draining = server.lines.findIndex(
    (line) => line.event === 'worker.draining' && line.age === first?.age && line.role === 'dirty-arbiter',
  )
  expect([ready > -1, draining > ready]).toEqual([true, true])
})

test('a dirty worker that uses too much memory is replaced, and no call is lost', async () => {
  const server = startDirty({
    args: ['--dirty-app', './a.mjs:A', '--dirty-workers', '1', '--dirty-memory-limit', '300'],
    files: { 'a.mjs': app('A') },
  })
  await server.ready()
  const a = appOf(server, 'a').with({ timeoutMs: 20_000 })
  const pid = await a.fill(350)
  await server.until('worker.recycle', { role: 'dirty-arbiter', childPid: pid })
  const held = Promise.resolve(a.hold('across'))
  await server.until('worker.draining', { role: 'dirty-arbiter', childPid: pid })
  put(server, 'across.go')
  expect(await held).toBe('across')
  await server.until('worker.gone', { childPid: pid })
  expect(await a.pid()).not.toBe(pid)
})

test('HUP loads new code of dirty apps and loses no call', async () => {
  const server = startDirty({
    args: ['--dirty-app', './a.mjs:A', '--dirty-workers', '2'],
    files: { 'a.mjs': app('A', '', 'version() { return 1 }') },
  })
  await server.ready()
  const a = appOf(server, 'a').with({ timeoutMs: 20_000 })
  const held = Promise.resolve(a.hold('across'))
  await seen(server, 'across.began')
  let isOver = false
  const versions: number[] = []
  const load = (async () => {
    while (!isOver) versions.push(await a.version())
  })()
  put(server, 'a.mjs', app('A', 'static workers = 1', 'version() { return 2 }'))
  server.signal('SIGHUP')
  await server.until('reload.done', { role: 'arbiter' })
  expect(await a.version()).toBe(2)
  isOver = true
  await load
  put(server, 'across.go')
  expect(await held).toBe('across')
  expect([versions[0], versions.at(-1)]).toEqual([1, 2])
  // The class wants fewer workers now.
  expect(Object.values(sharesOf(server)).sort()).toEqual(['', 'a'])
})

test('a dirty app that is broken rolls the whole reload back', async () => {
  const server = startDirty({
    args: ['--dirty-app', './a.mjs:A', '--dirty-workers', '2'],
    files: { 'a.mjs': app('A', '', 'version() { return 1 }') },
  })
  await server.ready()
  const a = appOf(server, 'a')
  const before = server.workers()
  put(server, 'a.mjs', 'throw new Error("broken")')
  server.signal('SIGHUP')
  await server.until('reload.rolled-back', { role: 'arbiter' })
  expect(await a.version()).toBe(1)
  expect(server.workers()).toEqual(before)
  put(server, 'a.mjs', app('A', '', 'version() { return 2 }'))
  server.signal('SIGHUP')
  await server.until('reload.done', { role: 'arbiter' })
  expect(await a.version()).toBe(2)
})

test('a reload brings the first dirty app, and takes the last one away', async () => {
  const config = (apps: string) => `export default { dirtyApps: ${apps}, dirtyWorkers: 1 }`
  const server = startDirty({ files: { 'a.mjs': app('A'), 'monoceros.config.mjs': config('[]') } })
  await server.ready()
  put(server, 'monoceros.config.mjs', config('["./a.mjs:A"]'))
  server.signal('SIGHUP')
  await server.until('reload.done', { role: 'arbiter', generation: 2 })
  expect(await appOf(server, 'a').say()).toBe('A')
  const dirtyPid = dirtyArbiterPid(server)
  put(server, 'monoceros.config.mjs', config('[]'))
  server.signal('SIGHUP')
  await server.until('reload.done', { role: 'arbiter', generation: 3 })
  await server.until('dirty.gone', { childPid: dirtyPid })
  put(server, 'monoceros.config.mjs', config('["./a.mjs:A"]'))
  server.signal('SIGHUP')
  await server.until('reload.done', { role: 'arbiter', generation: 4 })
  expect(await appOf(server, 'a').say()).toBe('A')
})

const nesting = `
import { existsSync } from 'node:fs'
import { dirty } from 'monoceros/dirty'
const a = dirty('a')
export default async (req, res) => {
  if (req.url !== '/late') return res.end('here')
  res.flushHeaders()
  while (!existsSync('go')) await new Promise((resolve) => setTimeout(resolve, 5))
  res.end(await a.say())
}`

test.each(['one of two', 'the last'])('a worker that drains after a reload can still call a dirty app that is gone: %s', async (which) => {
  const apps = which === 'the last' ? ['./a.mjs:A'] : ['./a.mjs:A', './b.mjs:B']
  const config = (names: readonly string[]) => `export default { dirtyApps: ${JSON.stringify(names)}, dirtyWorkers: 1 }`
  const server = startDirty({
    files: { 'a.mjs': app('A'), 'b.mjs': app('B'), 'app.mjs': nesting, 'monoceros.config.mjs': config(apps) },
  })
  await server.ready()
  const request = await begin({ port: server.port(), path: '/late' })
  put(server, 'monoceros.config.mjs', config(apps.slice(1)))
  server.signal('SIGHUP')
  await server.until('reload.done', { role: 'arbiter', generation: 2 })
  put(server, 'go')
  expect((await request.whole).body).toBe('A')
  // With the last that may call it, it goes.
  if (which === 'the last') await server.until('dirty.gone')
  else {
    await server.until('reload.done', { role: 'dirty-arbiter', generation: 3 })
    expect((await failure(appOf(server, 'a').say())).code).toBe('MON_DIRTY_NO_APP')
    expect(await appOf(server, 'b').say()).toBe('B')
  }
})

test('a request that needs a dirty call while the server drains gets its answer', async () => {
  const server = startDirty({ args: ['--dirty-app', './a.mjs:A'], files: { 'a.mjs': app('A'), 'app.mjs': nesting } })
  await server.ready()
  const request = await begin({ port: server.port(), path: '/late' })
  server.signal('SIGTERM')
  await server.until('worker.draining', { role: 'arbiter' })
  put(server, 'go')
  expect((await request.whole).body).toBe('A')
  expect(await server.exited).toEqual({ code: 0, signal: null })
  expect(readFileSync(join(server.folder, 'A.closes'), 'utf8')).not.toBe('')
})

for (const [signals, how] of [
  [['SIGQUIT'], 'quickly'],
  [['SIGINT'], 'quickly'],
  [['SIGTERM', 'SIGINT'], 'when it is told once more, by INT'],
] as const) {
  test(`a server that is told ${signals[0]} ends ${how}, whatever calls last`, async () => {
    const server = startDirty({ args: ['--dirty-app', './a.mjs:A', '--dirty-workers', '1'], files: { 'a.mjs': app('A') } })
    await server.ready()
    const lasting = failure(appOf(server, 'a').hold('lasts'))
    await seen(server, 'lasts.began')
    const startedMs = performance.now()
    server.signal(signals[0])
    await server.until('dirty.draining')
    for (const more of signals.slice(1)) server.signal(more)
    expect((await server.exited).code).toBe(0)
    // The grace of calls is 30 s.
    expect(performance.now() - startedMs).toBeLessThan(20_000)
    expect(['MON_DIRTY_WORKER_LOST', 'MON_DIRTY_CANCELLED']).toContain((await lasting).code)
  })
}

const refused: readonly (readonly [string, string, number, string])[] = [
  ['is not there', 'x', 4, 'MON_APP_NOT_FOUND'],
  ['throws at import', 'throw new Error("at import")', 4, 'MON_APP_IMPORT'],
  ['does not export its class', 'export class B {}', 4, 'MON_DIRTY_LOAD'],
  ['throws in init', app('A', '', '').replace('init() {', 'init() { throw new Error("in init");'), 4, 'MON_DIRTY_LOAD'],
  ['has an action of a reserved name', app('A', '', 'toJSON() {}'), 4, 'MON_DIRTY_RESERVED'],
  ['wants no worker', app('A', 'static workers = 0'), 4, 'MON_DIRTY_LOAD'],
]
for (const [how, text, exitCode, code] of refused) {
  test(`a dirty app that ${how} ends the start with one clear line`, async () => {
    const server = startDirty({
      args: ['--dirty-app', './a.mjs:A', '--dirty-workers', '2'],
      files: how === 'is not there' ? {} : { 'a.mjs': text },
    })
    expect(await server.exited).toEqual({ code: exitCode, signal: null })
    const told = server.lines.filter((line) => line['code'] === code && line.level === 'error')
    expect(told).toHaveLength(1)
    expect(server.all('arbiter.failed', { exitCode })).toHaveLength(1)
  })
}

for (const [how, text] of [
  ['init', app('A').replace('init() {', 'async init() { await new Promise(() => undefined);')],
  ['import', `await new Promise(() => undefined)\n${app('A')}`],
] as const) {
  test(`a dirty app that hangs in its ${how} ends the start after boot_timeout`, async () => {
    const server = startDirty({ args: ['--dirty-app', './a.mjs:A', '--boot-timeout', '2'], files: { 'a.mjs': text } })
    expect(await server.exited).toEqual({ code: 3, signal: null })
    expect(server.all('arbiter.ready')).toEqual([])
  })
}

test('the hooks of the dirty pool run where and when they should', async () => {
  const config = `
    import { appendFileSync } from 'node:fs'
    const note = (name) => (facts) => appendFileSync('hooks', name + ' ' + process.title.split(' ')[1] + ' ' + (facts?.slot ?? '-') + '\\n')
    export default Object.fromEntries(['onStarting', 'onDirtyStarting', 'dirtyPostFork', 'dirtyWorkerInit', 'dirtyWorkerExit', 'whenReady'].map((name) => [name, note(name)]))`
  const server = startDirty({
    args: ['--dirty-app', './a.mjs:A', '--dirty-workers', '1'],
    files: { 'a.mjs': app('A'), 'monoceros.config.mjs': config },
  })
  await server.ready()
  await server.stop()
  expect(readFileSync(join(server.folder, 'hooks'), 'utf8').trim().split('\n')).toEqual([
    'onStarting arbiter -', 'onDirtyStarting arbiter -', 'dirtyPostFork dirty-worker 0', 'dirtyWorkerInit dirty-worker 0', 'whenReady arbiter -', 'dirtyWorkerExit dirty-worker 0',
  ]) // biome-ignore format: one line reads better
})

test('every process of the pool has its title', async () => {
  const server = startDirty({
    args: ['--dirty-app', './a.mjs:A', '--dirty-app', 'second=./a.mjs:A', '--dirty-workers', '1', '-n', 'shop'],
    files: { 'a.mjs': app('A') },
  })
  await server.ready()
  expect(titleOf(dirtyArbiterPid(server))).toBe('monoceros: dirty-arbiter [shop]')
  expect(titleOf(dirtyWorkers(server).get(0)!)).toBe('monoceros: dirty-worker [a,second] slot 0')
})

test('a dirty arbiter that is killed is replaced: what waits is told in time, what runs is answered, and nothing is left behind', async () => {
  const server = startDirty({ args: ['--dirty-app', './a.mjs:A', '--dirty-workers', '1'], files: { 'a.mjs': app('A') } })
  await server.ready()
  const a = appOf(server, 'a').with({ timeoutMs: 30_000 })
  const running = Promise.resolve(a.hold('runs'))
  await seen(server, 'runs.began')
  const queued = [1, 2, 3].map(() =>
    a.say().then(
      (value: unknown) => value,
      (error: { code: string }) => error.code,
    ),
  )
  await door.openStash(socketOf(server)).tables()
  const killedMs = performance.now()
  const [pid, worker] = [dirtyArbiterPid(server), dirtyWorkers(server).get(0)]
  process.kill(pid, 'SIGKILL')
  for (const outcome of await Promise.all(queued)) expect(['A', 'MON_DIRTY_CONNECTION']).toContain(outcome)
  expect(performance.now() - killedMs).toBeLessThan(2_000)
  put(server, 'runs.go')
  expect(await running).toBe('runs')
  expect(await a.say()).toBe('A')
  await server.until('dirty.died', { childPid: pid })
  await poll(() => !existsSync(`/proc/${worker}`))
})

test('calls are refused while no worker of their app can be started', async () => {
  const server = startDirty({ args: ['--dirty-app', './a.mjs:A', '--dirty-workers', '1'], files: { 'a.mjs': app('A') } })
  await server.ready()
  const a = appOf(server, 'a').with({ timeoutMs: 25_000 })
  const pid = await a.pid()
  put(server, 'a.mjs', 'process.exit(1)')
  process.kill(pid, 'SIGKILL')
  await server.until('worker.died', { role: 'dirty-arbiter', childPid: pid })
  const error = await failure(a.say())
  expect(error).toBeInstanceOf(door.DirtyNoWorkersAvailableError)
  expect(error.code).toBe('MON_DIRTY_NO_WORKER')
  put(server, 'a.mjs', app('A'))
  await poll(() =>
    a.say().then(
      () => true,
      () => false,
    ),
  )
})

test('an app in TypeScript needs no build', async () => {
  const text = `
    import { DirtyApp } from 'monoceros/dirty'
    enum Unit { Px = 'px' }
    export class A extends DirtyApp {
      static override workers: number | null = 1
      constructor(private readonly base: number = 40) { super() }
      add(by: number): string { return \`\${this.base + by}\${Unit.Px}\` }
    }`
  const server = startDirty({ args: ['--dirty-app', './a.ts:A'], files: { 'a.ts': text } })
  await server.ready()
  expect(await appOf(server, 'a').add(2)).toBe('42px')
})

test('an app is called by the name given, by that of its module, or by its whole spec', async () => {
  const server = startDirty({
    args: [
      '--dirty-app',
      'given=./a.mjs:A',
      '--dirty-app',
      './b.mjs:B',
      '--dirty-app',
      './x/same.mjs:C',
      '--dirty-app',
      './y/same.mjs:D',
      '--dirty-workers',
      '1',
    ],
    files: { 'a.mjs': app('A'), 'b.mjs': app('B'), 'x/same.mjs': app('C'), 'y/same.mjs': app('D') },
  })
  await server.ready()
  const said = []
  for (const name of ['given', 'b', './x/same.mjs:C', './y/same.mjs:D']) said.push(await appOf(server, name).say())
  expect(said).toEqual(['A', 'B', 'C', 'D'])
  expect((await failure(appOf(server, 'same').say())).code).toBe('MON_DIRTY_NO_APP')
})

test('the folder of the sockets is private, and gone after the stop', async () => {
  const server = startDirty({ args: ['--dirty-app', './a.mjs:A'], files: { 'a.mjs': app('A') } })
  await server.ready()
  const folder = dirname(socketOf(server))
  const { statSync } = await import('node:fs')
  expect(statSync(folder).mode & 0o777).toBe(0o700)
  expect(readdirSync(folder).length).toBeGreaterThan(1)
  await server.stop()
  expect(existsSync(folder)).toBe(false)
})

test('the settings are listed', async () => {
  for (const option of ['--help', '--print-config']) {
    const server = startDirty({ args: [option, '--dirty-app', './a.mjs:A'] })
    expect(await server.exited).toEqual({ code: 0, signal: null })
    for (const name of [
      'app',
      'workers',
      'threads',
      'timeout',
      'graceful.?timeout',
      'cancel.?grace',
      'queue.?max',
      'max.?calls',
      'memory.?limit',
      'frame.?max',
      'nice',
    ])
      expect(server.stdout()).toMatch(new RegExp(`dirty.?${name}`, 'i'))
  }
})

test('without dirty apps there is no dirty arbiter, and calls say so', async () => {
  const text = `import { dirty } from 'monoceros/dirty'
    export default async (req, res) => { try { await dirty('a').x() } catch (error) { res.end(error.code) } }`
  const server = startDirty({ files: { 'app.mjs': text } })
  await server.ready()
  expect((await ask({ port: server.port() })).body).toBe('MON_DIRTY_NO_SOCKET')
  expect(server.all('dirty.booting')).toEqual([])
})
