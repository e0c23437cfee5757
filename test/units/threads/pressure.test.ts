import { expect, test } from 'vitest'
import { createPressure, reliefMs } from '../../../src/threads/pressure.ts'

test('pressure is told at once, and its end when it has stayed away', () => {
  const pressure = createPressure()
  expect(pressure.look(false, 0)).toBeNull()
  expect(pressure.look(true, 100)).toBe(true)
  expect(pressure.look(true, 200)).toBeNull()
  expect(pressure.look(false, 200 + reliefMs - 1)).toBeNull()
  expect(pressure.look(false, 200 + reliefMs)).toBe(false)
  expect(pressure.look(false, 300 + reliefMs)).toBeNull()
  expect(pressure.look(true, 400 + reliefMs)).toBe(true)
})

test('pressure that comes and goes is told once', () => {
  const pressure = createPressure()
  const told = Array.from({ length: 100 }, (_, look) => pressure.look(look % 2 === 0, look * 100)).filter((news) => news !== null)
  expect(told).toEqual([true])
})
