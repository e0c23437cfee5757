import { describe, expect, test } from 'vitest'
import { keeperMachine } from '../../machines/keeper.ts'
import { after, cannotReach, expectSound, isDone, type Node, type Sample, walk } from './walk.ts'

const input = { bootTimeoutMs: 30_000, graceMs: 20_000 }

const ready: Sample = { type: 'handle.ready', slot: 0, age: 1 }
const recycle: Sample = { type: 'handle.recycle', slot: 0, age: 1 }
const leaving: Sample = { type: 'handle.leaving', slot: 0, age: 1, problem: null, atMs: 10, dice: 0.5 }
const stop = (isQuick = false): Sample => ({ type: 'stop', isQuick })
const force: Sample = { type: 'force' }
const ended = (facts: { wasReady?: boolean; atMs?: number } = {}): Sample => ({
  type: 'xstate.done.actor.child',
  output: {
    slot: 0, age: 1, generation: 1, ending: 'crashed', wasReady: true, exitCode: 4, problem: 'no such class', atMs: 1_000, dice: 0, ...facts,
  }, // biome-ignore format: a list of facts
})
const failed = ended({ wasReady: false })
const broke: Sample = { type: 'xstate.error.actor.child', error: new Error('a bug') }
const backoffOver: Sample = { type: 'xstate.after.backoff.keeper.waiting' }

const keeper = (...events: Sample[]) => after(keeperMachine, input, ...events)
const pauseOf = (...events: Sample[]) => {
  const [timer] = keeper(...events).told('xstate.raise') as { delay: number }[]
  return timer?.delay
}

describe('every state of a keeper', () => {
  const orders = [stop(), stop(true), force]
  const graph = walk(keeperMachine, {
    input,
    // Without a child nothing comes from it.
    events: (snapshot) =>
      snapshot.matches('running') ? [...orders, ready, recycle, leaving, ended(), failed, broke] : [...orders, backoffOver],
    essentials: ({ hasServed }) => hasServed,
  })

  test('is reached, and every one can end', () => {
    expectSound(keeperMachine, [graph])
  })

  test('is left for good after a stop, as soon as the child has ended in whatever way', () => {
    const told = [...graph.nodes.values()].filter(({ snapshot }) => snapshot.matches({ running: 'draining' }))
    expect(told.length).toBeGreaterThan(0)
    for (const { next } of told) {
      const ends = next.filter(({ event }) => /^xstate\.(done|error)\.actor\.child$/.test(event.type))
      expect(ends.map(({ key }) => graph.nodes.get(key)?.snapshot.status)).toEqual(['done', 'done', 'done'])
    }
  })

  test('knows a stop and a force', () => {
    for (const { snapshot, next } of graph.nodes.values()) {
      if (snapshot.status !== 'active') continue
      for (const type of ['stop', 'force']) {
        const found = next.find(({ event }) => event.type === type)
        const then = graph.nodes.get(found?.key ?? '')?.snapshot
        expect(then?.status === 'done' || then?.matches({ running: 'draining' })).toBe(true)
      }
    }
  })

  test('but a running one is left by time alone', () => {
    const isAlive = (node: Node) => isDone(node) || node.snapshot.matches('running')
    expect(cannotReach(graph, isAlive, ({ type }) => type.startsWith('xstate.after.'))).toEqual([])
  })
})

describe('the start', () => {
  test('a dirty arbiter that gets ready is told, and takes calls', () => {
    expect(keeper(ready).told('tellReady')).toHaveLength(1)
    expect(keeper(ready).snapshot.hasTag('takes-traffic')).toBe(true)
    expect(keeper().snapshot.hasTag('takes-traffic')).toBe(false)
  })

  test('the first one that does not get ready is told with its reason, and no other is started', () => {
    const step = keeper(failed)
    expect(step.told('tellFailed')).toEqual([{ exitCode: 4, problem: 'no such class' }])
    expect(step.snapshot.status).toBe('done')
  })

  test('a stop while it boots is passed on, and is over when it has ended: that is no failure', () => {
    expect(keeper(stop()).sent()).toEqual([{ type: 'stop', reason: 'stop', graceMs: 20_000, isQuick: false }])
    const end = keeper(stop(), failed)
    expect(end.snapshot.status).toBe('done')
    expect([end.told('tellFailed').length, end.told('tellStopped').length]).toEqual([0, 1])
  })
})

