import { expect, test } from 'vitest'
import { createShares } from '../../../src/dirty-arbiter/allocation.ts'

const app = (name: string, workers: number | null) => ({ name, spec: `./${name}.ts:App`, workers })
const names = (apps: readonly { readonly name: string }[]) => apps.map(({ name }) => name).join('')

test('apps with a limit go to the workers that have fewest, those without are everywhere', () => {
  const shares = createShares([app('a', 1), app('b', 1), app('c', 2), app('z', null)], 3)
  expect([0, 1, 2].map((slot) => names(shares.of(slot)))).toEqual(['acz', 'bz', 'cz'])
})

test('a slot that comes later has the apps of which there are too few, and no slot ever changes', () => {
  const shares = createShares([app('a', 3), app('b', 1), app('z', null)], 2)
  const before = [0, 1].map((slot) => names(shares.of(slot)))
  expect(names(shares.of(3))).toBe('z')
  expect(names(shares.of(2))).toBe('az')
  expect([0, 1].map((slot) => names(shares.of(slot)))).toEqual(before)
})

test('a slot is needed while it has an app with a limit', () => {
  const shares = createShares([app('a', 1), app('z', null)], 3)
  expect([0, 1, 2].map((slot) => shares.isNeeded(slot))).toEqual([true, false, false])
})
