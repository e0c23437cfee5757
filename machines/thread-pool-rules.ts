/** What a pool of threads decides: pure functions from what it knows to what it knows next and orders. */
import { raise, sendTo, spawnChild } from 'xstate'
import type { LaneEvent, LaneNumber, LaneOutput } from './lane.ts'
import { countRestart, type RestartWindow } from './restart-window.ts'
import { ruleWith } from './rule.ts'
import type { Note } from './vocabulary.ts'

export interface PoolInput {
  /** Threads that are kept; more are started while every one is busy, up to `max`. */
  readonly min: number
  readonly max: number
  readonly bootTimeoutMs: number
  readonly graceMs: number
}

export interface LaneRecord {
  readonly phase: 'booting' | 'ready' | 'draining' | 'killing'
  /** The lane that is to go once this one is ready. */
  readonly replaces: LaneNumber | null
  /** It is to be replaced, until it is: a replacement that fails does not end the wish. */
  readonly isWorn: boolean
  /** A thread in native code that nothing can end: nobody is started in its place. */
  readonly isCondemned: boolean
}

export interface PoolContext extends PoolInput {
  readonly lanes: Readonly<Record<LaneNumber, LaneRecord>>
  readonly window: RestartWindow
  /** Back-offs under way; each may start one thread at its end, and until then nothing starts. */
  readonly waiting: number
}

export type PoolOrder =
  | { readonly order: 'spawn'; readonly lane: LaneNumber }
  | { readonly order: 'tell'; readonly lane: LaneNumber; readonly event: LaneEvent }
  | { readonly order: 'note'; readonly note: Note }
  | { readonly order: 'refillLater'; readonly delayMs: number }

export interface Decision {
  readonly context: Partial<PoolContext>
  readonly orders: readonly PoolOrder[]
}

const idStart = 'lane.'
/**
 * A thread that has served was ended by a request, most likely: with the long waits one bad URL would keep all threads away
 * from all others. Boots that fail wait for as long as those of a worker.
 */
export const servedBackoffMaxMs = 1_000

const laneId = (lane: LaneNumber) => `${idStart}${lane}`

export const rowsOf = (context: PoolContext): readonly (LaneRecord & { readonly lane: LaneNumber })[] =>
  Object.entries(context.lanes).map(([lane, record]) => ({ lane: Number(lane), ...record }))

export const readyOf = (context: PoolContext) => rowsOf(context).filter(({ phase }) => phase === 'ready')
export const isReady = (context: PoolContext, lane: LaneNumber) => context.lanes[lane]?.phase === 'ready'

/** As many threads as run at once: each may be replaced before it goes. */
export const lanesMaxOf = (max: number) => max * 2

/** One that drains goes for sure; one that is to be killed may turn out to be in native code, and gets nobody beside it. */
const isCounted = (record: LaneRecord | undefined) => record !== undefined && record.phase !== 'draining'

/** Those that serve or will; of one and the one that comes in its place, one. */
const staffOf = (context: PoolContext) =>
  rowsOf(context).filter((row) => isCounted(row) && (row.replaces === null || !isCounted(context.lanes[row.replaces]))).length

const roomOf = (context: PoolContext) => lanesMaxOf(context.max) - rowsOf(context).length

export const isGrowable = (context: PoolContext) => context.waiting === 0 && staffOf(context) < context.max && roomOf(context) > 0

/** No order ends it, and only the end of the process ends what it has. */
export const isStuck = (context: PoolContext) => rowsOf(context).some(({ isCondemned }) => isCondemned)

function freeNumber(lanes: PoolContext['lanes']): LaneNumber {
  for (let lane = 1; ; lane++) if (lanes[lane] === undefined) return lane
}

