/** Whoever is killed or stopped without warning, nobody is left behind and nobody healthy is killed for it. */
import { readFileSync } from 'node:fs'
import { setTimeout as pause } from 'node:timers/promises'
import { expect, test } from 'vitest'
import { ask } from '../support/client.ts'
import { type Running, start } from '../support/harness.ts'
import { startLoad } from '../support/load.ts'

const app = `
const { execSync, spawn } = require('node:child_process')
const { writeSync } = require('node:fs')
if (process.env.HAS_CHILDREN) spawn('sh', ['-c', 'sleep 300 & sleep 300 & wait'], { stdio: 'ignore' }).unref()
const say = (event) => writeSync(2, JSON.stringify({ event, from: process.pid }) + '\\n')
const traps = {
  '/spin': function spinForEver() { for (;;) Math.random() },
  '/exec': () => execSync('sleep 300'),
}
module.exports = (req, res) => {
  if (req.url === '/') return res.end(String(process.pid))
  say('app.began')
  if (req.url === '/second') return setTimeout(() => res.end(String(process.pid)), 1_000)
  traps[req.url]?.()
}
`
const files = { 'app.cjs': app }
const two = ['./app.cjs', '-w', '2', '-b', '127.0.0.1:0']
const one = ['./app.cjs', '-b', '127.0.0.1:0']

/** The promise is two seconds; a machine with other work to do may be late. */
const watchdogKillsWithinMs = 10_000

test('workers whose arbiter is killed finish the requests they have and go', async () => {
  const server = start({ args: two, files })
  await server.ready()
  const answers = Array.from({ length: 8 }, () => ask({ port: server.port(), path: '/second' }))
  await server.untilCount('app.began', 8)
  server.signal('SIGKILL')
  expect((await Promise.all(answers)).map(({ status }) => status)).toEqual(Array(8).fill(200))
  await nobodyIsLeft(server)
  expect(server.all('worker.orphaned')).toHaveLength(2)
  expect(server.all('worker.orphan-killed')).toEqual([])
})

test('a worker whose arbiter is killed does not wait for a request beyond graceful_timeout', async () => {
  const server = start({ args: [...two, '--graceful-timeout', '0.5'], files })
  await server.ready()
  const cut = ask({ port: server.port(), path: '/never' }).catch((error: unknown) => error)
  await server.until('app.began')
  server.signal('SIGKILL')
  await nobodyIsLeft(server)
  expect(await cut).toBeInstanceOf(Error)
})

