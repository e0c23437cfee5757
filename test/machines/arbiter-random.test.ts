/** The arbiter among children that do whatever they like, in any order: what must hold at every step, and at rest. */
import fc from 'fast-check'
import { expect, test } from 'vitest'
import { rowsOf } from '../../machines/arbiter-rules.ts'
import type { Played } from './world.ts'
import { turn, World } from './world.ts'

/** What can happen, with the weight of its likelihood. */
const happenings = {
  ready: 8,
  exit: 4,
  failed: 1,
  recycle: 3,
  spent: 2,
  leaves: 2,
  silent: 1,
  frozen: 1,
  autopsied: 2,
  prepared: 3,
  unprepared: 1,
  bound: 6,
  inUse: 1,
  forbidden: 1,
  loaded: 6,
  unloadable: 1,
  loadThrew: 1,
  reload: 4,
  more: 2,
  fewer: 2,
  restart: 1,
  drain: 1,
  wanted: 1,
  stop: 0.3,
  quit: 0.3,
  force: 0.2,
  well: 6,
  moment: 3,
  while: 2,
} as const
type What = keyof typeof happenings

interface Happening {
  readonly what: What
  readonly pick: number
}

const happening = fc.record({
  what: fc.oneof(
    ...Object.entries(happenings).map(([what, weight]) => ({ arbitrary: fc.constant(what as What), weight: Math.round(weight * 10) })),
  ),
  pick: fc.nat(1_000_000),
})

/** Workers of which it was said that they may do no more. */
const spentAges = new Set<number>()

/** What programs ask for by calling `listen()`; one of them may also be configured. */
const wishes = ['c', 'wish']

const chosen = <T>(list: readonly T[], pick: number): T | undefined => list[pick % Math.max(1, list.length)]

async function happen(world: World, { what, pick }: Happening): Promise<void> {
  const { actor } = world
  const child = chosen(world.played, pick)
  const living = chosen([...world.of('ready'), ...world.of('draining')], pick)
  switch (what) {
    case 'ready': {
      const booting = chosen(world.of('starting'), pick)
      if (booting) world.ready(booting)
      break
    }
    case 'exit':
      // What is to go goes sooner than what is not.
      if (pick % 4 === 0 && child) world.exit(child, pick % 3)
      else {
        const going = chosen([...world.of('draining'), ...world.of('struck')], pick)
        if (going) world.exit(going)
      }
      break
    case 'failed':
      chosen(world.of('starting'), pick)?.report({ type: 'child.failed', exitCode: 4, problem: 'no database' })
      break
    case 'recycle':
      living?.report({ type: 'child.recycle', reason: 'worn out', served: 1 })
      break
    case 'spent':
      if (living) {
        spentAges.add(living.input.age)
        actor.send({ type: 'worker.spent', age: living.input.age })
      }
      break
    case 'leaves':
      living?.report({ type: 'child.draining', problem: null, atMs: world.clock.now(), dice: 0.5 })
      break
    case 'silent':
      living?.report({ type: 'child.silent', blockedMs: 30_000 })
      break
    case 'frozen':
      child?.report({ type: 'child.frozen', silentMs: 30_000 })
      break
    case 'autopsied':
      child?.report({ type: 'child.autopsied' })
      break
    case 'prepared':
      await world.prepare()
      break
    case 'unprepared':
      if (pick % 5 === 0) world.prepares.shift()?.reject(new Error('pid file held'))
      break
    case 'bound':
      await world.bind(undefined, pick % Math.max(1, world.binds.length))
      break
    case 'inUse':
      await world.bind({ ok: false, problem: { code: 'MON_LISTENER_IN_USE', text: 'in use', isRetryable: true } })
      break
    case 'forbidden':
      await world.bind({ ok: false, problem: { code: 'MON_LISTENER_FAILED', text: 'forbidden', isRetryable: false } })
      break
    case 'loaded': {
      const listeners = ['a', 'b', 'c'].filter((_, bit) => (pick >> bit) & 1)
      if (world.loads.length > 0) await world.load({ ok: true, candidate: world.candidate(pick % 4, (pick >> 4) % 3, listeners) })
      break
    }
    case 'unloadable':
      await world.load({ ok: false, problem: 'unknown setting' })
      break
    case 'loadThrew':
      world.loads.splice(0).at(-1)?.reject(new Error('out of memory'))
      break
    case 'reload':
      actor.send({ type: 'reload' })
      break
    case 'more':
      actor.send({ type: 'scale', by: 1 })
      break
    case 'fewer':
      actor.send({ type: 'scale', by: -1 })
      break
    case 'restart':
      actor.send({ type: 'restart', ages: pick % 2 === 0 ? agesOf(world.played) : agesOf(child === undefined ? [] : [child]) })
      break
    case 'drain':
      if (child) actor.send({ type: 'drain', age: child.input.age })
      break
    case 'wanted':
      actor.send({ type: 'listener.wanted', id: chosen(wishes, pick) as string, address: 'wish' })
      break
    case 'stop':
      actor.send({ type: 'stop', reason: 'SIGTERM', isQuick: false })
      break
    case 'quit':
      actor.send({ type: 'stop', reason: 'SIGQUIT', isQuick: true })
      break
    case 'force':
      actor.send({ type: 'force' })
      break
    case 'well':
      await world.goWell()
      break
    case 'moment':
      world.pass(300)
      break
    case 'while':
      world.pass(11_000)
      break
  }
  await turn()
}

