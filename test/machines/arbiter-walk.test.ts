/** Every state of the arbiter with one or two workers, and every event in each of them. */
import { describe, expect, test } from 'vitest'
import type { AnyMachineSnapshot } from 'xstate'
import { arbiterMachine } from '../../machines/arbiter.ts'
import { type ArbiterContext, rowsOf } from '../../machines/arbiter-rules.ts'
import { backoffFromMs, restartsMax } from '../../machines/restart-window.ts'
import { after, cannotReach, expectSound, isDone, type Node, type Sample, type Walk, walk } from './walk.ts'

interface Scope {
  readonly workers: number
  readonly spares: number
  readonly rowsMax: number
  readonly targetMax: number
  readonly hasReloads: boolean
  /** Reloads that change addresses too. */
  readonly hasMoves: boolean
  /** Workers that ask to be recycled, or leave by themselves. */
  readonly hasWear: boolean
  /** Programs that listen by themselves, and charts that break. */
  readonly hasOddities: boolean
}

const facts = (generation: number, workers: number, spares: number, unavailableMax = 0) => ({
  generation,
  workers,
  spares,
  unavailableMax,
  bootTimeoutMs: 30_000,
  graceMs: 5_000,
})
const input = ({ workers, spares }: Scope) => ({ first: facts(1, workers, spares), listeners: [{ id: 'a', address: 'a' }] })

/** What the children can say in a snapshot, and people; the rolling is played as its own chart would play it. */
function eventsIn(scope: Scope) {
  return (snapshot: AnyMachineSnapshot): Sample[] => {
    const context = snapshot.context as ArbiterContext
    const rows = rowsOf(context)
    const events: Sample[] = [
      { type: 'stop', reason: 'SIGTERM', isQuick: false },
      { type: 'stop', reason: 'SIGQUIT', isQuick: true },
      { type: 'force' },
      { type: 'xstate.done.actor.0.arbiter.booting.preparing' },
      { type: 'xstate.error.actor.0.arbiter.booting.preparing', error: new Error('pid file held') },
      { type: 'xstate.error.actor.0.arbiter.ready.reloading.loading', error: 'out of memory' },
      { type: 'xstate.after.loadTimeout.arbiter.ready.reloading.loading' },
      loaded({ ok: false, problem: 'unknown setting' }),
      ...context.refills.map((slot): Sample => ({ type: 'slot.refill', slot })),
    ]
    if (context.bootFailure !== null) events.push({ type: 'boot.overdue' })
    if (context.target > 1) events.push({ type: 'scale', by: -1 })
    if (scope.hasOddities && Object.keys(context.listeners).length < 2) events.push({ type: 'listener.wanted', id: 'w', address: 'w' })
    if (scope.hasOddities && context.listeners['w'] !== undefined) events.push({ type: 'listener.unwanted', id: 'w' })
    for (const [id, phase] of Object.entries(context.listeners)) {
      if (phase === 'bound') continue
      events.push({ type: 'listener.bound', id }, { type: 'listener.failed', id, problem: 'in use' })
    }
    for (const actorId of Object.keys(snapshot.children).filter((name) => name.startsWith('listener.'))) {
      const isGone = context.listeners[actorId.slice('listener.'.length)] === undefined
      if (isGone) events.push({ type: `xstate.done.actor.${actorId}`, actorId, output: null })
      else if (scope.hasOddities) events.push({ type: `xstate.error.actor.${actorId}`, actorId, error: new Error('bug') })
    }
    const mayGrow = rows.length < scope.rowsMax
    if (context.target < scope.targetMax && mayGrow) events.push({ type: 'scale', by: 1 })
    for (const { age, slot, phase, isSpent, actorId } of rows) {
      if (phase === 'booting') events.push({ type: 'handle.ready', slot, age })
      if (phase === 'ready' && mayGrow && scope.hasWear)
        events.push({ type: 'handle.leaving', slot, age, problem: null, atMs: 0, dice: 0.5 })
      if (phase === 'ready' && mayGrow && scope.hasWear && !isSpent) events.push({ type: 'handle.recycle', slot, age })
      if (phase === 'ready' && mayGrow && scope.hasWear && !isSpent) events.push({ type: 'restart', ages: [age] })
      if (phase !== 'leaving' && mayGrow && scope.hasWear) events.push({ type: 'drain', age }, { type: 'worker.spent', age })
      const output = { ...rowOutput(context, age), ending: phase === 'leaving' ? 'as-asked' : 'crashed' }
      events.push({ type: `xstate.done.actor.${actorId}`, actorId, output })
      if (scope.hasOddities) events.push({ type: `xstate.error.actor.${actorId}`, actorId, error: new Error('bug') })
    }
    if (context.facts.generation === 1 && scope.hasReloads) {
      events.push({ type: 'reload' })
      const next = Math.max(1, ...rows.map(({ generation }) => generation)) + 1
      const moved = { opens: [{ id: 'b', address: 'b' }], closes: ['a'] }
      for (const moves of [{ opens: [], closes: [] }, ...(scope.hasMoves ? [moved] : [])]) {
        for (const unavailableMax of [0, 1]) {
          events.push(loaded({ ok: true, candidate: { ...facts(next, scope.workers, scope.spares, unavailableMax), ...moves } }))
        }
      }
    }
    return [...events, ...rollingIn(snapshot, mayGrow)]
  }
}

