/** The flight recorder as a person meets it: what happened is in the file, whoever died, and `monoceros replay` tells it. */
import { type ChildProcess, spawn } from 'node:child_process'
import { existsSync, readFileSync, renameSync, statSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { expect, test } from 'vitest'
import { parseRecording } from '../../src/flight-recorder/read-recording.ts'
import type { Transition } from '../../src/ipc/transition.ts'
import { ask } from '../support/client.ts'
import { control } from '../support/control.ts'
import { dirtyWorkers, ofDirty, startDirty } from '../support/dirty.ts'
import { cliPath, distPath, type Running, start, testFolder } from '../support/harness.ts'
import { poll } from '../support/poll.ts'

const app = `
module.exports = (req, res) => {
  if (req.url === '/exit') process.exit(7)
  if (req.url === '/spin') for (;;) Math.random()
  if (req.url === '/throw') setImmediate(() => { throw new TypeError('no such thing') })
  else
  res.end('ok')
}`
const files = { 'app.cjs': app }
const plain = ['./app.cjs', '-b', '127.0.0.1:0', '--flight-recorder', 'fr.log']
const fileOf = (server: Running) => join(server.folder, 'fr.log')

function stepsOf(server: Running): readonly Transition[] {
  const texts = [`${fileOf(server)}.1`, fileOf(server)].filter(existsSync).map((path) => readFileSync(path, 'utf8'))
  return parseRecording(texts).steps
}

const find = (server: Running, given: Partial<Transition>) =>
  stepsOf(server).find((step) => Object.entries(given).every(([name, value]) => step[name as keyof Transition] === value))
const until = (server: Running, given: Partial<Transition>) =>
  poll(
    () => find(server, given),
    () => `${JSON.stringify(given)} did not come\n${server.stderr()}`,
  )

/** What a process recorded, none missing: its numbers run from 1. */
function expectWhole(steps: readonly Transition[]): void {
  const byPid = new Map<number, number[]>()
  for (const { pid, seq } of steps) byPid.set(pid, [...(byPid.get(pid) ?? []), seq])
  for (const [pid, seqs] of byPid) expect([pid, seqs]).toEqual([pid, seqs.map((_, index) => index + 1)])
}

async function run(...args: string[]): Promise<{ code: number | null; out: string; err: string }> {
  const child: ChildProcess = spawn(process.execPath, [cliPath, 'replay', ...args], { stdio: ['ignore', 'pipe', 'pipe'] })
  const text = { out: '', err: '' }
  child.stdout?.on('data', (chunk) => {
    text.out += chunk
  })
  child.stderr?.on('data', (chunk) => {
    text.err += chunk
  })
  const code = await new Promise<number | null>((resolve) => child.once('close', resolve))
  return { code, ...text }
}

test('a reload is a chain of causes, from the signal to the exit of the old worker', async () => {
  const server = start({ args: plain, files })
  await server.ready()
  const old = server.workers().get(0) ?? 0
  server.signal('SIGHUP')
  await server.until('worker.gone', { childPid: old })
  await server.stop()

  const steps = stepsOf(server)
  expectWhole(steps)
  expect(find(server, { pid: server.pid, event: 'reload' })).toMatchObject({ actor: 'arbiter', cause: 'SIGHUP' })
  const roots = ['loadConfig done', 'done.actor.rolling'].map((event) => find(server, { pid: server.pid, event })?.cause)
  expect(roots).toEqual(['SIGHUP', expect.stringMatching(/ ← SIGHUP$/)])
  const started = find(server, { actor: 'worker-handle 2', event: 'start' })
  expect(started).toMatchObject({ cause: 'arbiter: roll.spawn ← SIGHUP', facts: { slot: 0, age: 2, generation: 2 } })
  expect(find(server, { actor: 'worker-handle 1', event: 'stop' })?.cause).toBe('reload ← SIGHUP')
  expect(find(server, { pid: old, event: 'drain' })).toMatchObject({ role: 'worker', slot: 0, age: 1, from: 'ready', cause: 'reload' })
  expect(find(server, { actor: 'worker-handle 1', event: 'child.exited' })).toMatchObject({
    cause: 'exit code 0 ← SIGHUP',
    facts: { childPid: old },
  })
  // In the order in which one led to the other, though three processes wrote them.
  const order = [
    { event: 'reload' },
    { actor: 'worker-handle 2', event: 'start' },
    { actor: 'worker', age: 2, event: 'start' },
    { actor: 'worker-handle 2', event: 'child.ready' },
    { actor: 'worker-handle 1', event: 'stop' },
    { pid: old, event: 'drain' },
    { actor: 'worker-handle 1', event: 'child.exited' },
  ].map((given) => steps.indexOf(find(server, given as Partial<Transition>) as Transition))
  expect(order).toEqual([...order].sort((one, other) => one - other))
  expect(find(server, { pid: server.pid, chart: 'arbiter', event: 'stop' })?.cause).toBe('SIGTERM')
  expect(find(server, { actor: 'worker-handle 2', event: 'child.exited' })?.cause).toBe('exit code 0 ← SIGTERM')
})

/** With every kind of chart: threads, and a dirty pool. */
const startWithAll = () =>
  startDirty({
    args: [
      '--threads',
      '2',
      '--dirty-app',
      './images.mjs:Images',
      '--dirty-workers',
      '1',
      '--dirty-nice',
      '0',
      '--flight-recorder',
      'fr.log',
    ],
    files: {
      'images.mjs': `import { DirtyApp } from 'monoceros/dirty'\nexport class Images extends DirtyApp { say() { return 'here' } }`,
    },
  })

test('a tree that is killed as a whole leaves the last step of each actor up to the kill', async () => {
  const server = startWithAll()
  await server.ready()
  server.signal('SIGTTIN')
  const { childPid: youngest } = await server.until('worker.ready', { role: 'arbiter', slot: 1 })
  // The log line is part of the step, which is recorded when it is done.
  await until(server, { pid: server.pid, actor: 'worker-handle 2', to: 'ready' })
  await until(server, { pid: youngest as number, actor: 'worker', to: 'ready' })
  // Stopped first: a worker that sees its arbiter die begins to drain, which is a step too.
  const family = server.family()
  for (const signal of ['SIGSTOP', 'SIGKILL'] as const) for (const pid of family) process.kill(pid, signal)
  await server.exited

  const told = await run(fileOf(server), '--json')
  expect(told.code).toBe(0)
  const steps = told.out
    .trim()
    .split('\n')
    .map((line) => JSON.parse(line) as Transition)
  expectWhole(steps)
  const lastOf = (given: Partial<Transition>) =>
    steps.filter((step) => Object.entries(given).every(([name, value]) => step[name as keyof Transition] === value)).at(-1)
  const [worker] = server.workers().values()
  const [dirtyWorker] = dirtyWorkers(server).values()
  for (const pid of [worker, youngest]) {
    expect(lastOf({ pid: pid as number, actor: 'worker' })).toMatchObject({ role: 'worker', event: 'open done', to: 'ready' })
    expect(lastOf({ pid: pid as number, actor: 'thread-pool' })).toMatchObject({ to: 'open' })
    for (const lane of ['lane 1', 'lane 2'])
      expect(lastOf({ pid: pid as number, actor: lane })).toMatchObject({ event: 'thread.loaded', to: 'ready' })
  }
  expect(lastOf({ pid: server.pid, actor: 'worker-handle 2' })).toMatchObject({
    event: 'child.ready',
    to: 'ready',
    facts: { childPid: youngest },
  })
  expect(lastOf({ pid: server.pid, actor: 'keeper dirty-arbiter' })).toMatchObject({ to: 'running.ready' })
  expect(lastOf({ pid: server.pid, actor: 'worker-handle dirty-arbiter 1' })).toMatchObject({ event: 'child.ready', to: 'ready' })
  expect(lastOf({ role: 'dirty-arbiter', actor: 'arbiter' })?.to).toMatch(/^ready/)
  expect(lastOf({ role: 'dirty-arbiter', actor: 'worker-handle 1' })).toMatchObject({ to: 'ready', facts: { childPid: dirtyWorker } })
  expect(lastOf({ pid: dirtyWorker as number, actor: 'worker' })).toMatchObject({ role: 'dirty-worker', slot: 0, to: 'ready' })
  expect(lastOf({ pid: dirtyWorker as number, actor: 'lane images 1' })).toMatchObject({ event: 'thread.loaded', to: 'ready' })
  expect(steps.some(({ isOver, chart }) => isOver && chart !== 'listener')).toBe(false)

  const [merged, byActor, one] = await Promise.all([
    run(fileOf(server)),
    run(fileOf(server), '--by-actor'),
    run(fileOf(server), '--actor', String(youngest), '--last', '1', '--json'),
  ])
  expect([merged.code, byActor.code, one.code]).toEqual([0, 0, 0])
  expect(merged.out.split('\n').filter((line) => /^\d\d:\d\d:/.test(line))).toHaveLength(steps.length)
  expect(byActor.out).toContain(`lane images 1 in dirty-worker slot 0 (${dirtyWorker})`)
  expect(JSON.parse(one.out)).toMatchObject({ to: 'ready' })
})

test('the arbiter knows every step of every process, up to the last one, and forgets the charts of one that is killed', async () => {
  const server = startWithAll()
  await server.ready()
  const client = await control(server)
  const keys = (steps: readonly Transition[]) => steps.map(({ pid, seq }) => `${pid} ${seq}`).sort()
  const known = async () => (await client.data('show events --since 1d --limit 5000')).events as Transition[]
  const isAllKnown = () => poll(async () => String(keys(await known())) === String(keys(stepsOf(server))))
  await isAllKnown()

  const killed = [server.workers().get(0) as number, dirtyWorkers(server).get(0) as number]
  for (const pid of killed) process.kill(pid, 'SIGKILL')
  await Promise.all([
    server.until('worker.ready', { role: 'arbiter', age: 2 }),
    server.until('worker.ready', { role: 'dirty-arbiter', age: 2 }),
  ])
  const ended = [server.workers().get(0) as number, dirtyWorkers(server).get(0) as number]
  server.signal('SIGHUP')
  await Promise.all(ended.map((childPid) => server.until('worker.gone', { childPid })))

  await isAllKnown()
  const steps = await known()
  for (const pid of ended)
    expect(steps.filter((step) => step.pid === pid && step.actor === 'worker').at(-1)).toMatchObject({ to: 'gone', isOver: true })

  const living = ((await client.data('show machines')).machines as Transition[]).map(({ pid, actor }) => `${pid} ${actor}`)
  for (const pid of [...killed, ...ended]) expect(living.filter((name) => name.startsWith(`${pid} `))).toEqual([])
  const [worker] = server.workers().values()
  const { childPid } = server.lines.filter(ofDirty('worker.ready')).at(-1) ?? {}
  expect(living).toEqual(expect.arrayContaining([`${worker} lane 2`, `${childPid} lane images 1`, `${server.pid} keeper dirty-arbiter`]))
})

test('a worker that is killed, ends itself or blocks is told with the cause', async () => {
  const server = start({ args: [...plain, '-w', '1', '--timeout', '1'], files })
  await server.ready()
  const port = server.port()
  const next = async (age: number) => Number((await server.until('worker.ready', { age })).childPid)

  process.kill(await next(1), 'SIGKILL')
  await next(2)
  await ask({ port, path: '/exit' }).catch(() => undefined)
  await next(3)
  await ask({ port, path: '/spin' }).catch(() => undefined)
  await next(4)
  await ask({ port, path: '/throw' }).catch(() => undefined)
  await next(5)
  const ends = ['worker-handle 1', 'worker-handle 2', 'worker-handle 4'].map(
    (actor) => find(server, { actor, event: 'child.exited' })?.cause,
  )
  expect(ends).toEqual(['SIGKILL', 'exit code 7', 'exit code 1 ← no such thing (GET /throw)'])
  expect(find(server, { actor: 'worker-handle 3', event: 'child.silent' })?.cause).toMatch(/^blocked for [\d.]+ s ← GET \/spin$/)
  expect(find(server, { actor: 'worker-handle 4', event: 'start' })?.cause).toMatch(/ ← GET \/spin$/)
})

test('a thread that blocks is told with the request that blocks it', async () => {
  const server = start({ args: [...plain, '-k', 'gthread', '--threads', '1', '--timeout', '1'], files })
  await server.ready()
  expect((await ask({ port: server.port(), path: '/spin' })).status).toBe(504)
  const step = await until(server, { actor: 'lane 1', event: 'overdue' })
  expect(step).toMatchObject({ role: 'worker', to: 'killing.autopsy', cause: expect.stringMatching(/^blocked for [\d.]+ s ← GET \/spin$/) })
  expect((await until(server, { actor: 'lane 1#2', event: 'thread.loaded' })).to).toBe('ready')
})

test('a process that is stopped is told by the arbiter, and has told its own last step itself', async () => {
  const server = start({ args: [...plain, '-w', '1', '--timeout', '1'], files })
  await server.ready()
  const pid = server.workers().get(0) as number
  // What it tells the arbiter is part of the step, which is recorded when it is done.
  await until(server, { pid, to: 'ready' })
  process.kill(pid, 'SIGSTOP')
  await server.until('worker.died', { childPid: pid })
  expect(find(server, { actor: 'worker-handle 1', event: 'child.frozen' })?.cause).toMatch(/^frozen for [\d.]+ s$/)
  expect(
    stepsOf(server)
      .filter((step) => step.pid === pid)
      .at(-1),
  ).toMatchObject({ actor: 'worker', to: 'ready' })
})

test('a worker whose loop blocks while it imports the app has recorded that it began', async () => {
  const server = start({ args: [...plain, '--boot-timeout', '1.5'], files: { 'app.cjs': 'for (;;) Math.random()' } })
  const { childPid } = await server.until('worker.booting')
  expect(await until(server, { pid: childPid as number })).toMatchObject({ event: 'start', to: 'booting.loading' })
  await server.exited
  expect(find(server, { actor: 'worker-handle 1', event: 'after bootTimeout' })).toMatchObject({ to: 'killing.autopsy' })
})

test('a full disk costs the record, is told, and nothing else', async () => {
  const server = start({ args: ['./app.cjs', '-b', '127.0.0.1:0', '--flight-recorder', '/dev/full'], files })
  await server.ready()
  await server.until('log.failed', { role: 'arbiter', destination: '/dev/full' })
  expect((await ask({ port: server.port() })).body).toBe('ok')
  server.signal('SIGHUP')
  await server.until('reload.done')
  expect(await server.stop()).toEqual({ code: 0, signal: null })
})

test('a rotation loses no step, whichever process makes it', async () => {
  // What an earlier server left: a step short of what the file may hold.
  const earlier = JSON.stringify({
    at: 1,
    pid: 1,
    seq: 1,
    role: 'arbiter',
    actor: 'arbiter',
    event: 'start',
    to: 'x',
    facts: {},
    cause: 'x'.repeat(400),
  })
  const server = start({
    args: [...plain, '-w', '2', '--flight-recorder-max', '1'],
    files: { ...files, 'fr.log': `${earlier}\n`.repeat(2_200) },
  })
  await server.ready()
  await server.until('recorder.rotated')
  for (const pid of server.workers().values()) process.kill(pid, 'SIGKILL')
  await server.untilCount('worker.ready', 4)
  server.signal('SIGHUP')
  await server.untilCount('worker.gone', 2)
  await server.stop()
  expect(readFileSync(`${fileOf(server)}.1`, 'utf8')).toContain('xxx')
  expect(readFileSync(fileOf(server), 'utf8')).not.toContain('xxx')
  const steps = stepsOf(server).filter(({ pid }) => pid !== 1)
  expect(steps.some(({ role }) => role === 'worker')).toBe(true)
  expectWhole(steps)
  expect(server.all('recorder.rotated')).toHaveLength(1)
})

test('USR1 opens the file again in every process', async () => {
  const server = start({ args: [...plain, '-w', '1', '--flight-recorder-max', '0'], files })
  await server.ready()
  const old = server.workers().get(0) as number
  renameSync(fileOf(server), join(server.folder, 'put-aside.log'))
  server.signal('SIGUSR1')
  await server.until('arbiter.reopened')
  server.signal('SIGHUP')
  await server.until('worker.gone', { childPid: old })
  await server.stop()
  const after = stepsOf(server)
  expect(after.find(({ pid, isOver }) => pid === old && isOver)).toMatchObject({ actor: 'worker', to: 'gone' })
  expect(after.find(({ pid, isOver, chart }) => pid === server.pid && isOver && chart === 'arbiter')).toBeDefined()
})

test('a path that cannot be written is refused before anything is started', async () => {
  const server = start({ args: ['./app.cjs', '-b', '127.0.0.1:0', '--flight-recorder', 'no/such/folder/fr.log'], files })
  expect(await server.exited).toEqual({ code: 1, signal: null })
  expect(server.stderr()).toContain('no/such/folder/fr.log')
  expect(server.lines).toEqual([])
})

test('a server without a recorder writes no file', async () => {
  const server = start({ args: ['./app.cjs', '-b', '127.0.0.1:0'], files })
  await server.ready()
  await server.stop()
  expect(existsSync(fileOf(server))).toBe(false)
})

test('replay answers with exit code 2 for a wrong command, 1 when there is nothing to tell, and stops with its reader', async () => {
  const folder = testFolder()
  const path = join(folder, 'fr.log')
  const missing = await run(path)
  expect([missing.code, missing.out]).toEqual([1, ''])
  expect(missing.err).toContain(path)
  const step = (seq: number) => ({
    at: Date.now() + seq,
    pid: 7,
    seq,
    role: 'worker',
    slot: 0,
    age: 1,
    chart: 'worker',
    actor: 'worker',
    event: 'x',
    from: null,
    to: 'ready',
    isOver: false,
    facts: {},
    cause: null,
  })
  writeFileSync(path, `${Array.from({ length: 20_000 }, (_, seq) => JSON.stringify(step(seq))).join('\n')}\n{"at":17`)
  const codes = await Promise.all(
    [[], [path, 'another'], [path, '--bogus'], [path, '--last', '0'], [path, '--since', 'x'], [path, '--merged', '--by-actor']].map(
      async (args) => (await run(...args)).code,
    ),
  )
  expect(codes).toEqual([2, 2, 2, 2, 2, 2])
  expect((await run(path, '--actor', 'nobody')).code).toBe(1)
  const cut = await run(path, '--last', '2', '--json')
  expect([cut.code, cut.out.trim().split('\n')]).toEqual([0, [19_998, 19_999].map((seq) => expect.stringContaining(`"seq":${seq},`))])
  const reader = spawn('sh', ['-c', `'${process.execPath}' '${cliPath}' replay '${path}' | head -n 1`], {
    stdio: ['ignore', 'ignore', 'pipe'],
  })
  let complaint = ''
  reader.stderr.on('data', (chunk) => {
    complaint += chunk
  })
  expect(await new Promise((resolve) => reader.once('close', resolve))).toBe(0)
  expect(complaint).not.toContain('EPIPE')
})

const nobody = /^nobody:[^:]*:(\d+):(\d+):/m.exec(readFileSync('/etc/passwd', 'utf8'))
/** Workers read the product's files after they have become somebody else. */
const canBecomeNobody =
  process.getuid?.() === 0 &&
  nobody !== null &&
  [...upwards(distPath), ...upwards(process.execPath)].every((folder) => (statSync(folder).mode & 0o005) === 0o005)

test.skipIf(!canBecomeNobody)(
  'workers of another user write to the file in a folder that is not theirs, after a rotation too',
  async () => {
    const earlier = JSON.stringify({
      at: 1,
      pid: 1,
      seq: 1,
      role: 'arbiter',
      actor: 'arbiter',
      event: 'start',
      to: 'x',
      facts: {},
      cause: 'x'.repeat(400),
    })
    const server = start({
      args: ['./app.cjs', '-b', '127.0.0.1:0', '--flight-recorder', 'logs/fr.log', '--flight-recorder-max', '1', '--user', 'nobody'],
      files: { ...files, 'logs/fr.log': `${earlier}\n`.repeat(2_200) },
      // The folder of a test is its own user's alone: that of the server has to let others in, and not let them write.
      under: ['sh', '-c', 'chmod 755 . logs && exec "$@"', 'sh'],
    })
    await server.ready()
    await server.until('recorder.rotated')
    const first = server.workers().get(0) as number
    const path = join(server.folder, 'logs/fr.log')
    expect(statSync(path).uid).toBe(Number(nobody?.[1]))
    server.signal('SIGHUP')
    await server.until('worker.gone', { childPid: first })
    await server.stop()
    const steps = parseRecording([readFileSync(`${path}.1`, 'utf8'), readFileSync(path, 'utf8')]).steps.filter(({ pid }) => pid !== 1)
    expectWhole(steps)
    expect(steps.filter(({ pid }) => pid === first).at(-1)).toMatchObject({ actor: 'worker', to: 'gone' })
    expect(server.all('log.failed')).toEqual([])
  },
)

function upwards(path: string): string[] {
  const parent = dirname(path)
  return parent === path ? [path] : [path, ...upwards(parent)]
}