const agesOf = (children: readonly Played[]) => children.map(({ input }) => input.age).sort()

/** Holds between any two events. */
function checkStep(world: World): void {
  const snapshot = world.actor.getSnapshot()
  expect(world.error).toBeNull()
  expect(snapshot.status).not.toBe('error')
  if (snapshot.status === 'done') {
    expect(agesOf(world.played), 'stopped while a worker lives').toEqual([])
    return
  }
  const { context } = snapshot
  const rows = rowsOf(context)
  // One row, one chart, one process.
  expect(agesOf(world.played)).toEqual(rows.map(({ age }) => age).sort())
  const isRolling = snapshot.matches({ ready: { reloading: 'rolling' } })
  const expected = [
    ...rows.map(({ actorId }) => actorId),
    ...Object.keys(context.listeners).map((id) => `listener.${id}`),
    ...(isRolling ? ['rolling.1'] : []),
  ]
  const children = Object.keys(snapshot.children).filter((id) => !id.startsWith('0.'))
  expect(children.sort()).toEqual(expected.sort())
  // Never two ready workers wanted in one slot of one generation: the elder is on its way as soon as the younger is ready.
  for (const phase of ['booting', 'ready'] as const) {
    const places = rows.filter((row) => row.phase === phase).map(({ slot, generation }) => `${slot} of ${generation}`)
    expect(places, `two ${phase} in one slot`).toEqual([...new Set(places)])
  }
  expect([...new Set(context.refills)]).toEqual(context.refills)
  if (!snapshot.matches({ ready: 'reloading' })) expect(context.candidate).toBeNull()
}

/** Holds once everything has gone well for a while. */
function checkRest(world: World): void {
  checkStep(world)
  if (world.isOver) return
  const snapshot = world.actor.getSnapshot()
  expect(snapshot.value).toEqual({ ready: 'steady' })
  const { context } = snapshot
  expect(context.spares).toBe(context.facts.spares)
  const slots = Array.from({ length: context.spares + context.target }, (_, index) => index - context.spares)
  const wanted = slots.map((slot) => ({ slot, generation: context.facts.generation, phase: 'ready' }))
  const present = rowsOf(context).map(({ slot, generation, phase }) => ({ slot, generation, phase }))
  expect(rowsOf(context).filter(({ isSpent }) => isSpent)).toEqual([])
  expect(present.sort((a, b) => a.slot - b.slot)).toEqual(wanted)
  expect(context.refills).toEqual([])
  for (const id of world.listeners) expect(context.listeners[id], `listener ${id}`).toBe('bound')
  for (const [id, phase] of Object.entries(context.listeners)) {
    expect(phase).toBe('bound')
    expect([...world.listeners, ...wishes], 'a listener that nobody has asked for').toContain(id)
  }
}

/** What is wrong with asking a worker to go, for that reason and now. */
function wrongDrain(world: World, { input: { slot, age, generation } }: Played, reason: string): string[] {
  const { facts, target } = world.context
  const servers = world.of('ready', slot).map(({ input }) => input)
  const hasSuccessor = servers.some((other) => other.generation === generation && other.age !== age)
  // With some to be missed it is asked before its successor is even started.
  const isCommitted = facts.generation > generation
  const isReplaced = servers.some((other) => other.generation === facts.generation)
  const mustBeReplaced = reason === 'reload' && isCommitted && facts.unavailableMax === 0 && slot < facts.workers
  return [
    ...(reason === 'recycle' && !hasSuccessor && !spentAges.has(age) ? [`${age} recycled before its successor was ready`] : []),
    ...(mustBeReplaced && !isReplaced ? [`${age} drained before the next generation was ready`] : []),
    ...(reason === 'scale' && slot >= 0 && slot < target ? [`${age} is no surplus`] : []),
  ]
}

const runs = Number(process.env['MONOCEROS_RANDOM_RUNS'] ?? 150)

test('whatever happens in whatever order, rows and children agree, and a service that is left alone recovers', {
  timeout: 600_000,
}, async () => {
  await fc.assert(
    fc.asyncProperty(
      fc.integer({ min: 0, max: 3 }),
      fc.nat(2),
      fc.nat(9),
      fc.array(happening, { maxLength: 120, size: 'max' }),
      async (workers, spares, luck, story) => {
        const wrong: string[] = []
        spentAges.clear()
        const world = new World({ workers, spares, onDrain: (child, order) => wrong.push(...wrongDrain(world, child, order.reason)) })
        if (luck > 0) await world.boot()
        for (const one of story) {
          const before = { context: world.context, commits: world.saidOf('announceCommit').length }
          await happen(world, one)
          checkStep(world)
          const { context } = world
          const hasCommitted = world.saidOf('announceCommit').length > before.commits
          if (!hasCommitted) {
            expect(context.facts, 'a reload that has not succeeded changes nothing').toBe(before.context.facts)
            if (one.what !== 'more' && one.what !== 'fewer') expect(context.target).toBe(before.context.target)
          }
          if (world.isOver) break
        }
        await world.settle()
        checkRest(world)
        if (!world.isOver) {
          world.actor.send({ type: 'stop', reason: 'SIGTERM', isQuick: false })
          await world.settle()
          expect(world.actor.getSnapshot().value).toBe('stopped')
          checkStep(world)
        }
      },
    ),
    { numRuns: runs, endOnFailure: false },
  )
})
