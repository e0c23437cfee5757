import fc from 'fast-check'
import { expect, test } from 'vitest'
import { backoffFromMs, backoffToMs, countRestart, freshWindow, periodMs, restartsMax } from '../../machines/restart-window.ts'

interface Restart {
  readonly diedMs: number
  readonly delayMs: number
}

/** Deaths at these distances; a death never comes before the restart that it follows. */
function live(gapsMs: readonly number[], dice: readonly number[], wasReady = true): Restart[] {
  let window = freshWindow
  let nowMs = 0
  return gapsMs.map((gapMs, index) => {
    nowMs += gapMs
    const counted = countRestart(window, { atMs: nowMs, dice: dice[index % dice.length] ?? 0.5, wasReady })
    window = counted.window
    const restart = { diedMs: nowMs, delayMs: counted.delayMs }
    nowMs += counted.delayMs
    return restart
  })
}

const gaps = fc.array(fc.oneof(fc.nat(5), fc.nat(2_000), fc.nat(60_000)), { maxLength: 120, size: 'max' })
const dice = fc.array(fc.double({ min: 0, max: 1, noNaN: true }), { minLength: 1, maxLength: 20 })

test('no more restarts than allowed are immediate within any period, and there is no other way to loop hot', () => {
  fc.assert(
    fc.property(gaps, dice, (gapsMs, thrown) => {
      const restarts = live(gapsMs, thrown)
      for (const { diedMs } of restarts) {
        const immediate = restarts.filter((one) => one.delayMs === 0 && one.diedMs >= diedMs && one.diedMs < diedMs + periodMs)
        expect(immediate.length).toBeLessThanOrEqual(restartsMax)
      }
    }),
  )
})

test('a delay is between half of the first back-off and the last one', () => {
  fc.assert(
    fc.property(gaps, dice, (gapsMs, thrown) => {
      for (const { delayMs } of live(gapsMs, thrown)) {
        if (delayMs === 0) continue
        expect(delayMs).toBeGreaterThanOrEqual(backoffFromMs / 2)
        expect(delayMs).toBeLessThanOrEqual(backoffToMs)
      }
    }),
  )
})

test('what it remembers is bounded, however long it lives', () => {
  fc.assert(
    fc.property(gaps, dice, (gapsMs, thrown) => {
      let window = freshWindow
      let nowMs = 0
      for (const [index, gapMs] of gapsMs.entries()) {
        nowMs += gapMs
        const counted = countRestart(window, { atMs: nowMs, dice: thrown[index % thrown.length] ?? 0, wasReady: index % 3 > 0 })
        window = counted.window
        nowMs += counted.delayMs
        expect(window.atMs.length).toBeLessThanOrEqual(restartsMax)
      }
    }),
  )
})

test('the first ten are immediate; then each waits twice as long as the one before, up to the last', () => {
  const restarts = live(Array(24).fill(0), [1]).map(({ delayMs }) => delayMs)
  expect(restarts.slice(0, restartsMax)).toEqual(Array(restartsMax).fill(0))
  expect(restarts.slice(restartsMax)).toEqual([
    100, 200, 400, 800, 1_600, 3_200, 6_400, 12_800, 25_600, 30_000, 30_000, 30_000, 30_000, 30_000,
  ])
})

test('jitter takes up to half of a delay away', () => {
  const delaysOf = (one: number) => live(Array(12).fill(0), [one]).map(({ delayMs }) => delayMs)
  expect(delaysOf(0).slice(-2)).toEqual([50, 100])
  expect(delaysOf(0.5).slice(-2)).toEqual([75, 150])
})

test('a quiet period after the last restart forgives everything', () => {
  const storm = Array(15).fill(0)
  const [soon, late] = [periodMs, periodMs + 1].map((gapMs) => live([...storm, gapMs, 0], [1]).slice(-2))
  expect(soon?.map(({ delayMs }) => delayMs)).toEqual([3_200, 6_400])
  expect(late?.map(({ delayMs }) => delayMs)).toEqual([0, 0])
})

test('a slow trickle of deaths is never delayed', () => {
  fc.assert(
    fc.property(
      fc.array(fc.integer({ min: periodMs / restartsMax, max: 60_000 }), { maxLength: 100, size: 'max' }),
      dice,
      (gapsMs, thrown) => {
        expect(live(gapsMs, thrown).filter(({ delayMs }) => delayMs > 0)).toEqual([])
      },
    ),
  )
})

test('boots that fail slowly are no quiet time: after ten in a row they wait, however long each of them took', () => {
  fc.assert(
    fc.property(fc.array(fc.nat(60_000), { minLength: restartsMax + 1, maxLength: 60, size: 'max' }), dice, (gapsMs, thrown) => {
      const restarts = live(gapsMs, thrown, false)
      expect(restarts.slice(restartsMax).filter(({ delayMs }) => delayMs === 0)).toEqual([])
    }),
  )
})

test('the first boot that fails after a quiet time is tried again at once', () => {
  let window = freshWindow
  for (let count = 0; count < 15; count++) window = countRestart(window, { atMs: 0, dice: 0, wasReady: true }).window
  expect(countRestart(window, { atMs: 60_000, dice: 0, wasReady: false }).delayMs).toBe(0)
})

test('a death while serving is not made to wait by the boots of others, once they are left in quiet', () => {
  let window = freshWindow
  for (let count = 0; count < 30; count++) window = countRestart(window, { atMs: count * 3_000, dice: 0, wasReady: false }).window
  const counted = countRestart(window, { atMs: window.quietFromMs + periodMs + 1, dice: 0, wasReady: true })
  expect(counted.delayMs).toBe(0)
  // And that death is no excuse for the boots that go on failing.
  expect(countRestart(counted.window, { atMs: window.quietFromMs + 2 * periodMs, dice: 0, wasReady: false }).delayMs).toBeGreaterThan(0)
})
