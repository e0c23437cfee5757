/** Workers that hang, freeze or end early: each is told apart in the log, shown with what it was doing, and replaced. */
import { expect, test } from 'vitest'
import { ask } from '../support/client.ts'
import { type LogLine, type Running, start } from '../support/harness.ts'

const app = `
const { execSync } = require('node:child_process')
const { pbkdf2Sync } = require('node:crypto')
const { writeSync } = require('node:fs')

function spinForEver() {
  for (;;) Math.random() // here it spins
}
function spinFor(ms) {
  const end = Date.now() + ms
  while (Date.now() < end) Math.random() // here it spins for a while
}
function matchForEver() {
  return /^(a+)+$/.test('a'.repeat(60) + '!') // here it matches
}
function waitForEver() {
  Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0) // here it waits
}
const traps = {
  '/spin': spinForEver,
  '/match': matchForEver,
  '/wait': waitForEver,
  '/exec': () => execSync('sleep 60'),
  '/hash': () => pbkdf2Sync('secret', 'salt', 2e9, 64, 'sha512'),
  '/spin-1800': () => spinFor(1_800),
  '/exit': () => process.exit(0),
}
module.exports = (req, res) => {
  const trap = traps[req.url.split('?')[0]]
  if (trap === undefined) return res.end(String(process.pid))
  writeSync(2, JSON.stringify({ event: 'app.trapped', trapped: process.pid }) + '\\n')
  trap()
  res.end(String(process.pid))
}
`
const files = { 'app.cjs': app }
const two = ['./app.cjs', '-w', '2', '-b', '127.0.0.1:0']
const one = ['./app.cjs', '-b', '127.0.0.1:0']

test.each([
  ['/spin', 'spinForEver', 'here it spins'],
  ['/match', 'matchForEver', 'here it matches'],
])('a worker blocked in JavaScript (%s) is shown with its stack and its requests, killed and replaced', async (path, name, mark) => {
  const server = start({ args: [...two, '--timeout', '1'], files })
  await server.ready()
  const { pid, outcome } = await trap(server, path)
  await othersServe(server, pid)

  const timeout = await server.until('worker.timeout', { childPid: pid })
  expect(timeout['blockedMs']).toBeGreaterThan(1_000)
  const autopsy = await replaced(server, pid)
  expect(autopsy).toMatchObject({ where: 'in JavaScript', phase: 'serving', requests: [{ method: 'POST', path }] })
  expect(ageOf(autopsy)).toBeGreaterThanOrEqual(1_000)
  expect(stackOf(autopsy)).toContainEqual(expect.stringMatching(`^at ${name} \\(${server.folder}/app.cjs:${lineOf(app, mark)}:\\d+\\)$`))
  expect(await outcome).toBeInstanceOf(Error)
})

test('a worker blocked in a child process is shown with it, and both are killed', async () => {
  const server = start({ args: [...two, '--timeout', '1'], files })
  await server.ready()
  const { pid } = await trap(server, '/exec')
  await othersServe(server, pid)
  const autopsy = await replaced(server, pid)
  expect(autopsy).toMatchObject({ where: 'in native code', stack: [], requests: [{ method: 'POST', path: '/exec' }] })
  const [child] = autopsy['children'] as string[]
  expect(child).toMatch(/^\d+ .*sleep 60$/)
  expect(server.family()).not.toContain(Number.parseInt(child ?? '', 10))
})

test('a worker blocked in native code is killed although no stack of it can be had', async () => {
  const server = start({ args: [...two, '--timeout', '1'], files })
  await server.ready()
  const { pid } = await trap(server, '/hash')
  await othersServe(server, pid)
  const autopsy = await replaced(server, pid)
  expect(autopsy).toMatchObject({ where: 'in native code', stack: [], children: [], requests: [{ method: 'POST', path: '/hash' }] })
})

test('a worker whose main thread waits on an atomic is killed and replaced', async () => {
  const server = start({ args: [...two, '--timeout', '1'], files })
  await server.ready()
  const { pid } = await trap(server, '/wait')
  await othersServe(server, pid)
  const autopsy = await replaced(server, pid)
  // Some versions of V8 let a pause in while the thread waits, others do not.
  const stack = stackOf(autopsy)
  if (autopsy['where'] === 'in JavaScript') expect(stack[0]).toMatch(`${server.folder}/app.cjs:${lineOf(app, 'here it waits')}:`)
  else expect({ where: autopsy['where'], stack }).toEqual({ where: 'in native code', stack: [] })
})

