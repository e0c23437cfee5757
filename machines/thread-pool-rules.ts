/** What a pool of threads decides: pure functions from what it knows to what it knows next and orders. */
import { enqueueActions, raise, sendTo, spawnChild } from 'xstate'
import type { LaneEvent, LaneNumber, LaneOutput } from './lane.ts'
import { countRestart, type RestartWindow } from './restart-window.ts'
import type { Note } from './vocabulary.ts'

export interface PoolInput {
  /** Threads that are kept; more are started while every one is busy, up to `max`. */
  readonly min: number
  readonly max: number
  readonly bootTimeoutMs: number
  readonly graceMs: number
}

export interface LaneRecord {
  readonly phase: 'booting' | 'ready' | 'leaving'
  /** The lane that is to go once this one is ready. */
  readonly replaces: LaneNumber | null
  /** A thread in native code that nothing can end: nobody is started in its place. */
  readonly isCondemned: boolean
}

export interface PoolContext extends PoolInput {
  readonly lanes: Readonly<Record<LaneNumber, LaneRecord>>
  readonly window: RestartWindow
  /** Threads that are due once their back-off is over. */
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

export const laneId = (lane: LaneNumber) => `lane.${lane}`

export const rowsOf = (context: PoolContext): readonly (LaneRecord & { readonly lane: LaneNumber })[] =>
  Object.entries(context.lanes).map(([lane, record]) => ({ lane: Number(lane), ...record }))

export const readyOf = (context: PoolContext) => rowsOf(context).filter(({ phase }) => phase === 'ready')
export const isReady = (context: PoolContext, lane: LaneNumber) => context.lanes[lane]?.phase === 'ready'

/** Those that serve or will, without the ones that only wait to take another's place. */
const staffOf = (context: PoolContext) =>
  rowsOf(context).filter(({ phase, isCondemned, replaces }) => replaces === null && (phase !== 'leaving' || isCondemned)).length

export const isGrowable = (context: PoolContext) => context.waiting === 0 && staffOf(context) < context.max

function freeNumber(lanes: PoolContext['lanes']): LaneNumber {
  for (let lane = 1; ; lane++) if (lanes[lane] === undefined) return lane
}

function without(lanes: PoolContext['lanes'], lane: LaneNumber): PoolContext['lanes'] {
  const { [lane]: _, ...others } = lanes
  return others
}

const changed = (context: PoolContext, lane: LaneNumber, to: Partial<LaneRecord>): PoolContext['lanes'] => {
  const record = context.lanes[lane]
  return record === undefined ? context.lanes : { ...context.lanes, [lane]: { ...record, ...to } }
}

export function start(context: PoolContext, { count, replaces }: { count: number; replaces: LaneNumber | null }): Decision {
  let { lanes } = context
  const orders: PoolOrder[] = []
  for (let started = 0; started < count; started++) {
    const lane = freeNumber(lanes)
    lanes = { ...lanes, [lane]: { phase: 'booting', replaces, isCondemned: false } }
    orders.push({ order: 'spawn', lane })
  }
  return { context: { lanes }, orders }
}

export const openAll = (context: PoolContext): Decision => start(context, { count: context.min, replaces: null })
export const grow = (context: PoolContext): Decision => start(context, { count: 1, replaces: null })

/** The one in whose place it comes may go. */
export function keepReady(context: PoolContext, { lane }: { lane: LaneNumber }): Decision {
  const old = context.lanes[lane]?.replaces ?? null
  const lanes = changed(context, lane, { phase: 'ready', replaces: null })
  const isOldThere = old !== null && isReady(context, old)
  return { context: { lanes }, orders: isOldThere ? [{ order: 'tell', lane: old, event: { type: 'retire', reason: 'replaced' } }] : [] }
}

export const keepLeaving = (context: PoolContext, { lane }: { lane: LaneNumber }): Decision => ({
  context: { lanes: changed(context, lane, { phase: 'leaving' }) },
  orders: [],
})

export const keepCondemned = (context: PoolContext, { lane }: { lane: LaneNumber }): Decision => ({
  context: { lanes: changed(context, lane, { isCondemned: true }) },
  orders: [],
})

export const drop = (context: PoolContext, { lane }: { lane: LaneNumber }): Decision => ({
  context: { lanes: without(context.lanes, lane) },
  orders: [],
})

/** A thread has ended that nobody asked to: another takes its place, at once or after a back-off. */
export function replaceDead(context: PoolContext, output: LaneOutput): Decision {
  const lanes = without(context.lanes, output.lane)
  const { window, delayMs } = countRestart(context.window, output)
  const next = { ...context, lanes, window }
  if (staffOf(next) + context.waiting >= context.min) return { context: { lanes, window }, orders: [] }
  if (delayMs === 0) {
    const begun = grow(next)
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
  const begun = grow(context)
  return { context: { waiting, ...begun.context }, orders: begun.orders }
}

export function recycle(context: PoolContext, { lane, reason }: { lane: LaneNumber; reason: string }): Decision {
  const begun = start(context, { count: 1, replaces: lane })
  return {
    context: begun.context,
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
    .filter(({ phase }) => phase !== 'leaving')
    .map(({ lane }) => ({ order: 'tell', lane, event: { type: 'retire', reason } })),
})

export const killAll = (context: PoolContext): Decision => ({
  context: {},
  orders: rowsOf(context).map(({ lane }) => ({ order: 'tell', lane, event: { type: 'kill', reason: 'closing' } })),
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

/** An action of the chart that carries out what a rule has decided. */
export function rule<P = undefined>(decide: (context: PoolContext, params: P) => Decision): (_: unknown, params: P) => void {
  const action = enqueueActions(({ context, enqueue }, params) => {
    const decision = decide(context as PoolContext, params as P)
    enqueue.assign(decision.context as never)
    for (const order of decision.orders) enqueue(actionOf(order) as never)
  })
  return action as unknown as (_: unknown, params: P) => void
}
