/**
 * A machine cannot be run half-wired. It must be a test: an unprovided actor under an `onError` does not shout, it looks
 * like work that failed.
 */
import { describe, expect, test } from 'vitest'
import { StateMachine } from 'xstate'
import { placeholder } from '../../machines/effect.ts'
import { charts } from '../../machines/index.ts'
import { arbiterChart } from '../../src/compose/arbiter/arbiter-chart.ts'
import { keeperChart } from '../../src/compose/arbiter/keeper-chart.ts'
import { sidecarChart } from '../../src/compose/arbiter/sidecar-chart.ts'
import { dirtyArbiterChart } from '../../src/compose/dirty/dirty-arbiter-chart.ts'
import { threadPoolChart } from '../../src/compose/thread-pool-chart.ts'
import { workerChart } from '../../src/compose/worker/worker-chart.ts'

interface Machine {
  readonly id: string
  readonly implementations: { readonly actors: Readonly<Record<string, unknown>>; readonly actions: Readonly<Record<string, unknown>> }
}

const isMachine = (logic: unknown): logic is Machine => logic instanceof StateMachine

/** A machine and those that it starts, with what each still lacks. */
function lacking(machine: Machine): Record<string, string[]> {
  const { actors, actions } = machine.implementations
  const open = Object.entries({ ...actors, ...actions }).filter(([, made]) => (made as Record<symbol, unknown>)[placeholder] === true)
  const inner = Object.values(actors)
    .filter(isMachine)
    .map((child) => lacking(child))
  return Object.assign({ [machine.id]: open.map(([name]) => name) }, ...inner)
}

// Nothing is called by providing, so nothing is needed.
const nothing = {} as never
const composed = {
  ...lacking(arbiterChart(nothing, nothing, nothing)),
  ...lacking(workerChart(nothing, nothing, nothing)),
  ...lacking(threadPoolChart(nothing, nothing)),
  ...lacking(keeperChart(nothing, nothing)),
  ...lacking(sidecarChart(nothing, nothing)),
}

describe.each(Object.keys(charts))('the chart %s', (id) => {
  test('lacks nothing once it is composed', () => {
    expect(composed[id]).toEqual([])
  })
})

test('the dirty arbiter runs the chart of an arbiter, and lacks nothing but listeners, of which it has none', () => {
  const { listener, rolling, ...own } = lacking(dirtyArbiterChart(nothing, nothing))
  expect(own).toEqual({ arbiter: [], 'worker-handle': [] })
  expect(rolling).toEqual([])
  expect(listener).toEqual(['bind', 'note', 'release'])
})

test('what a chart leaves to be provided is seen', () => {
  expect(lacking(charts.listener)).toEqual({ listener: ['bind', 'note', 'release'] })
  expect(lacking(charts.arbiter)['worker-handle']).toEqual(['childProcess', 'note'])
  expect(lacking(charts['thread-pool'])['lane']).toEqual(['thread', 'note'])
  expect(lacking(charts.keeper)['keeper']).toEqual(['note', 'tellReady', 'tellFailed', 'tellStopped'])
  expect(lacking(charts.worker)['worker']).toContain('load')
})