test('a worker stopped by SIGSTOP is told to be frozen, killed and replaced', async () => {
  const server = start({ args: [...two, '--timeout', '0.5'], files })
  await server.ready()
  const pid = server.workers().get(0) as number
  process.kill(pid, 'SIGSTOP')
  await othersServe(server, pid)
  const frozen = await server.until('worker.frozen', { childPid: pid, slot: 0 })
  expect(frozen['silentMs']).toBeGreaterThan(500)
  const autopsy = await replaced(server, pid)
  expect(autopsy).toMatchObject({ where: 'frozen', stack: [] })
  expect(server.all('worker.timeout')).toEqual([])
})

test('a worker that is stopped and continued before it counts as frozen lives', async () => {
  const server = start({ args: [...two, '--timeout', '1'], files })
  await server.ready()
  const pid = server.workers().get(0) as number
  process.kill(pid, 'SIGSTOP')
  await askFor(server, 1_300) // longer than the timeout: its own watchdog stood still too
  process.kill(pid, 'SIGCONT')
  const answers = await askFor(server, 1_500)
  expect(answers).toContain(pid)
  expect(troubles(server)).toEqual([])
})

test('an import that never returns ends with boot_timeout and is shown with its stack', async () => {
  const text = 'function loadsForEver() {\n  for (;;) Math.random()\n}\nloadsForEver()\nmodule.exports = () => {}\n'
  const server = start({ args: [...one, '--boot-timeout', '1'], files: { 'app.cjs': text } })
  const timeout = await server.until('worker.boot-timeout')
  expect(timeout['bootTimeoutS']).toBe(1)
  const autopsy = await server.until('worker.autopsy', { childPid: timeout.childPid })
  expect(autopsy).toMatchObject({ where: 'in JavaScript', phase: 'importing the app', requests: [] })
  expect(stackOf(autopsy)[0]).toMatch(`at loadsForEver (${server.folder}/app.cjs:2:`)
  await server.until('worker.boot-failed', { childPid: timeout.childPid })
  expect(await server.exited).toEqual({ code: 3, signal: null })
})

test('an import that awaits what never comes ends with boot_timeout and is told to wait', async () => {
  const text = 'setInterval(() => {}, 1_000)\nawait new Promise(() => {})\nexport default () => {}\n'
  const server = start({ args: ['./app.mjs', '-b', '127.0.0.1:0', '--boot-timeout', '1'], files: { 'app.mjs': text } })
  const timeout = await server.until('worker.boot-timeout')
  const autopsy = await server.until('worker.autopsy', { childPid: timeout.childPid })
  expect(autopsy).toMatchObject({ where: 'its loop turns and waits', phase: 'importing the app', stack: [] })
  expect(await server.exited).toEqual({ code: 3, signal: null })
})

test('a program that is stopped while it is imported ends with boot_timeout and is told to be frozen', async () => {
  const server = start({ args: [...one, '--boot-timeout', '1'], files: { 'app.cjs': "process.kill(process.pid, 'SIGSTOP')" } })
  const timeout = await server.until('worker.boot-timeout')
  expect(await server.until('worker.autopsy', { childPid: timeout.childPid })).toMatchObject({ where: 'frozen', stack: [] })
  expect(await server.exited).toEqual({ code: 3, signal: null })
})

test('an import that awaits with nothing left to come is not waited for', async () => {
  const text = 'await new Promise(() => {})\nexport default () => {}\n'
  const server = start({ args: ['./app.mjs', '-b', '127.0.0.1:0'], files: { 'app.mjs': text } })
  expect(await server.until('worker.cannot-boot')).toMatchObject({ code: 'MON_APP_EXPORT' })
  expect(await server.exited).toEqual({ code: 4, signal: null })
})

test('a program that exits with 0 before it is ready is a failed boot', async () => {
  const server = start({ args: one, files: { 'app.cjs': 'process.exit(0)' } })
  await server.until('worker.boot-failed')
  expect(await server.exited).toEqual({ code: 3, signal: null })
  expect(server.all('worker.autopsy')).toEqual([])
})

test('a worker that exits with 0 while it serves has died and is replaced', async () => {
  const server = start({ args: one, files })
  await server.ready()
  const { pid } = await trap(server, '/exit')
  const died = await server.until('worker.died', { childPid: pid })
  await server.until('worker.ready', (line) => line.slot === died.slot && line.childPid !== pid)
  expect(await pidServing(server)).not.toBe(pid)
  expect(server.all('worker.autopsy')).toEqual([])
})

test.each([['30'], ['0']])(
  'a worker blocked for more than a second, but not for its timeout of %s, lives and is told of',
  async (timeout) => {
    const server = start({ args: [...one, '--timeout', timeout], files })
    await server.ready()
    const { pid, outcome } = await trap(server, '/spin-1800')
    expect(await outcome).toBe(pid)
    const blocked = await server.until('worker.blocked', { childPid: pid })
    // Of the whole block, not of the moment of the stack: that is taken after a second.
    expect(blocked['blockedMs']).toBeGreaterThanOrEqual(1_400)
    expect(stackOf(blocked)[0]).toMatch(`at spinFor (${server.folder}/app.cjs:${lineOf(app, 'for a while')}:`)
    expect(blocked).toMatchObject({ requests: [{ method: 'POST', path: '/spin-1800' }] })
    expect(await pidServing(server)).toBe(pid)
    expect(troubles(server)).toEqual([])
  },
)

