import { setTimeout as pause } from 'node:timers/promises'
import { expect, test } from 'vitest'
import { createPulse, readPulse } from '../../../src/ipc/pulse.ts'

test('the silence of a job is counted from its first beat on, and no more once none is waited for', async () => {
  const pulse = createPulse()
  const reader = readPulse(pulse.memory)
  expect(reader.unbeatenMs()).toBe(0)
  pulse.beat()
  await pause(30)
  expect(reader.unbeatenMs()).toBeGreaterThanOrEqual(25)
  pulse.unbeat()
  expect(reader.unbeatenMs()).toBe(0)
})

test('a phase begins with a beat, but only where beats are waited for', async () => {
  const pulse = createPulse()
  const reader = readPulse(pulse.memory)
  pulse.setPhase('opening')
  expect(reader.unbeatenMs()).toBe(0)
  pulse.beat()
  await pause(60)
  const before = reader.unbeatenMs()
  pulse.setPhase('serving')
  expect(reader.unbeatenMs()).toBeLessThan(before)
})
