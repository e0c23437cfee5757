import fc from 'fast-check'
import { expect, test } from 'vitest'
import { rollingMachine } from '../../machines/rolling.ts'
import { after, cannotReach, expectSound, isDone, type Sample, walk } from './walk.ts'

const ready = (slot: number): Sample => ({ type: 'worker.ready', slot })
const failed = (slot: number, problem = 'it died'): Sample => ({ type: 'worker.failed', slot, problem })
const slotsUpTo = (count: number) => Array.from({ length: count }, (_, slot) => slot)
const rolling = (count: number, unavailableMax: number, ...events: Sample[]) =>
  after(rollingMachine, { slots: slotsUpTo(count), unavailableMax }, ...events)
const orders = (count: number, unavailableMax: number, ...events: Sample[]) =>
  rolling(count, unavailableMax, ...events)
    .sent()
    .map(({ type, slot }) => `${type} ${slot}`)

test('every state of a rolling is reached, and every one can end', () => {
  const walks = [0, 1, 2, 3].map((unavailableMax) =>
    walk(rollingMachine, {
      input: { slots: slotsUpTo(3), unavailableMax },
      events: slotsUpTo(4).flatMap((slot) => [ready(slot), failed(slot)]),
      essentials: ({ waiting, booting, ready: done, problem }) => [waiting, booting, done, problem],
    }),
  )
  expectSound(rollingMachine, walks)
  for (const one of walks) expect(cannotReach(one, isDone, ({ type }) => type === 'worker.ready')).toEqual([])
})

test('with no slot to fill it is committed at once', () => {
  expect(rolling(0, 0).snapshot.output).toEqual({ ok: true })
})

test('with none to be missed, one new worker at a time boots beside the old ones', () => {
  expect(orders(3, 0)).toEqual(['roll.spawn 0'])
  expect(orders(3, 0, ready(0))).toEqual(['roll.spawn 1'])
  expect(orders(3, 0, ready(0), ready(1))).toEqual(['roll.spawn 2'])
  expect(rolling(3, 0, ready(0), ready(1), ready(2)).snapshot.output).toEqual({ ok: true })
})

test('with room for two to be missed, two old ones leave before two new ones boot', () => {
  expect(orders(3, 2)).toEqual(['roll.retire 0', 'roll.retire 1', 'roll.spawn 0', 'roll.spawn 1'])
  expect(orders(3, 2, ready(1))).toEqual([])
  expect(orders(3, 2, ready(1), ready(0))).toEqual(['roll.retire 2', 'roll.spawn 2'])
})

test('a new worker that fails, booting or ready, gives the attempt up', () => {
  expect(rolling(2, 0, failed(0)).snapshot.output).toEqual({ ok: false, problem: 'it died' })
  expect(rolling(2, 0, ready(0), failed(0, 'late')).snapshot.output).toEqual({ ok: false, problem: 'late' })
})

test('a worker of a slot that is not being rolled changes nothing', () => {
  expect(rolling(2, 0, failed(1)).snapshot.value).toBe('booting')
  expect(rolling(2, 0, ready(1)).snapshot.context.booting).toEqual([0])
})

test('never more slots are without a worker than allowed, whatever order they get ready in', () => {
  fc.assert(
    fc.property(fc.nat(6), fc.nat(7), fc.infiniteStream(fc.nat()), (count, unavailableMax, dice) => {
      const events: Sample[] = []
      let missing = 0
      for (;;) {
        const step = rolling(count, unavailableMax, ...events)
        for (const { type } of step.sent()) if (type === 'roll.retire') missing++
        expect(missing).toBeLessThanOrEqual(unavailableMax)
        if (step.snapshot.status === 'done') break
        const { booting } = step.snapshot.context as { booting: number[] }
        events.push(ready(booting[(dice.next().value as number) % booting.length] as number))
        if (unavailableMax > 0) missing--
      }
      expect(events).toHaveLength(count)
    }),
    { numRuns: 50 },
  )
})
