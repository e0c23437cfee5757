/**
 * `npm run bench:units`: what single steps cost, in microseconds. Run against the built product, as its processes run it.
 * Figures are kept in bench/results; the ratio is to the run kept before.
 */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { IncomingMessage, ServerResponse } from 'node:http'
import { Socket } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import express from 'express'
import { Bench } from 'tinybench'
import { initialTransition, transition } from 'xstate'
import { arbiterMachine } from '../machines/arbiter.ts'
import { countRestart, freshWindow } from '../machines/restart-window.ts'
import { workerHandleMachine } from '../machines/worker-handle.ts'
import { kindOf } from '../src/app/kinds.ts'
import { parseAppSpec } from '../src/app/spec.ts'
import { readCommand } from '../src/config/read-command.ts'
import { type AccessEntry, compileAccessFormat, defaultAccessFormat } from '../src/log/access-log.ts'
import { keep, lastKept, thisMachine } from './results.ts'

interface Unit {
  readonly name: string
  readonly medianUs: number
  /** Half the width in which the median lies, as a share of it. */
  readonly spread: number
}

const facts = { generation: 1, workers: 4, unavailableMax: 0, bootTimeoutMs: 30_000, graceMs: 30_000 }
const [booting] = initialTransition(workerHandleMachine, { slot: 0, age: 1, generation: 1, bootTimeoutMs: 30_000, graceMs: 30_000 })
const [arbiter] = initialTransition(arbiterMachine, { first: facts, listeners: [] })

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
  writeFileSync(join(folder, 'monoceros.config.json'), JSON.stringify({ workers: 4, max_requests: 1_000, bind: ['127.0.0.1:0'] }))
  const entry = accessEntry()
  const asText = compileAccessFormat(defaultAccessFormat)
  const asJson = compileAccessFormat('json')
  const app = express()
  const sources = { argv: ['./app.js', '-t', '20'], env: { WEB_CONCURRENCY: '2' }, cwd: folder }

  const bench = new Bench({ time: 1_000, warmupTime: 200 })
  bench
    .add('chart: worker-handle, child.spawned', () => void transition(workerHandleMachine, booting, { type: 'child.spawned', pid: 1 }))
    .add('chart: arbiter, scale', () => void transition(arbiterMachine, arbiter, { type: 'scale', by: 1 }))
    .add('restart window: one restart', () => void countRestart(freshWindow, { atMs: 1, dice: 0.5, wasReady: true }))
    .add('access log: a line of the default format', () => void asText(entry))
    .add('access log: a line of JSON', () => void asJson(entry))
    .add('config: command line, environment and a JSON file', async () => void (await readCommand(sources)))
    .add('app: spec with a factory call', () => void parseAppSpec('./app.js:create("prod", { workers: 2 })'))
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
