import { describe, expect, test } from 'vitest'
import { createHistory } from '../../../src/flight-recorder/history.ts'
import type { Recorded } from '../../../src/ipc/transition.ts'
import { step } from './step.ts'

const small = { stepsMax: 3, bytesMax: 1_000_000 }

test('the newest steps are kept, under numbers that go on', () => {
  const history = createHistory(small)
  const steps = Array.from({ length: 7 }, () => step())
  for (const one of steps) history.add(one)
  expect(history).toMatchObject({ lastId: 7, size: 3 })
  expect(history.since(0)).toEqual([5, 6, 7].map((id) => ({ id, step: steps[id - 1] })))
  expect(history.since(6).map(({ id }) => id)).toEqual([7])
  expect(history.since(7)).toEqual([])
  expect(history.since(99)).toEqual([])
  expect(history.since(0, 2).map(({ id }) => id)).toEqual([6, 7])
  expect(history.since(0, 0)).toEqual([])
})

test('steps with long words push more of the older out', () => {
  const history = createHistory({ stepsMax: 1_000, bytesMax: 10_000 })
  for (let count = 0; count < 100; count++) history.add(step())
  const before = history.size
  history.add(step({ cause: 'x'.repeat(6_000) }))
  expect(history.size).toBeLessThan(before / 2)
  expect(history.bytes).toBeLessThanOrEqual(10_000)
  for (let count = 0; count < 100; count++) history.add(step())
  expect(history.size).toBe(before)
})

test('whoever listens hears every step at once, until he ends it or throws', () => {
  const history = createHistory(small)
  const heard: Recorded[] = []
  const end = history.subscribe((recorded) => heard.push(recorded))
  history.subscribe(() => {
    throw new Error('this viewer is broken')
  })
  const [one, other, last] = [step(), step(), step()]
  history.add(one)
  history.add(other)
  end()
  history.add(last)
  expect(heard).toEqual([
    { id: 1, step: one },
    { id: 2, step: other },
  ])
})

describe('what lives', () => {
  test('is told with its state, since when, and what led there', () => {
    const history = createHistory(small)
    const start = step({ event: 'start', from: null, to: 'booting' })
    const ready = step({ event: 'open done', from: 'booting', to: 'ready' })
    const look = step({ event: 'look', from: 'ready', to: 'ready' })
    for (const one of [start, ready, look]) history.add(one)
    expect(history.instances()).toEqual([
      {
        pid: 100,
        role: 'worker',
        slot: 0,
        age: 1,
        chart: 'worker',
        actor: 'worker',
        state: 'ready',
        sinceAt: ready.at,
        ledBy: ready,
        last: look,
      },
    ])
    history.add(step({ event: 'shutDown done', from: 'draining', to: 'gone', isOver: true }))
    expect(history.instances()).toEqual([])
  })

  test('is still known when its steps are long forgotten', () => {
    const history = createHistory(small)
    history.add(step({ pid: 1, role: 'arbiter', chart: 'arbiter', to: 'ready' }))
    for (let count = 0; count < 10; count++) history.add(step({ pid: 2 }))
    expect(history.instances().map(({ pid }) => pid)).toEqual([1, 2])
  })

  test('was what it was before the oldest step that is kept', () => {
    const history = createHistory(small)
    history.add(step({ event: 'start', from: null, to: 'booting' }))
    history.add(step({ from: 'booting', to: 'ready' }))
    expect(history.before()).toEqual([])
    for (let count = 0; count < 3; count++) history.add(step({ pid: 7, from: null, to: 'x' }))
    expect(history.before().map(({ pid, state }) => ({ pid, state }))).toEqual([{ pid: 100, state: 'ready' }])
    for (let count = 0; count < 3; count++) history.add(step({ from: 'ready', to: 'gone', isOver: true }))
    expect(history.before().map(({ pid }) => pid)).toEqual([100, 7])
    history.add(step({ pid: 8 }))
    expect(history.before().map(({ pid }) => pid)).toEqual([7])
  })

  test('goes with its process, which may have had no time to say so', () => {
    const history = createHistory({ ...small, stepsMax: 100 })
    history.add(step({ pid: 1, role: 'arbiter', chart: 'worker-handle', actor: 'worker-handle 1', facts: { childPid: 100 } }))
    for (const actor of ['worker', 'thread-pool', 'lane 1']) history.add(step({ actor }))
    history.add(
      step({
        pid: 1,
        role: 'arbiter',
        chart: 'worker-handle',
        actor: 'worker-handle 1',
        to: 'gone',
        isOver: true,
        facts: { childPid: 100 },
      }),
    )
    expect(history.instances()).toEqual([])
  })

  test('in the dirty pool goes with the dirty arbiter', () => {
    const history = createHistory({ ...small, stepsMax: 100 })
    history.add(step({ pid: 200, role: 'dirty-arbiter', chart: 'arbiter' }))
    history.add(step({ pid: 201, role: 'dirty-worker' }))
    history.add(step({ pid: 300 }))
    const handle = { pid: 1, role: 'arbiter', chart: 'worker-handle', actor: 'worker-handle dirty-arbiter 1' } as const
    history.add(step({ ...handle, to: 'gone', isOver: true, facts: { childPid: 200 } }))
    expect(history.instances().map(({ pid }) => pid)).toEqual([300])
  })
})

test('what could not be sent is counted', () => {
  const history = createHistory(small)
  history.countDropped(3)
  history.countDropped(4)
  expect(history.dropped).toBe(7)
})
