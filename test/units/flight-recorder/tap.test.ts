/** The tap against the XState that is installed: what its inspection tells differs from its documentation. */

import { expect, test } from 'vitest'
import { assign, createActor, fromCallback, fromPromise, sendParent, sendTo, setup, spawnChild, stopChild } from 'xstate'
import { createTap } from '../../../src/flight-recorder/tap.ts'
import type { Transition } from '../../../src/ipc/transition.ts'

function record() {
  const steps: Transition[] = []
  const tap = createTap({ who: { role: 'arbiter', slot: null, age: null }, record: (step) => steps.push(step) })
  const told = () => steps.map(({ actor, event, from, to, isOver }) => `${actor} ${event}: ${from} → ${to}${isOver ? ' over' : ''}`)
  const causes = () => steps.map(({ actor, event, cause }) => `${actor} ${event} ← ${cause}`)
  return { steps, tap, told, causes }
}

const door = setup({
  types: { events: {} as { type: 'open'; reason: string } | { type: 'close' } | { type: 'look' } },
}).createMachine({
  id: 'door',
  initial: 'closed',
  states: {
    closed: { on: { open: 'open' } },
    open: { on: { close: 'closed', look: { actions: () => undefined } }, after: { 5: 'left' } },
    left: { type: 'final' },
  },
})

test('a step is recorded when it was made, with its event, both states and what the event brought', () => {
  const { tap, steps } = record()
  const actor = createActor(door, { inspect: tap.inspect() })
  const before = Date.now()
  actor.start()
  actor.send({ type: 'open', reason: 'SIGTERM' })
  expect(steps.map(({ seq, event, from, to }) => ({ seq, event, from, to }))).toEqual([
    { seq: 1, event: 'start', from: null, to: 'closed' },
    { seq: 2, event: 'open', from: 'closed', to: 'open' },
  ])
  expect(steps[1]).toMatchObject({
    pid: process.pid,
    role: 'arbiter',
    chart: 'door',
    actor: 'door',
    facts: { reason: 'SIGTERM' },
    cause: 'SIGTERM',
  })
  expect(Math.abs((steps[1]?.at ?? 0) - before)).toBeLessThan(1_000)
  actor.stop()
})

test('an event that a state does not know is no step, and one that leaves the state as it is is one', () => {
  const { tap, told } = record()
  const actor = createActor(door, { inspect: tap.inspect() }).start()
  actor.send({ type: 'look' })
  actor.send({ type: 'open', reason: 'x' })
  actor.send({ type: 'look' })
  actor.stop()
  expect(told()).toEqual([
    'door start: null → closed',
    'door open: closed → open',
    'door look: open → open',
    'door stopped: open → open over',
  ])
})

test('what takes time is named by the work, what waits by the delay, and what follows at once by that', async () => {
  const { tap, told, causes } = record()
  const machine = setup({
    actors: { load: fromPromise(async () => 1), fail: fromPromise(() => Promise.reject(new Error('no such file'))) },
    delays: { pause: 5 },
    types: { events: {} as { type: 'go' } },
  }).createMachine({
    id: 'work',
    initial: 'idle',
    states: {
      idle: { on: { go: 'loading' } },
      loading: { invoke: { src: 'load', onDone: 'failing' } },
      failing: { invoke: { src: 'fail', onError: 'passing' } },
      passing: { always: 'waiting' },
      waiting: { after: { pause: 'done' } },
      done: { type: 'final' },
    },
  })
  const actor = createActor(machine, { inspect: tap.inspect() }).start()
  tap.because('SIGHUP', () => actor.send({ type: 'go' }))
  await new Promise<void>((resolve) => actor.subscribe({ complete: resolve }))
  expect(told()).toEqual([
    'work start: null → idle',
    'work go: idle → loading',
    'work load done: loading → failing',
    'work fail failed: failing → passing',
    'work always: passing → waiting',
    'work after pause: waiting → done over',
  ])
  expect(causes().slice(1)).toEqual([
    'work go ← SIGHUP',
    'work load done ← SIGHUP',
    'work fail failed ← no such file ← SIGHUP',
    'work always ← fail failed ← SIGHUP',
    'work after pause ← SIGHUP',
  ])
})