const loaded = (output: unknown): Sample => ({ type: 'xstate.done.actor.0.arbiter.ready.reloading.loading', output })

function rowOutput({ workers, window }: ArbiterContext, age: number) {
  // A long time after the last death there is a restart; right after it, in a full window, a back-off.
  const atMs = window.backoffs > 0 ? 0 : age * 60_000
  const row = workers[age]
  return { slot: row?.slot, age, generation: row?.generation, wasReady: true, exitCode: 3, problem: 'it died', atMs, dice: 0.5 }
}

function rollingIn(snapshot: AnyMachineSnapshot, mayGrow: boolean): Sample[] {
  const { candidate, workers } = snapshot.context as ArbiterContext
  if (candidate === null || !snapshot.matches({ ready: { reloading: 'rolling' } })) return []
  const actorId = `rolling.${candidate.generation}`
  const done = (output: unknown): Sample => ({ type: `xstate.done.actor.${actorId}`, actorId, output })
  const slots = Array.from({ length: candidate.workers }, (_, slot) => slot)
  const born = Object.values(workers).filter((row) => row.generation === candidate.generation)
  const next = slots.find((slot) => !born.some((row) => row.slot === slot))
  const isBooting = born.some(({ phase }) => phase === 'booting')
  const events = [done({ ok: false, problem: 'it did not get ready' })]
  if (next !== undefined && !isBooting && mayGrow) {
    if (candidate.unavailableMax > 0) events.push({ type: 'roll.retire', slot: next })
    events.push({ type: 'roll.spawn', slot: next })
  }
  if (next === undefined && !isBooting) events.push(done({ ok: true }))
  return events
}

/** Ages by their order, not by their number; and of what is ending only what is left of it. */
function essentials(context: ArbiterContext, hasEnded: boolean) {
  if (hasEnded) return [rowsOf(context).length, context.exitCode]
  const { facts: present, candidate, window } = context
  return [
    rowsOf(context).map(({ slot, generation, phase, isSpent }) => [
      slot,
      phase,
      isSpent,
      ...[present, candidate].map((one) => one?.generation === generation),
    ]),
    present.generation > 1,
    context.target,
    candidate && [candidate.unavailableMax, candidate.opens.length],
    context.listeners,
    context.refills,
    context.hasServed,
    context.bootFailure !== null,
    context.isReloadPending,
    window.backoffs > 0,
    context.exitCode,
  ]
}

function walkArbiter(scope: Scope, from?: AnyMachineSnapshot): Walk {
  return walk(arbiterMachine, {
    input: input(scope),
    events: eventsIn(scope),
    essentials: (context, snapshot) => essentials(context as ArbiterContext, snapshot.hasTag('ends')),
    edgesMax: 400_000,
    ...(from === undefined ? {} : { from }),
  })
}

