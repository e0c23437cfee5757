/** A server under calls of every kind, faults at random, and what became of the calls, of the pool and of its processes. */
import { setTimeout as pause } from 'node:timers/promises'
import { type Call, type Callers, startCallers } from './callers.ts'
import { diceOf } from './dice.ts'
import { type Fault, faults } from './faults.ts'
import { atRest, countsOf, type Held, isWhole } from './look.ts'
import { type Sites, startSites } from './sites.ts'

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

const usualBetweenMs = 1_100
const wholeWithinMs = 20_000
const problemsMax = 20
const warmMs = 1_000

export async function runChaos(order: ChaosOrder): Promise<Chaos> {
  const { sites, close } = await startSites()
  let callers: Callers | null = null
  try {
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
      else if (isQuiet && isOfFaults(call)) note(`${call.kind}: ${call.outcome} before the first fault`)
    }
    let isQuiet = true
    // What everybody holds who has called once.
    callers = startCallers(sites, order.callers, onCall)
    await pause(warmMs)
    await callers.stop()
    const before = await atRest(sites, callers.foreign.pid as number, note)
    await callers.close()
    isQuiet = false

    callers = startCallers(sites, order.callers, onCall)
    const rows = await strike(sites, order, note)
    await callers.stop()
    const after = await atRest(sites, callers.foreign.pid as number, note)
    return { rows, outcomes, calls, lateMs, held: [before, after], problems }
  } finally {
    await callers?.close()
    await close()
  }
}

/** A call may be late on a busy machine. */
const isOfFaults = ({ outcome }: Call) =>
  ['cut', 'moved', 'MON_DIRTY_WORKER_LOST', 'MON_DIRTY_CONNECTION', 'MON_DIRTY_CLOSING'].includes(outcome)

async function strike(sites: Sites, order: ChaosOrder, note: (problem: string) => void): Promise<FaultRow[]> {
  const dice = diceOf(order.seed)
  const chosen = faults.filter(({ victim, how }) => (order.only ?? []).every((word) => `${victim} ${how}`.includes(word)))
  const rows = new Map(chosen.map((fault) => [fault, { victim: fault.victim, how: fault.how, wholeAfterMs: [] as number[] }]))
  for (let done = 1; done <= order.faults; done++) {
    const fault = dice.one(chosen)!
    const startedMs = performance.now()
    await fault.commit(sites, dice).catch((error: Error) => note(`fault ${done}, ${fault.victim} ${fault.how}: ${error.message}`))
    await pause(order.betweenMs ?? usualBetweenMs)
    while (!(await isWhole(sites))) {
      if (performance.now() - startedMs > wholeWithinMs) {
        note(`fault ${done}, ${fault.victim} ${fault.how}: ${processesOf(sites)}, ${JSON.stringify(await countsOf(sites.pool))}`)
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

const processesOf = (sites: Sites) =>
  Object.entries(sites)
    .map(([name, site]) => `${name} has ${site.family().length} processes`)
    .join(', ')
