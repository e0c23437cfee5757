import { afterEach, beforeEach, expect, test, vi } from 'vitest'
import { type DrainOrder, startJobDrain } from '../../../src/jobs/drain.ts'

beforeEach(() => {
  vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout', 'performance'] })
})
afterEach(() => {
  vi.useRealTimers()
})

function draining(first: DrainOrder, canLeave = true) {
  let finish = (): void => undefined
  const overs: number[] = []
  const hopeless: true[] = []
  let result: { tookMs: number } | null = null
  const drain = startJobDrain(first, {
    finished: () =>
      new Promise((resolve) => {
        finish = resolve
      }),
    onGraceOver(graceMs) {
      overs.push(graceMs)
      return canLeave
    },
    onHopeless: () => hopeless.push(true),
    graceMsOf: ({ graceMs, isQuick }) => (isQuick ? Math.min(1_000, graceMs) : graceMs),
  })
  void drain.done.then((done) => {
    result = done
  })
  return { ...drain, overs, hopeless, finish: () => finish(), result: () => result }
}

test('it is over when everything has finished', async () => {
  const drain = draining({ graceMs: 5_000, isQuick: false })
  await vi.advanceTimersByTimeAsync(700)
  drain.finish()
  await vi.advanceTimersByTimeAsync(0)
  expect(drain.result()).toEqual({ tookMs: 700 })
  await vi.advanceTimersByTimeAsync(10_000)
  expect(drain.overs).toEqual([])
})

test('it is over with the grace, if what is left can be left behind', async () => {
  const drain = draining({ graceMs: 5_000, isQuick: false })
  await vi.advanceTimersByTimeAsync(5_000)
  expect(drain.overs).toEqual([5_000])
  expect(drain.result()).toEqual({ tookMs: 5_000 })
})

test('if it cannot, it is over when it finishes late, and the grace is over once', async () => {
  const drain = draining({ graceMs: 5_000, isQuick: false }, false)
  await vi.advanceTimersByTimeAsync(6_000)
  expect(drain.result()).toBe(null)
  drain.hasten({ graceMs: 0, isQuick: true })
  await vi.advanceTimersByTimeAsync(1_000)
  expect(drain.overs).toEqual([5_000])
  drain.finish()
  await vi.advanceTimersByTimeAsync(0)
  expect(drain.result()).toEqual({ tookMs: 7_000 })
})

test('a later order counts from the beginning', async () => {
  const drain = draining({ graceMs: 60_000, isQuick: false })
  await vi.advanceTimersByTimeAsync(400)
  drain.hasten({ graceMs: 60_000, isQuick: true })
  await vi.advanceTimersByTimeAsync(599)
  expect(drain.overs).toEqual([])
  await vi.advanceTimersByTimeAsync(1)
  expect(drain.overs).toEqual([1_000])
})

test('it is over when it is given up', async () => {
  const drain = draining({ graceMs: 5_000, isQuick: false }, false)
  drain.giveUp()
  drain.giveUp()
  await vi.advanceTimersByTimeAsync(5_000)
  expect(drain.result()).toEqual({ tookMs: 0 })
  expect(drain.hopeless).toEqual([true])
  expect(drain.overs).toEqual([])
})
