/**
 * `npm run bench:units`: what single steps cost, in microseconds. Run against the built product, as its processes run it.
 * Figures are kept in bench/results; the ratio is to the run kept before.
 */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { IncomingMessage, ServerResponse } from 'node:http'
import { Socket } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import express from 'express'
import { Bench } from 'tinybench'
import { initialTransition, transition } from 'xstate'
import type { AccessEntry } from '../src/log/access-log.ts'
import { keep, lastKept, thisMachine } from './results.ts'

interface Unit {
  readonly name: string
  readonly medianUs: number
  /** Half the width in which the median lies, as a share of it. */
  readonly spread: number
}

// From the build, not from its sources: what a loader makes of those at run time is slower.
const dist = fileURLToPath(new URL(`../${process.env['MONOCEROS_TEST_DIST'] ?? 'dist'}/`, import.meta.url))
const built = async <Module>(path: string) => (await import(join(dist, path))) as Module
const { arbiterMachine } = await built<typeof import('../machines/arbiter.ts')>('machines/arbiter.js')
const { workerHandleMachine } = await built<typeof import('../machines/worker-handle.ts')>('machines/worker-handle.js')
const { countRestart, freshWindow } = await built<typeof import('../machines/restart-window.ts')>('machines/restart-window.js')
const { adopt } = await built<typeof import('../src/app/adopt.ts')>('src/app/adopt.js')
const { kindOf } = await built<typeof import('../src/app/kinds.ts')>('src/app/kinds.js')
const { parseAppSpec } = await built<typeof import('../src/app/spec.ts')>('src/app/spec.js')
const { readCommand } = await built<typeof import('../src/config/read-command.ts')>('src/config/read-command.js')
const accessLog = await built<typeof import('../src/log/access-log.ts')>('src/log/access-log.js')

const facts = { generation: 1, workers: 4, unavailableMax: 0, bootTimeoutMs: 30_000, graceMs: 30_000 }
const [booting] = initialTransition(workerHandleMachine, { slot: 0, age: 1, generation: 1, bootTimeoutMs: 30_000, graceMs: 30_000 })
const [preparing] = initialTransition(arbiterMachine, { first: facts, listeners: [] })
const [filling] = transition(arbiterMachine, preparing, { type: 'xstate.done.actor.0.arbiter.booting.preparing' } as never)

function accessEntry(): AccessEntry {
  const req = new IncomingMessage(new Socket())
  Object.assign(req, { method: 'GET', url: '/api/products?page=2', httpVersion: '1.1' })
  req.headers['user-agent'] = 'Mozilla/5.0 (X11; Linux x86_64; rv:128.0) Gecko/20100101 Firefox/128.0'
  const res = new ServerResponse(req)
  res.writeHead(200)
  return { req, res, tookMs: 1.25, bodyBytes: 5_120, remote: '127.0.0.1', pid: process.pid } as unknown as AccessEntry
}

const folder = mkdtempSync(join(tmpdir(), 'monoceros-bench-'))
try {
  writeFileSync(join(folder, 'app.js'), 'module.exports = (req, res) => res.end()')
  writeFileSync(join(folder, 'monoceros.config.mjs'), `export default { workers: 4, maxRequests: 1_000, bind: ['127.0.0.1:0'] }\n`)
  const entry = accessEntry()
  const asText = accessLog.compileAccessFormat(accessLog.defaultAccessFormat)
  const asJson = accessLog.compileAccessFormat('json')
  const app = express()
  const parsed = parseAppSpec('./app.js')
  if (!parsed.ok) throw parsed.error
  const { spec } = parsed
  const sources = { argv: ['./app.js', '-t', '20'], env: { WEB_CONCURRENCY: '2' }, cwd: folder }

  const bench = new Bench({ time: 1_000, warmupTime: 200 })
  bench
    .add('chart: worker-handle, child.spawned', () => void transition(workerHandleMachine, booting, { type: 'child.spawned', pid: 1 }))
    .add('chart: arbiter, scale', () => void transition(arbiterMachine, filling, { type: 'scale', by: 1 }))
    .add('chart: arbiter, handle.ready', () => void transition(arbiterMachine, filling, { type: 'handle.ready', slot: 0, age: 1 }))
    .add('restart window: one restart', () => void countRestart(freshWindow, { atMs: 1, dice: 0.5, wasReady: true }))
    .add('access log: a line of the default format', () => void asText(entry))
    .add('access log: a line of JSON', () => void asJson(entry))
    .add('config: command line, environment and a JS file', async () => void (await readCommand(sources)))
    .add('app: spec with a factory call', () => void parseAppSpec('./app.js:create("prod", { workers: 2 })'))
    .add(
      'app: a server for Express',
      async () => void (await adopt({ default: app }, spec, { file: join(folder, 'app.js'), onError: () => undefined })),
    )
    .add('app: what kind Express is', () => void kindOf(app))
  await bench.run()

  const units: Unit[] = bench.tasks.map((task) => {
    if (task.result.state !== 'completed')
      throw new Error(`${task.name}: ${task.result.state}`, { cause: 'error' in task.result ? task.result.error : undefined })
    const { latency } = task.result
    return { name: task.name, medianUs: latency.p50 * 1_000, spread: latency.rme / 100 }
  })
  const before = lastKept<{ units: readonly Unit[] }>('units')
  console.table(
    units.map(({ name, medianUs, spread }) => {
      const then = before?.results.units.find((unit) => unit.name === name)
      return {
        name,
        'median µs': medianUs.toPrecision(3),
        '±': `${(spread * 100).toFixed(1)} %`,
        'to the last kept': then === undefined ? '' : (medianUs / then.medianUs).toFixed(2),
      }
    }),
  )
  console.log(`kept: ${keep('units', { machine: thisMachine(), units })}`)
} finally {
  rmSync(folder, { recursive: true, force: true })
}