/** Its number may be given again: whoever came in its place has it now. */
function without(lanes: PoolContext['lanes'], lane: LaneNumber): PoolContext['lanes'] {
  const others = Object.entries(lanes).filter(([number]) => Number(number) !== lane)
  return Object.fromEntries(others.map(([number, row]) => [number, row.replaces === lane ? { ...row, replaces: null } : row]))
}

const changed = (context: PoolContext, lane: LaneNumber, to: Partial<LaneRecord>): PoolContext['lanes'] => {
  const record = context.lanes[lane]
  return record === undefined ? context.lanes : { ...context.lanes, [lane]: { ...record, ...to } }
}

/** Starts a thread for each: in the place of the one that is named, or of nobody. */
function start(context: PoolContext, due: readonly (LaneNumber | null)[]): Decision {
  let { lanes } = context
  const orders: PoolOrder[] = []
  for (const replaces of due) {
    const lane = freeNumber(lanes)
    lanes = { ...lanes, [lane]: { phase: 'booting', replaces, isWorn: false, isCondemned: false } }
    orders.push({ order: 'spawn', lane })
  }
  return { context: { lanes }, orders }
}

/** Beside condemned threads nobody is started, but one when nobody else is left: no other worker can answer what this one has accepted. */
const isDeserted = (context: PoolContext) => {
  const rows = rowsOf(context)
  return rows.length <= context.max && rows.every(({ phase, isCondemned }) => isCondemned || phase === 'draining')
}

const nobody = (count: number): null[] => Array(Math.max(0, count)).fill(null)

/** Starts those that are missing, then replacements of the worn, as far as there is room. */
function startDue(context: PoolContext, most: number): Decision {
  const rows = rowsOf(context)
  const isAwaited = (lane: LaneNumber) => rows.some(({ replaces }) => replaces === lane)
  const worn = rows.filter(({ lane, phase, isWorn }) => phase === 'ready' && isWorn && !isAwaited(lane)).map(({ lane }) => lane)
  const missing = Math.max(context.min - staffOf(context), isDeserted(context) ? 1 : 0)
  const due = [...nobody(missing), ...worn]
  return start(context, due.slice(0, Math.max(0, Math.min(most, roomOf(context)))))
}

/** What is due, unless a back-off is under way. */
const settle = (context: PoolContext) => startDue(context, context.waiting > 0 ? 0 : Number.POSITIVE_INFINITY)

export const openAll = (context: PoolContext): Decision => start(context, nobody(context.min))
export const grow = (context: PoolContext): Decision => start(context, nobody(1))

/** It counts as leaving from now on, not from when it says so: what is decided until then must not count on it. */
export const retire = (context: PoolContext, { lane, reason }: { lane: LaneNumber; reason: string }): Decision => ({
  context: { lanes: changed(context, lane, { phase: 'draining' }) },
  orders: [{ order: 'tell', lane, event: { type: 'retire', reason } }],
})

/** The one in whose place it comes may go. */
export function keepReady(context: PoolContext, { lane }: { lane: LaneNumber }): Decision {
  const old = context.lanes[lane]?.replaces ?? null
  const lanes = changed(context, lane, { phase: 'ready', replaces: null })
  if (old === null || !isReady(context, old)) return { context: { lanes }, orders: [] }
  return retire({ ...context, lanes }, { lane: old, reason: 'replaced' })
}

export const keepLeaving = (context: PoolContext, { lane, phase }: { lane: LaneNumber; phase: 'draining' | 'killing' }): Decision => ({
  context: { lanes: changed(context, lane, { phase }) },
  orders: [],
})

export const keepCondemned = (context: PoolContext, { lane }: { lane: LaneNumber }): Decision => ({
  context: { lanes: changed(context, lane, { phase: 'killing', isCondemned: true }) },
  orders: [],
})

export function condemn(context: PoolContext, { lane }: { lane: LaneNumber }): Decision {
  const next = { ...context, ...keepCondemned(context, { lane }).context }
  const begun = settle(next)
  return { context: { lanes: next.lanes, ...begun.context }, orders: begun.orders }
}

