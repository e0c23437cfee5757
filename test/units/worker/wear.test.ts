import { afterEach, beforeEach, expect, test, vi } from 'vitest'
import { type WearLimits, watchWear } from '../../../src/worker/wear.ts'

const mib = 2 ** 20
beforeEach(() => {
  vi.useFakeTimers({ toFake: ['setTimeout', 'setInterval', 'clearInterval'] })
})
afterEach(() => {
  vi.useRealTimers()
})

function worn(limits: Partial<WearLimits>, firstMib = 80) {
  const reasons: string[] = []
  const hopeless: number[] = []
  let bytes = firstMib * mib
  watchWear(
    { memoryMaxBytes: 0, lifetimeMs: 0, ...limits },
    { residentBytes: () => bytes, recycle: (reason) => reasons.push(reason), onHopeless: (found) => hopeless.push(found) },
  )
  return {
    reasons,
    hopeless,
    weigh(toMib: number) {
      bytes = toMib * mib
    },
  }
}

test('without limits nothing is looked at', () => {
  worn({})
  expect(vi.getTimerCount()).toBe(0)
})

test('a worker that outgrows its limit is worn from the next look on, once', () => {
  const worker = worn({ memoryMaxBytes: 100 * mib })
  worker.weigh(100)
  vi.advanceTimersByTime(5_000)
  expect(worker.reasons).toEqual([])
  worker.weigh(101)
  vi.advanceTimersByTime(999)
  expect(worker.reasons).toEqual([])
  vi.advanceTimersByTime(1)
  expect(worker.reasons).toEqual(['101 MiB of memory, over its limit of 100'])
  vi.advanceTimersByTime(10_000)
  expect(worker.reasons).toHaveLength(1)
})

test('one that is over it from the start is told and never worn by it, only by its age', () => {
  const worker = worn({ memoryMaxBytes: 60 * mib, lifetimeMs: 90_000 })
  expect(worker.hopeless).toEqual([80 * mib])
  vi.advanceTimersByTime(89_999)
  expect(worker.reasons).toEqual([])
  vi.advanceTimersByTime(1)
  expect(worker.reasons).toEqual(['ready for 90 s'])
})

test('a lifetime that no timer of Node can hold is not over at once', () => {
  const worker = worn({ lifetimeMs: 2 ** 32 })
  vi.advanceTimersByTime(1_000_000)
  expect(worker.reasons).toEqual([])
})