const child = setup({
  types: { input: {} as { lane: number }, context: {} as { lane: number }, events: {} as { type: 'end'; how: string } | { type: 'stop' } },
}).createMachine({
  id: 'lane',
  context: ({ input }) => input,
  initial: 'on',
  states: {
    on: { on: { end: { target: 'off', actions: sendParent(({ event }) => ({ type: 'ended', how: event.how })) }, stop: 'off' } },
    off: { type: 'final' },
  },
})
const parent = setup({
  actors: { child },
  types: {
    context: {} as { count: number },
    events: {} as { type: 'add' } | { type: 'ended'; how: string } | { type: 'drop' } | { type: 'tell' },
  },
}).createMachine({
  id: 'pool',
  context: { count: 0 },
  on: {
    add: { actions: [assign({ count: ({ context }) => context.count + 1 }), spawnChild('child', { id: 'lane.1', input: { lane: 1 } })] },
    ended: { actions: stopChild('lane.1') },
    drop: { actions: stopChild('lane.1') },
    tell: { actions: sendTo('lane.1', { type: 'stop' }) },
  },
})

test('a chart is told before those that it moved, each with who moved it, and back to where it began', () => {
  const { tap, causes } = record()
  const actor = createActor(parent, { inspect: tap.inspect() }).start()
  tap.because('SIGTTIN', () => actor.send({ type: 'add' }))
  const lane = actor.getSnapshot().children['lane.1']
  lane?.send({ type: 'end', how: 'exit code 7' } as never)
  expect(causes()).toEqual([
    'pool start ← null',
    'pool add ← SIGTTIN',
    'lane 1 start ← pool: add ← SIGTTIN',
    'lane 1 end ← exit code 7',
    'pool ended ← exit code 7',
  ])
  actor.stop()
})

test('an instance whose number is used again has another name, and one that is stopped by its parent is over', () => {
  const { tap, told } = record()
  const actor = createActor(parent, { inspect: tap.inspect() }).start()
  for (const type of ['add', 'drop', 'add', 'tell'] as const) actor.send({ type })
  expect(told().filter((text) => text.startsWith('lane'))).toEqual([
    'lane 1 start: null → on',
    'lane 1 stopped: on → on over',
    'lane 1#2 start: null → on',
    'lane 1#2 stop: on → off over',
  ])
  actor.stop()
})

test('two systems of one process are told apart by their label', () => {
  const { tap, steps } = record()
  for (const app of ['images', 'search']) {
    const actor = createActor(parent, { inspect: tap.inspect(app) }).start()
    actor.send({ type: 'add' })
    actor.stop()
  }
  expect(steps.filter(({ event }) => event === 'start').map(({ actor }) => actor)).toEqual([
    'pool images',
    'lane images 1',
    'pool search',
    'lane search 1',
  ])
})

test('a chart that breaks is told with its error, and is over', () => {
  const { tap, steps } = record()
  const machine = setup({
    actors: {
      bad: fromCallback(() => {
        throw new Error('a bug')
      }),
    },
  }).createMachine({ id: 'broken', initial: 'on', states: { on: { invoke: { src: 'bad' } } } })
  const actor = createActor(machine, { inspect: tap.inspect() })
  actor.subscribe({ error: () => undefined })
  actor.start()
  expect(steps.at(-1)).toMatchObject({ event: 'broken', isOver: true, facts: { problem: 'a bug' }, cause: 'a bug' })
})

test('a recorder that fails stops no chart', () => {
  const tap = createTap({
    who: { role: 'worker', slot: 0, age: 1 },
    record: () => {
      throw new Error('the ring is broken')
    },
  })
  const actor = createActor(door, { inspect: tap.inspect() }).start()
  actor.send({ type: 'open', reason: 'x' })
  actor.send({ type: 'close' })
  expect(actor.getSnapshot().value).toBe('closed')
  actor.stop()
})

test('facts are numbers and words, and few and short, whatever an event carries', () => {
  const { tap, steps } = record()
  const actor = createActor(door, { inspect: tap.inspect() }).start()
  const many = Object.fromEntries(Array.from({ length: 50 }, (_, index) => [`fact${index}`, index]))
  actor.send({ type: 'open', reason: 'r'.repeat(5_000), list: [1, 2], nested: { a: 1 }, call: () => 1, pid: 7, atMs: 3, ...many } as never)
  const facts = steps.at(-1)?.facts ?? {}
  expect(Object.keys(facts)).toHaveLength(12)
  expect(facts).toMatchObject({ childPid: 7 })
  expect(String(facts['reason']).length).toBe(300)
  expect(facts).not.toHaveProperty('list')
  expect(facts).not.toHaveProperty('atMs')
  actor.stop()
})