const exhausted = { atMs: Array(restartsMax).fill(0), backoffs: 1, quietFromMs: backoffFromMs, failedBoots: 0 }
const steady = (scope: Scope, ...more: Sample[]): AnyMachineSnapshot =>
  after(
    arbiterMachine,
    input(scope),
    { type: 'xstate.done.actor.0.arbiter.booting.preparing' },
    { type: 'listener.bound', id: 'a' },
    ...Array.from({ length: scope.workers }, (_, slot): Sample => ({ type: 'handle.ready', slot, age: slot + 1 })),
    ...more,
  ).snapshot

const stormy = (scope: Scope): AnyMachineSnapshot => {
  const snapshot = steady(scope)
  return { ...snapshot, context: { ...snapshot.context, window: exhausted } }
}

/** Each reservation keeps a walk small; together they meet everything that the chart knows. */
const one: Scope = {
  workers: 1,
  spares: 0,
  rowsMax: 3,
  targetMax: 1,
  hasReloads: false,
  hasMoves: false,
  hasWear: false,
  hasOddities: false,
}
const two: Scope = { ...one, workers: 2 }
const walks: Readonly<Record<string, Walk>> = {
  'one worker': walkArbiter({ ...one, hasWear: true }),
  'one worker, reloaded': walkArbiter({ ...one, rowsMax: 2, hasReloads: true, hasMoves: true }),
  'one worker, worn and reloaded': walkArbiter({ ...one, rowsMax: 2, hasReloads: true, hasWear: true }),
  'one worker, scaled': walkArbiter({ ...one, targetMax: 2, hasWear: true }),
  'one worker in a storm': walkArbiter({ ...one, hasWear: true }, stormy(one)),
  'wishes and bugs': walkArbiter({ ...one, hasOddities: true }),
  'one worker, with a spare': walkArbiter({ ...one, spares: 1, rowsMax: 4, hasWear: true }, steady({ ...one, spares: 1 })),
  'one worker, with a spare, reloaded': walkArbiter({ ...one, spares: 1, hasReloads: true }, steady({ ...one, spares: 1 })),
  'one worker in a storm, with a spare': walkArbiter({ ...one, spares: 1 }, stormy({ ...one, spares: 1 })),
  'two workers': walkArbiter({ ...two, hasWear: true }, steady(two)),
  'two workers in a storm': walkArbiter(two, stormy(two)),
  'two workers, reloaded': walkArbiter({ ...two, hasReloads: true }, steady(two)),
}

const isServing = ({ snapshot }: Node) => {
  const { target, spares, refills } = snapshot.context as ArbiterContext
  const rows = rowsOf(snapshot.context as ArbiterContext)
  const isWhole = rows.length === target + spares && rows.every(({ phase, isSpent }) => phase === 'ready' && !isSpent)
  return snapshot.matches({ ready: 'steady' }) && isWhole && refills.length === 0
}
const isOrder = ({ type }: Sample) => ['stop', 'force', 'reload', 'scale'].includes(type)

test('every state of the arbiter is reached, every one can end, and every transition is taken', () => {
  expectSound(arbiterMachine, Object.values(walks))
})

describe.each(Object.entries(walks))('%s', (_, graph) => {
  test('whatever has happened, it can come to serve with all its workers, or end, without being told to', () => {
    expect(
      cannotReach(
        graph,
        (node) => isServing(node) || isDone(node),
        (event) => !isOrder(event),
      ),
    ).toEqual([])
  })

  test('once it ends, the ends of its workers are all that is waited for', () => {
    const isReaped = ({ type }: Sample) => type.startsWith('xstate.done.actor.worker.')
    const endless = cannotReach(graph, isDone, isReaped)
    expect(endless.filter((key) => graph.nodes.get(key)?.snapshot.hasTag('ends'))).toEqual([])
  })
})