test.each([
  ['/spin', { where: 'in JavaScript', stack: expect.arrayContaining([expect.stringMatching(/^at .*spinForEver \(.*app\.cjs:/)]) }],
  ['/exec', { where: 'in native code', children: [expect.stringMatching(/sleep 300$/)] }],
])('a worker that is blocked (%s) when its arbiter is killed is ended by its own watchdog, which tells why', async (path, facts) => {
  const server = start({ args: two, files })
  await server.ready()
  const lost = ask({ port: server.port(), path }).catch((error: unknown) => error)
  const { from } = await server.until('app.began')
  const killedMs = performance.now()
  server.signal('SIGKILL')
  const killed = await server.until('worker.orphan-killed')
  expect(performance.now() - killedMs).toBeLessThan(watchdogKillsWithinMs)
  expect(killed).toMatchObject({ level: 'error', pid: from, role: 'worker', gen: 1, requests: [{ method: 'GET', path }], ...facts })
  await nobodyIsLeft(server)
  expect(await lost).toBeInstanceOf(Error)
  expect(server.all('worker.orphaned')).toHaveLength(1)
})

test('a worker that still imports its app goes when its arbiter is killed', async () => {
  const text = 'setInterval(() => {}, 1_000)\nconsole.error(JSON.stringify({ event: "app.imports" }))\nawait new Promise(() => {})\n'
  const server = start({ args: ['./app.mjs', '-w', '2', '-b', '127.0.0.1:0'], files: { 'app.mjs': text } })
  await server.untilCount('app.imports', 2)
  server.signal('SIGKILL')
  await nobodyIsLeft(server)
})

test('a worker that blocks while it imports its app is killed after its arbiter', async () => {
  const text = 'require("node:fs").writeSync(2, JSON.stringify({ event: "app.imports" }) + "\\n")\nfor (;;) Math.random()\n'
  const server = start({ args: one, files: { 'app.cjs': text } })
  await server.until('app.imports')
  server.signal('SIGKILL')
  await server.until('worker.orphan-killed', { phase: 'importing the app' })
  await nobodyIsLeft(server)
})

test('a worker that has only just been spawned goes when its arbiter is killed', async () => {
  const server = start({ args: [...one, '-w', '4'], files })
  await server.untilCount('worker.booting', 4)
  server.signal('SIGKILL')
  await nobodyIsLeft(server)
})

test('a worker that was stopped when its arbiter was killed goes when it is continued', async () => {
  const server = start({ args: two, files })
  await server.ready()
  const stopped = server.workers().get(1) as number
  process.kill(stopped, 'SIGSTOP')
  server.signal('SIGKILL')
  await until(
    () => server.family().length === 1,
    () => `left: ${server.family()}`,
  )
  expect(server.family()).toEqual([stopped])
  process.kill(stopped, 'SIGCONT')
  await nobodyIsLeft(server)
})

test('what the app has started goes with its worker, however the worker or the arbiter ends', async () => {
  const options = { args: two, files, env: { HAS_CHILDREN: '1' } }
  const killed = start(options)
  const stopped = start(options)
  for (const server of [killed, stopped]) {
    await server.ready()
    // The arbiter, and per worker itself, its shell and two sleepers.
    await until(
      () => server.family().length === 9,
      () => commandsOf(server.family()),
    )
  }
  killed.signal('SIGKILL')
  await nobodyIsLeft(killed)
  expect(await stopped.stop()).toEqual({ code: 0, signal: null })
  await nobodyIsLeft(stopped)
})

test('a worker that is killed takes what its app has started with it', async () => {
  const server = start({ args: one, files, env: { HAS_CHILDREN: '1' } })
  await server.ready()
  await until(
    () => server.family().length === 5,
    () => commandsOf(server.family()),
  )
  const before = server.family()
  process.kill(server.workers().get(0) as number, 'SIGKILL')
  await server.untilCount('worker.ready', 2)
  await until(
    () => server.family().filter((pid) => before.includes(pid)).length === 1,
    () => commandsOf(server.family()),
  )
  expect(server.family().filter((pid) => before.includes(pid))).toEqual([server.pid])
})

test.each([[1_000], [3_500]])('an arbiter that was stopped for %i ms, longer than timeout, kills no healthy worker', async (ms) => {
  const server = start({ args: [...two, '--timeout', '0.5'], files })
  await server.ready()
  const load = startLoad({ port: server.port(), keepAlive: 1, fresh: 1 })
  server.signal('SIGSTOP')
  await pause(ms)
  server.signal('SIGCONT')
  await pause(1_500) // it looks for frozen workers twice a second
  expect(await load.stop()).toMatchObject({ failures: [] })
  expect(server.lines.filter(({ event }) => /^worker\.(frozen|timeout|died|orphaned)$/.test(event))).toEqual([])
})

async function nobodyIsLeft(server: Running): Promise<void> {
  await until(
    () => server.family().length === 0,
    () => `left behind: ${commandsOf(server.family())}`,
  )
  await server.exited
}

async function until(isSo: () => boolean, problem: () => string): Promise<void> {
  const endMs = performance.now() + 15_000
  while (!isSo()) {
    if (performance.now() > endMs) throw new Error(problem())
    await pause(20)
  }
}

function commandsOf(pids: readonly number[]): string {
  const commands = pids.map((pid) => {
    try {
      return `${pid} ${readFileSync(`/proc/${pid}/cmdline`, 'utf8').replaceAll('\0', ' ')}`
    } catch {
      return `${pid} gone`
    }
  })
  return commands.join('; ')
}