test('a worker that blocks while it loads its app is no news', async () => {
  const source = `const end = Date.now() + 2_200\nwhile (Date.now() < end);\nmodule.exports = (req, res) => res.end('0')\n`
  const server = start({ args: [...one, '--timeout', '30'], files: { 'app.cjs': source } })
  await server.ready()
  await askFor(server, 500) // its watchdog has looked again by then
  expect(await server.stop()).toEqual({ code: 0, signal: null })
  expect(server.all('worker.blocked')).toEqual([])
})

test('a timeout of 0 lets a stopped worker be', async () => {
  const server = start({ args: [...two, '--timeout', '0'], files })
  await server.ready()
  const pid = server.workers().get(0) as number
  process.kill(pid, 'SIGSTOP')
  await askFor(server, 2_500)
  process.kill(pid, 'SIGCONT')
  expect(troubles(server)).toEqual([])
  expect(await server.stop()).toEqual({ code: 0, signal: null })
})

test('a worker that does not obey a stop is shown with what it was doing and killed after its grace', async () => {
  const server = start({ args: [...one, '--timeout', '0', '--graceful-timeout', '0.3'], files })
  await server.ready()
  const { pid } = await trap(server, '/spin')
  server.signal('SIGTERM')
  const over = await server.until('worker.grace-over', { childPid: pid })
  expect(over['graceMs']).toBe(300)
  const autopsy = await server.until('worker.autopsy', { childPid: pid })
  expect(stackOf(autopsy)[0]).toMatch(`at spinForEver (${server.folder}/app.cjs:${lineOf(app, 'here it spins')}:`)
  expect(await server.exited).toEqual({ code: 0, signal: null })
  expect(server.all('worker.died', { childPid: pid })).toHaveLength(1)
})

test('an old worker that does not obey a reload is killed without a further replacement', async () => {
  const server = start({ args: [...one, '--timeout', '0', '--graceful-timeout', '0.3'], files })
  await server.ready()
  const { pid } = await trap(server, '/spin')
  server.signal('SIGHUP')
  await server.until('reload.done')
  await server.until('worker.grace-over', { childPid: pid })
  await server.until('worker.died', { childPid: pid })
  await askFor(server, 500)
  expect(server.all('worker.booting')).toHaveLength(2)
})

/** Sends a request that traps the worker which takes it, and waits until it is in the trap. */
async function trap(server: Running, path: string): Promise<{ pid: number; outcome: Promise<number | Error> }> {
  const outcome = ask({ port: server.port(), path: `${path}?token=secret`, method: 'POST' }).then(
    ({ body }) => Number(body),
    (error: Error) => error,
  )
  return { pid: Number((await server.until('app.trapped'))['trapped']), outcome }
}

async function pidServing(server: Running): Promise<number> {
  return Number((await ask({ port: server.port() })).body)
}

/** Connections that come while one worker is stuck are all taken by the other. */
async function othersServe(server: Running, stuck: number): Promise<void> {
  const answers = await Promise.all(Array.from({ length: 20 }, () => pidServing(server)))
  expect(answers).not.toContain(stuck)
  expect(server.all('worker.died')).toEqual([])
}

/** Load for a while: every request is answered. @returns the pids that served */
async function askFor(server: Running, ms: number): Promise<number[]> {
  const pids: number[] = []
  const endMs = performance.now() + ms
  while (performance.now() < endMs) pids.push(await pidServing(server))
  return pids
}

/** Waits for the autopsy, the death and the successor of a worker, in this order. @returns the autopsy */
async function replaced(server: Running, pid: number): Promise<LogLine> {
  const died = await server.until('worker.died', { childPid: pid })
  await server.until('worker.ready', (line) => line.slot === died.slot && line.childPid !== pid)
  const autopsy = server.all('worker.autopsy', { childPid: pid })
  expect(autopsy).toHaveLength(1)
  expect(server.lines.indexOf(autopsy[0] as LogLine)).toBeLessThan(server.lines.indexOf(died))
  return autopsy[0] as LogLine
}

const troubles = (server: Running) =>
  server.lines.filter(({ event }) => /^worker\.(timeout|frozen|died|autopsy)$/.test(event)).map(({ event }) => event)
const stackOf = (line: LogLine) => line['stack'] as string[]
const ageOf = (line: LogLine) => (line['requests'] as { ageMs: number }[])[0]?.ageMs ?? 0
const lineOf = (text: string, mark: string) => text.slice(0, text.indexOf(mark)).split('\n').length
