import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { type AppPlan, allocate, createShares, plan } from '../../../src/dirty-arbiter/allocation.ts'

const app = (name: string, workers: number | null): AppPlan => ({ name, spec: `./${name}.js:App`, workers })
const namesOf = (lists: readonly (readonly AppPlan[])[]) => lists.map((list) => list.map(({ name }) => name).join(''))

describe('which workers have an app', () => {
  test('is said by its spec, else by its class, else it is all', () => {
    const facts = new Map(
      [['a', 3] as const, ['b', 3] as const, ['c', null] as const].map(([name, workers]) => [
        name,
        { name, workers, threads: null, stashes: [] },
      ]),
    )
    const specs = [
      { name: 'a', spec: 'A', workers: 1 },
      { name: 'b', spec: 'B', workers: null },
      { name: 'c', spec: 'C', workers: null },
      { name: 'd', spec: 'D', workers: null },
    ]
    expect(plan(specs, facts).map(({ workers }) => workers)).toEqual([1, 3, null, null])
  })

  test('is all of them where it has no limit, and as many as it wants where it has one', () => {
    expect(namesOf(allocate([app('a', null), app('b', 2), app('c', 1)], 4))).toEqual(['ba', 'ba', 'ca', 'a'])
  })

  test('is all of them too where it wants more than there are', () => {
    expect(namesOf(allocate([app('a', 5)], 2))).toEqual(['a', 'a'])
  })

  test('spreads: none has two with a limit while another has none', () => {
    fc.assert(
      fc.property(fc.array(fc.integer({ min: 1, max: 4 }), { maxLength: 6 }), fc.integer({ min: 1, max: 8 }), (limits, slots) => {
        const apps = limits.map((limit, index) => app(String(index), limit))
        const lists = allocate(apps, slots)
        for (const one of apps) expect(lists.filter((list) => list.includes(one))).toHaveLength(Math.min(one.workers ?? slots, slots))
        const lengths = lists.map((list) => list.length)
        expect(Math.max(...lengths) - Math.min(...lengths)).toBeLessThanOrEqual(1)
      }),
    )
  })
})

describe('the share of a slot', () => {
  test('stays what it was, whoever fills it and whatever comes after it', () => {
    const shares = createShares([app('a', null), app('b', 1), app('c', 3)], 2)
    const first = namesOf([shares.of(0), shares.of(1)])
    shares.of(4)
    expect(namesOf([shares.of(0), shares.of(1)])).toEqual(first)
  })

  test('that comes later is what is everywhere, and of what there are too few', () => {
    const shares = createShares([app('a', null), app('b', 1), app('c', 3)], 2)
    expect(namesOf([shares.of(2), shares.of(3)])).toEqual(['ac', 'a'])
  })

  test('is needed while it has an app that is not everywhere', () => {
    const shares = createShares([app('a', null), app('b', 1)], 2)
    expect([0, 1, 2].map(shares.isNeeded)).toEqual([true, false, false])
  })
})
