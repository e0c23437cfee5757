/** How requests ended, from the memory of a worker to the sums of the arbiter. */
import { expect, onTestFinished, test } from 'vitest'
import { createRoster, type RosterRow } from '../../../src/arbiter/roster.ts'
import { createPulse, readPulse } from '../../../src/ipc/pulse.ts'

function served(...requests: [status: number, tookMs: number][]) {
  const pulse = createPulse()
  for (const [status, tookMs] of requests) pulse.end(pulse.begin('GET', '/', 1), status, true, tookMs)
  const reader = readPulse(pulse.memory)
  return { counters: reader.counters(), tallies: reader.tallies() }
}

const row = (age: number): RosterRow => ({
  age,
  slot: 0,
  generation: 1,
  pid: age,
  startedAt: 0,
  counters: null,
  tallies: null,
  gauges: null,
  threads: [],
  waiting: 0,
  requests: [],
  lastBeatMs: null,
  frozenMs: 0,
  onFrozen: () => undefined,
  send: () => undefined,
  ask: () => Promise.resolve({ ok: false, problem: '' }),
  letGo: () => undefined,
})

function rosterOf(...ages: number[]) {
  const roster = createRoster()
  onTestFinished(roster.stop)
  for (const age of ages) roster.add(row(age))
  return roster
}

test('a request is counted under its status and in the durations of its class', () => {
  const { tallies, counters } = served([200, 3], [204, 3], [404, 700], [0, 1], [999, 1])
  expect(tallies.statuses).toEqual({ 0: 1, 200: 1, 204: 1, 404: 1, 999: 1 })
  expect(Object.entries(tallies.durations).map(([kind, { sumMs }]) => [kind, sumMs])).toEqual([
    ['0xx', 1],
    ['2xx', 6],
    ['4xx', 700],
    ['5xx', 1],
  ])
  expect(counters).toMatchObject({ served: 5, status2xx: 2, status4xx: 1, status5xx: 1, active: 0 })
})

test('what a worker has counted stays counted when it is gone', () => {
  const roster = rosterOf(1, 2)
  roster.beat(1, served([200, 3], [500, 3]))
  roster.beat(2, served([200, 3]))
  roster.remove(1)
  roster.add(row(3))
  roster.beat(3, served([200, 9]))
  expect(roster.tallies().statuses).toEqual({ 200: 3, 500: 1 })
  expect(roster.tallies().durations['2xx']?.sumMs).toBe(15)
  expect(roster.totals().served).toBe(4)
})

test('a beat that was overtaken by the last words of its worker takes nothing back', () => {
  const roster = rosterOf(1)
  roster.beat(1, served([200, 3], [200, 3]))
  roster.beat(1, served([200, 3]))
  roster.remove(1)
  expect(roster.totals().served).toBe(2)
  expect(roster.tallies().statuses).toEqual({ 200: 2 })
})

test('waits for a thread are told only by workers whose requests had to wait', () => {
  const pulse = createPulse()
  expect(readPulse(pulse.memory).tallies().waits).toBeUndefined()
  pulse.waited(12)
  expect(readPulse(pulse.memory).tallies().waits?.sumMs).toBe(12)
})