/** Its chart broke: what it cared for is beyond control, as a thread in native code is. */
export const abandon = (context: PoolContext, { actorId, error }: { actorId: string; error: unknown }): Decision => ({
  context: keepCondemned(context, { lane: Number(actorId.slice(idStart.length)) }).context,
  orders: [{ order: 'note', note: { event: 'chart.failed', facts: { problem: String(error) } } }],
})

export const drop = (context: PoolContext, { lane }: { lane: LaneNumber }): Decision => ({
  context: { lanes: without(context.lanes, lane) },
  orders: [],
})

/** A thread has gone as it was asked to: what had no room beside it may start. */
export function letGo(context: PoolContext, { lane }: { lane: LaneNumber }): Decision {
  const lanes = without(context.lanes, lane)
  const begun = settle({ ...context, lanes })
  return { context: { lanes, ...begun.context }, orders: begun.orders }
}

/** A thread has ended that nobody asked to: what is due then starts at once, or after a back-off. */
export function replaceDead(context: PoolContext, output: LaneOutput): Decision {
  const lanes = without(context.lanes, output.lane)
  const { window, delayMs: fullMs } = countRestart(context.window, output)
  const delayMs = output.wasReady ? Math.min(fullMs, servedBackoffMaxMs) : fullMs
  if (delayMs === 0) {
    const begun = settle({ ...context, lanes })
    return { context: { lanes, window, ...begun.context }, orders: begun.orders }
  }
  return {
    context: { lanes, window, waiting: context.waiting + 1 },
    orders: [
      { order: 'note', note: { event: 'thread.backoff', facts: { delayMs } } },
      { order: 'refillLater', delayMs },
    ],
  }
}

export function refill(context: PoolContext): Decision {
  const waiting = Math.max(0, context.waiting - 1)
  const begun = startDue(context, waiting > 0 ? 1 : Number.POSITIVE_INFINITY)
  return { context: { waiting, ...begun.context }, orders: begun.orders }
}

export function recycle(context: PoolContext, { lane, reason }: { lane: LaneNumber; reason: string }): Decision {
  const lanes = changed(context, lane, { isWorn: true })
  const begun = settle({ ...context, lanes })
  return {
    context: { lanes, ...begun.context },
    orders: [{ order: 'note', note: { event: 'thread.recycle', facts: { thread: lane, reason } } }, ...begun.orders],
  }
}

export const tellOne = (_: PoolContext, { lane, event }: { lane: LaneNumber; event: LaneEvent }): Decision => ({
  context: {},
  orders: [{ order: 'tell', lane, event }],
})

export const retireAll = (context: PoolContext, { reason }: { reason: string }): Decision => ({
  context: {},
  orders: rowsOf(context)
    .filter(({ phase }) => phase === 'booting' || phase === 'ready')
    .map(({ lane }) => ({ order: 'tell', lane, event: { type: 'retire', reason } })),
})

export const killAll = (context: PoolContext): Decision => ({
  context: {},
  orders: rowsOf(context)
    .filter(({ isCondemned }) => !isCondemned)
    .map(({ lane }) => ({ order: 'tell', lane, event: { type: 'kill', reason: 'closing' } })),
})

function actionOf(order: PoolOrder): unknown {
  switch (order.order) {
    case 'spawn':
      return spawnChild('lane' as never, {
        id: laneId(order.lane),
        input: (({ context }: { context: PoolContext }) => ({
          lane: order.lane,
          bootTimeoutMs: context.bootTimeoutMs,
          graceMs: context.graceMs,
        })) as never,
      })
    case 'tell':
      return sendTo(laneId(order.lane), order.event)
    case 'note':
      return { type: 'note', params: order.note }
    case 'refillLater':
      return raise({ type: 'refill' }, { delay: order.delayMs })
  }
}

export const rule = ruleWith<PoolContext, PoolOrder>(actionOf)
