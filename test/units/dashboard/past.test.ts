import { describe, expect, it } from 'vitest'
import { createLanes } from '../../../src/dashboard/page/lanes.ts'
import { createPast } from '../../../src/dashboard/page/past.ts'
import { processesOf } from '../../../src/dashboard/page/processes.ts'
import { toneOf } from '../../../src/dashboard/page/tone.ts'
import type { Recorded, Transition } from '../../../src/ipc/transition.ts'
import { longRecording } from '../../support/long-recording.ts'

const recordedOf = (text: string): Recorded[] =>
  text
    .trim()
    .split('\n')
    .map((line, index) => ({ id: index + 1, step: JSON.parse(line) as Transition }))

/** As a server would tell it that has been asked again at every step. */
function statesAfter(steps: readonly Recorded[], count: number): string[] {
  const past = createPast()
  past.begin([], 1)
  past.add(steps.slice(0, count))
  return [...past.live.values()].map(({ actor, pid, state }) => `${pid} ${actor} ${state}`).sort()
}

describe('the past', () => {
  const steps = recordedOf(longRecording(7, 12_000))
  const past = createPast()
  past.begin([], 1)
  past.add(steps)

  it.each([0, 1, 30, 999, 1_000, 1_001, 5_432, 9_999, 12_000])('at step %i is what was then', (count) => {
    const states = [...past.at(count).values()].map(({ actor, pid, state }) => `${pid} ${actor} ${state}`).sort()
    expect(states).toEqual(statesAfter(steps, count))
  })

  it('is the same a second time, in whatever order it is asked', () => {
    for (const count of [8_000, 100, 8_000, 3_333]) expect(past.at(count).size).toBe(statesAfter(steps, count).length)
  })

  it('finds the steps until a moment', () => {
    expect(past.countAt(0)).toBe(0)
    expect(past.countAt(steps[99]!.step.at)).toBe(100)
    expect(past.countAt(Number.MAX_SAFE_INTEGER)).toBe(steps.length)
  })

  it('tells one actor’s steps, and takes no step twice', () => {
    const { pid, actor } = steps[10]!.step
    const own = past.of(pid, actor).length
    expect(own).toBeGreaterThan(0)
    past.add(steps.slice(0, 50))
    expect(past.of(pid, actor).length).toBe(own)
    expect(past.steps.length).toBe(steps.length)
  })

  it('puts what comes late where it belongs', () => {
    const late = createPast()
    late.begin([], 1)
    const [first, second, third] = steps as [Recorded, Recorded, Recorded]
    late.add([first, { ...third, id: 2 }, { ...second, id: 3 }])
    expect(late.steps.map(({ step }) => step)).toEqual([first.step, second.step, third.step])
  })

  it('forgets the oldest and still knows who lived', () => {
    const short = createPast(1_000)
    short.begin([], 1)
    for (let index = 0; index < steps.length; index += 100) short.add(steps.slice(index, index + 100))
    expect(short.steps.length).toBeLessThanOrEqual(1_000)
    expect(short.at(short.steps.length).size).toBe(past.at(steps.length).size)
    expect(short.at(0).size).toBeGreaterThan(7)
  })
})

describe('the processes of a moment', () => {
  it('are the arbiter, then the workers by slot', () => {
    const past = createPast()
    past.begin([], 1)
    past.add(recordedOf(longRecording(3, 60)))
    const rows = processesOf(past.live, [], null)
    expect(rows.map(({ name, state }) => `${name} ${state}`)).toEqual([
      'arbiter ready.steady',
      'worker 0 ready',
      'worker 1 ready',
      'worker 2 ready',
    ])
    expect(new Set(rows.map(({ pid }) => pid)).size).toBe(4)
  })
})

describe('a sidecar', () => {
  const step = (seq: number, to: string, childPid: number | null, isOver = false): Transition => ({
    at: 1_000 + seq,
    pid: 7,
    seq,
    role: 'arbiter',
    slot: null,
    age: null,
    chart: 'sidecar',
    actor: 'sidecar redis',
    event: 'child.spawned',
    from: null,
    to,
    isOver,
    facts: { sidecar: 'redis', age: 1, childPid },
    cause: null,
  })
  const past = createPast()
  past.begin([], 1)

  it('is a process of the tree while it is wanted, with a pid while it has one', () => {
    past.add([
      { id: 1, step: step(1, 'booting', null) },
      { id: 2, step: step(2, 'ready', 71) },
    ])
    const shown = () => processesOf(past.live, [], null).map(({ name, kind, pid, state }) => ({ name, kind, pid, state }))
    expect(shown()).toEqual([{ name: 'sidecar redis', kind: 'sidecar', pid: 71, state: 'ready' }])
    past.add([{ id: 3, step: step(3, 'gone.waiting', 71) }])
    expect(shown()).toEqual([{ name: 'sidecar redis', kind: 'sidecar', pid: null, state: 'gone.waiting' }])
    past.add([{ id: 4, step: step(4, 'stopped', 71, true) }])
    expect(shown()).toEqual([])
  })

  it('has a lane of the timeline', () => {
    const lanes = createLanes()
    for (const one of [step(1, 'booting', null), step(2, 'ready', 71), step(3, 'gone.waiting', 71)]) lanes.add(one)
    expect(lanes.rows().map(({ name, stretches }) => [name, stretches.map(({ state }) => state)])).toEqual([
      ['sidecar redis', ['booting', 'ready', 'gone.waiting']],
    ])
  })
})

describe('the lanes of the timeline', () => {
  const lanes = createLanes()
  for (const { step } of recordedOf(longRecording(2, 200))) lanes.add(step)

  it('are one for each place, in order', () => {
    expect(lanes.rows().map(({ name }) => name)).toEqual(['arbiter', 'worker 0', 'worker 1'])
  })

  it('have stretches without gaps in a life, and two lives of a place in different halves', () => {
    const lane = lanes.rows()[1]!
    for (const process of new Set(lane.stretches.map((stretch) => stretch.process))) {
      const stretches = lane.stretches.filter((stretch) => stretch.process === process)
      for (const [index, stretch] of stretches.entries()) if (index > 0) expect(stretch.fromAt).toBe(stretches[index - 1]!.toAt)
    }
    const halves = [...new Map(lane.stretches.map(({ process, half }) => [process, half])).values()]
    expect(halves.every((half, index) => index === 0 || half !== halves[index - 1])).toBe(true)
    expect(lane.stretches.filter(({ toAt }) => toAt === null).length).toBe(1)
  })
})

it('the tone of a state is that of its innermost part that has one', () => {
  expect(['ready.reloading.loading', 'ready.steady', 'killing.autopsy', 'booting.failed', 'nonsense'].map(toneOf)).toEqual([
    'busy',
    'good',
    'kill',
    'kill',
    'calm',
  ])
})
