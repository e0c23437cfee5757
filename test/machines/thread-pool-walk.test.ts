/** Every state of a pool of few threads, and everything that its threads, its worker and time can do in each of them. */
import { describe, expect, test } from 'vitest'
import type { AnyMachineSnapshot } from 'xstate'
import { backoffFromMs, restartsMax } from '../../machines/restart-window.ts'
import { threadPoolMachine } from '../../machines/thread-pool.ts'
import { type LaneRecord, lanesMaxOf, type PoolContext, rowsOf } from '../../machines/thread-pool-rules.ts'
import { after, cannotReach, expectSound, type Node, type Sample, type Walk, walk } from './walk.ts'

interface Scope {
  readonly min: number
  readonly max: number
  /** Threads that are found worn. */
  readonly hasWear: boolean
  /** Charts that break, and threads that V8 cannot end. */
  readonly hasOddities: boolean
}

const input = ({ min, max }: Scope) => ({ min, max, bootTimeoutMs: 30_000, graceMs: 5_000 })
const contextOf = (snapshot: AnyMachineSnapshot) => snapshot.context as PoolContext

function ended(context: PoolContext, lane: number, ending: string): Sample {
  // A long time after the last death there is a restart; right after it, in a full window, a back-off.
  const atMs = context.window.backoffs > 0 ? 0 : 10_000_000
  const output = { lane, ending, wasReady: ending !== 'boot-failed', problem: 'it died', atMs, dice: 0.5 }
  return { type: `xstate.done.actor.lane.${lane}`, actorId: `lane.${lane}`, output }
}

/** What a lane's chart can say in a phase. A thread that drains, or is ended while it boots, may go as it was asked to. */
function laneEvents(scope: Scope, context: PoolContext, lane: number, { phase, isCondemned }: LaneRecord, isAlive: boolean): Sample[] {
  if (!isAlive) return []
  const leaving = (to: string): Sample => ({ type: 'lane.leaving', lane, phase: to })
  const odd: Sample[] = [{ type: `xstate.error.actor.lane.${lane}`, actorId: `lane.${lane}`, error: new Error('bug') }]
  const common = scope.hasOddities ? odd : []
  switch (phase) {
    case 'booting':
      return [...common, { type: 'lane.ready', lane }, leaving('killing'), ended(context, lane, 'boot-failed')]
    case 'ready':
      return [
        ...common,
        leaving('draining'),
        leaving('killing'),
        { type: 'lane.overdue', lane, blockedMs: 30_000 },
        { type: 'lane.idle', lane },
        { type: 'lane.kill', lane, reason: 'cancelled' },
        ...(scope.hasWear ? [{ type: 'lane.recycle', lane, reason: 'worn' }] : []),
        ended(context, lane, 'died'),
      ]
    case 'draining':
      return [...common, leaving('draining'), leaving('killing'), ended(context, lane, 'as-asked'), ended(context, lane, 'died')]
    case 'killing': {
      const stuck: Sample[] = scope.hasOddities && !isCondemned ? [{ type: 'lane.condemned', lane, problem: 'timeout' }] : []
      return [...common, ...stuck, ended(context, lane, 'as-asked'), ended(context, lane, 'killed')]
    }
  }
}

function eventsIn(scope: Scope) {
  return (snapshot: AnyMachineSnapshot): Sample[] => {
    const context = contextOf(snapshot)
    const lanes = rowsOf(context).flatMap(({ lane, ...row }) =>
      laneEvents(scope, context, lane, row, snapshot.children[`lane.${lane}`] !== undefined),
    )
    return [
      ...lanes,
      // A worker opens its pool once.
      ...(rowsOf(context).length === 0 && context.waiting === 0 ? [{ type: 'open' }] : []),
      { type: 'close', reason: 'stop' },
      { type: 'pressure', isSaturated: true },
      { type: 'pressure', isSaturated: false },
      { type: 'xstate.after.closePatience.thread-pool.closing' },
      // A back-off that began while it was open may end when it is closed.
      ...(context.waiting > 0 ? [{ type: 'refill' }] : []),
    ]
  }
}

/** Threads by what they are, not by their numbers. */
function essentials(context: PoolContext, snapshot: AnyMachineSnapshot) {
  const isAlive = (lane: number) => snapshot.children[`lane.${lane}`] !== undefined
  const plain = (lane: number) => {
    const row = context.lanes[lane]
    return row === undefined ? 'nobody' : [row.phase, row.isWorn, row.isCondemned, isAlive(lane)]
  }
  const rows = rowsOf(context).map(({ lane, replaces }) => JSON.stringify([plain(lane), replaces === null ? null : plain(replaces)]))
  return [rows.sort(), context.waiting, context.window.backoffs > 0]
}

const walkPool = (scope: Scope, from?: AnyMachineSnapshot): Walk =>
  walk(threadPoolMachine, {
    input: input(scope),
    events: eventsIn(scope),
    essentials: (context, snapshot) => essentials(context as PoolContext, snapshot),
    edgesMax: 200_000,
    ...(from === undefined ? {} : { from }),
  })

