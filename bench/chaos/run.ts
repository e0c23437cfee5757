/** A server under calls of every kind, faults at random, and what became of the calls, of the pool and of its processes. */
import { readFileSync } from 'node:fs'
import { setTimeout as pause } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'
import { startDirtyShared } from '../../test/support/dirty.ts'
import type { Running } from '../../test/support/harness.ts'
import { type Call, type Callers, startCallers } from './callers.ts'
import { diceOf } from './dice.ts'
import { type Fault, faults } from './faults.ts'
import { atRest, countsOf, type Held, isWhole, type Size } from './look.ts'

export interface ChaosOrder {
  readonly faults: number
  readonly seed: number
  readonly callers: number
  /** From one fault to the next, at least. Ten deaths of a kind in ten seconds are the most before a supervisor waits longer and longer. */
  readonly betweenMs?: number
  /** Only faults whose victim and manner are named so. */
  readonly only?: readonly string[]
  onProgress?(text: string): void
}

export interface FaultRow {
  readonly victim: string
  readonly how: string
  readonly times: number
  /** Until every process and every place was there again. */
  readonly wholeAfterMs: readonly number[]
}

export interface Chaos {
  readonly rows: readonly FaultRow[]
  readonly outcomes: Readonly<Record<string, number>>
  readonly calls: number
  /** The longest that a call took beyond its timeout. */
  readonly lateMs: number
  readonly held: readonly [before: readonly Held[], after: readonly Held[]]
  readonly problems: readonly string[]
}

const size: Size = { workers: 2, dirtyWorkers: 2, places: 4 }
const usualBetweenMs = 1_100
const wholeWithinMs = 20_000
const problemsMax = 20
const warmMs = 1_000

const here = (name: string) => readFileSync(new URL(name, import.meta.url), 'utf8')

export async function runChaos(order: ChaosOrder): Promise<Chaos> {
  const { running: server, close } = startDirtyShared({
    args: ['-w', String(size.workers), '--dirty-app', './chaos.mjs:ChaosApp', ...options],
    files: { 'app.mjs': here('site.js'), 'call.mjs': here('call.js'), 'chaos.mjs': here('app.js'), 'foreign.mjs': here('foreign.js') },
    env: { NODE_OPTIONS: `--require=${fileURLToPath(new URL('block.cjs', import.meta.url))}` },
  })
  let callers: Callers | null = null
  try {
    await server.ready()
    const outcomes: Record<string, number> = {}
    const problems: string[] = []
    let calls = 0
    let lateMs = 0
    const note = (problem: string) => void (problems.length < problemsMax && problems.push(problem))
    const onCall = (call: Call) => {
      calls++
      lateMs = Math.max(lateMs, call.lateMs)
      outcomes[call.outcome] = (outcomes[call.outcome] ?? 0) + 1
      if (call.problem !== null) note(call.problem)
    }
    const half = Math.floor(order.callers / 2)
    // What everybody holds who has called once.
    callers = await startCallers(server, { http: half, foreign: order.callers - half }, onCall)
    await pause(warmMs)
    await callers.stop()
    const before = await atRest(server, callers.foreign.pid as number, note)
    await callers.close()

    callers = await startCallers(server, { http: half, foreign: order.callers - half }, onCall)
    const rows = await strike(server, order, note)
    await callers.stop()
    const after = await atRest(server, callers.foreign.pid as number, note)
    return { rows, outcomes, calls, lateMs, held: [before, after], problems }
  } finally {
    await callers?.close()
    await close()
  }
}

const options = [
  '--dirty-workers', String(size.dirtyWorkers), '--dirty-threads', String(size.places / size.dirtyWorkers), '--timeout', '2',
  '--graceful-timeout', '3', '--dirty-graceful-timeout', '3', '--dirty-timeout', '20', '--dirty-cancel-grace', '0.3', '--log-level', 'debug',
] // biome-ignore format: one line for each option would say no more

async function strike(server: Running, order: ChaosOrder, note: (problem: string) => void): Promise<FaultRow[]> {
  const dice = diceOf(order.seed)
  const chosen = faults.filter(({ victim, how }) => (order.only ?? []).every((word) => `${victim} ${how}`.includes(word)))
  const rows = new Map(chosen.map((fault) => [fault, { victim: fault.victim, how: fault.how, wholeAfterMs: [] as number[] }]))
  for (let done = 1; done <= order.faults; done++) {
    const fault = dice.one(chosen)!
    const startedMs = performance.now()
    await fault.commit(server, dice).catch((error: Error) => note(`fault ${done}, ${fault.victim} ${fault.how}: ${error.message}`))
    await pause(order.betweenMs ?? usualBetweenMs)
    while (!(await isWhole(server, size))) {
      if (performance.now() - startedMs > wholeWithinMs) {
        note(`fault ${done}, ${fault.victim} ${fault.how}: ${server.family().length} processes, ${JSON.stringify(await countsOf(server))}`)
        // What follows would say nothing more.
        return rowsOf(rows)
      }
      await pause(50)
    }
    rows.get(fault)?.wholeAfterMs.push(Math.round(performance.now() - startedMs))
    order.onProgress?.(`${done}: ${fault.victim} ${fault.how}, whole after ${Math.round(performance.now() - startedMs)} ms`)
  }
  return rowsOf(rows)
}

const rowsOf = (rows: ReadonlyMap<Fault, Omit<FaultRow, 'times'>>) =>
  [...rows.values()].map((row) => ({ ...row, times: row.wholeAfterMs.length }))