describe('the life', () => {
  test('a dirty arbiter that dies is started again, with the next age', () => {
    const step = keeper(ready, ended(), backoffOver)
    expect(step.snapshot.value).toEqual({ running: 'booting' })
    expect(step.snapshot.context.age).toBe(2)
  })

  test('a successor that does not get ready is not the failure of a start: it is tried again', () => {
    const step = keeper(ready, ended(), backoffOver, failed)
    expect(step.told('tellFailed')).toEqual([])
    expect(step.snapshot.value).toBe('waiting')
  })

  test('ten are started at once, then each waits for longer, to the half minute', () => {
    const pauses: (number | undefined)[] = []
    const events: Sample[] = [ready]
    for (let count = 0; count < 22; count++) {
      events.push(ended({ wasReady: count === 0, atMs: 1_000 + count }))
      pauses.push(pauseOf(...events))
      events.push(backoffOver)
    }
    expect(pauses.slice(0, 13)).toEqual([1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 50, 100, 200])
    expect(pauses.at(-1)).toBe(15_000)
  })

  test('one that somebody else told to go takes no more calls, and is followed by another only when it is gone', () => {
    const step = keeper(ready, leaving)
    expect(step.snapshot.hasTag('takes-traffic')).toBe(false)
    expect(step.sent()).toEqual([])
    expect(keeper(ready, leaving, ended(), backoffOver).snapshot.value).toEqual({ running: 'booting' })
  })

  test('one that asks for a successor is told to go first: both would have one socket', () => {
    const step = keeper(ready, recycle)
    expect(step.sent()).toEqual([{ type: 'stop', reason: 'recycle', graceMs: 20_000, isQuick: false }])
    expect(step.snapshot.hasTag('takes-traffic')).toBe(false)
    expect(keeper(ready, recycle, ended(), backoffOver).snapshot.value).toEqual({ running: 'booting' })
  })

  test('a chart that breaks is told, and what it kept is started again after a second', () => {
    expect(keeper(ready, broke).told('note')).toEqual([{ event: 'chart.failed', facts: { problem: 'Error: a bug' } }])
    expect(pauseOf(ready, broke)).toBe(1_000)
    expect(keeper(broke).snapshot.value).toBe('waiting')
  })
})

describe('the end', () => {
  test('a stop is passed on with its haste, as often as it is said', () => {
    expect(keeper(ready, stop()).sent()).toMatchObject([{ type: 'stop', isQuick: false }])
    expect(keeper(ready, stop(), stop(true)).sent()).toMatchObject([{ type: 'stop', isQuick: true }])
    expect(keeper(ready, leaving, stop(true)).sent()).toMatchObject([{ type: 'stop', isQuick: true }])
  })

  test('a force kills, before or after a stop, and once more when it is said once more', () => {
    for (const events of [[force], [ready, force], [ready, stop(), force], [ready, force, force], [ready, leaving, force]]) {
      expect(keeper(...events).sent()).toEqual([{ type: 'kill' }])
      expect(keeper(...events).snapshot.value).toEqual({ running: 'draining' })
    }
  })

  test('a chart that breaks after a stop is told, and nothing is started any more', () => {
    const step = keeper(ready, stop(), broke)
    expect(step.told('note')).toMatchObject([{ event: 'chart.failed' }])
    expect(step.told('tellStopped')).toHaveLength(1)
    expect(step.snapshot.status).toBe('done')
  })

  test('a stop or a force while it waits to start again is the end at once', () => {
    for (const event of [stop(), force]) {
      const step = keeper(ready, ended(), event)
      expect([step.told('tellStopped').length, step.snapshot.status]).toEqual([1, 'done'])
    }
  })
})