const exhausted = { atMs: Array(restartsMax).fill(0), backoffs: 1, quietFromMs: backoffFromMs, failedBoots: 0 }
function stormy(scope: Scope): AnyMachineSnapshot {
  const ready = Array.from({ length: scope.min }, (_, index): Sample => ({ type: 'lane.ready', lane: index + 1 }))
  const { snapshot } = after(threadPoolMachine, input(scope), { type: 'open' }, ...ready)
  return { ...snapshot, context: { ...snapshot.context, window: exhausted } } as AnyMachineSnapshot
}

const one: Scope = { min: 1, max: 1, hasWear: true, hasOddities: true }
const elastic: Scope = { min: 1, max: 2, hasWear: true, hasOddities: false }
const two: Scope = { min: 2, max: 2, hasWear: true, hasOddities: false }
const walks: Readonly<Record<string, Walk>> = {
  'one thread': walkPool(one),
  'one or two threads': walkPool(elastic),
  'one or two threads, and what goes wrong': walkPool({ ...elastic, hasWear: false, hasOddities: true }),
  'one thread in a storm': walkPool(one, stormy(one)),
  'one or two threads in a storm': walkPool({ ...elastic, hasWear: false }, stormy(elastic)),
  'two threads': walkPool(two),
}

const isClosed = ({ snapshot }: Node) => snapshot.value === 'closed'
const isServing = ({ snapshot }: Node) => {
  const context = contextOf(snapshot)
  const rows = rowsOf(context)
  const ready = rows.filter(({ phase, isWorn }) => phase === 'ready' && !isWorn)
  return snapshot.hasTag('takes-traffic') && rows.length === ready.length && ready.length >= context.min && context.waiting === 0
}
const isOfThreads = ({ type }: Sample) => type.startsWith('xstate.done.actor.lane.') || type.startsWith('lane.') || type === 'refill'

test('every state of a pool is reached, every one can end, and every transition is taken', () => {
  expectSound(threadPoolMachine, Object.values(walks), isClosed)
})

describe.each(Object.entries(walks))('%s', (_, graph) => {
  const nodes = [...graph.nodes.values()]

  test('whatever has happened, it can come to serve with all its threads, or close, without being told to', () => {
    const isStuck = ({ snapshot }: Node) => rowsOf(contextOf(snapshot)).some(({ isCondemned }) => isCondemned)
    const isAnEnd = (node: Node) => isServing(node) || isClosed(node) || isStuck(node)
    expect(cannotReach(graph, isAnEnd, isOfThreads)).toEqual([])
  })

  test('once it closes, the ends of its threads are all that is waited for', () => {
    const endless = cannotReach(graph, isClosed, ({ type }) => type.startsWith('xstate.done.actor.lane.'))
    expect(endless.filter((key) => graph.nodes.get(key)?.snapshot.value === 'closing')).toEqual([])
  })

  test('while it closes and when it is closed, nobody is started', () => {
    for (const { snapshot, next } of nodes) {
      if (snapshot.value !== 'closing' && snapshot.value !== 'closed') continue
      for (const { event, key } of next) {
        if (event.type === 'open') continue
        const then = graph.nodes.get(key)?.snapshot
        expect(rowsOf(contextOf(then!)).length, key).toBeLessThanOrEqual(rowsOf(contextOf(snapshot)).length)
      }
    }
  })

  test('no more threads run than twice the most, and no more serve without one to take their place', () => {
    for (const { key, snapshot } of nodes) {
      const context = contextOf(snapshot)
      const rows = rowsOf(context)
      expect(rows.length, key).toBeLessThanOrEqual(lanesMaxOf(context.max))
      const isReplaced = (lane: number) => rows.some(({ replaces }) => replaces === lane)
      const serving = rows.filter(({ lane, phase }) => (phase === 'booting' || phase === 'ready') && !isReplaced(lane))
      expect(serving.length, key).toBeLessThanOrEqual(context.max)
    }
  })

  test('no thread goes for idleness below the number that is kept, whatever was decided a moment before', () => {
    const readyIn = (snapshot: AnyMachineSnapshot) => rowsOf(contextOf(snapshot)).filter(({ phase }) => phase === 'ready').length
    for (const { snapshot, next } of nodes) {
      for (const { event, key } of next) {
        const then = graph.nodes.get(key)?.snapshot as AnyMachineSnapshot
        if (event.type !== 'lane.idle' || readyIn(then) === readyIn(snapshot)) continue
        expect(readyIn(then), key).toBeGreaterThanOrEqual(contextOf(snapshot).min)
      }
    }
  })

  test('who comes in another’s place comes in the place of one that is there', () => {
    for (const { key, snapshot } of nodes) {
      const { lanes } = contextOf(snapshot)
      for (const { replaces } of Object.values(lanes)) if (replaces !== null) expect(lanes[replaces], key).toBeDefined()
    }
  })

  test('who serves comes in nobody’s place any more', () => {
    for (const { key, snapshot } of nodes) {
      const { lanes } = contextOf(snapshot)
      for (const { phase, replaces } of Object.values(lanes)) if (phase === 'ready') expect(replaces, key).toBeNull()
    }
  })
})
