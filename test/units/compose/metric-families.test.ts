/** What is told of a server, held against the conventions of Prometheus and against the guide. */
import { readFileSync } from 'node:fs'
import { expect, test } from 'vitest'
import { durationBuckets } from '../../../src/base/durations.ts'
import { familiesOf, type Known } from '../../../src/compose/metrics/metric-families.ts'
import type { Counters } from '../../../src/ipc/messages.ts'
import type { ProcessView, WorkerView } from '../../../src/ipc/snapshot.ts'

const process: ProcessView = {
  pid: 1,
  startedAt: 0,
  state: 'ready',
  stateSince: 0,
  memoryBytes: 100,
  heapBytes: 50,
  utilization: 0.5,
  lagMs: 4,
}
const counters: Counters = {
  accepted: 1,
  connections: 1,
  active: 1,
  served: 1,
  aborted: 0,
  status1xx: 0,
  status2xx: 1,
  status3xx: 0,
  status4xx: 0,
  status5xx: 0,
}
const worker = (changes: Partial<WorkerView>): WorkerView => ({
  ...process,
  slot: 0,
  age: 1,
  generation: 1,
  isBooted: true,
  lastBeatMs: 1,
  counters,
  requests: [],
  threads: [{ thread: 1, isLeaving: false, inFlight: 1, handled: 0, utilization: 0, heapBytes: 0 }],
  apps: [],
  ...changes,
})
const durations = { sumMs: 5, buckets: Array.from({ length: durationBuckets }, () => 1) }

/** Everything that can be told. */
const known: Known = {
  snapshot: {
    at: 0,
    name: 'shop',
    version: '1',
    node: '20',
    startedAt: 0,
    generation: 1,
    workersWanted: 2,
    dirtyWorkersWanted: 1,
    listeners: [],
    arbiter: process,
    workers: [worker({}), worker({ age: 2, state: 'draining.x', lagMs: 9 }), worker({ slot: 1, age: 3, state: 'booting' })],
    dirtyArbiter: process,
    dirtyWorkers: [worker({})],
    dirtyApps: [
      {
        app: 'images',
        queued: 3,
        leased: 2,
        capacity: 4,
        waits: { sumMs: 9, buckets: [0, 0, 0, 0, 3] },
        spec: '',
        workersWanted: null,
        workerPids: [],
      },
    ],
    sidecars: [
      {
        name: 'redis',
        command: 'redis-server',
        restart: 'always',
        pid: 9,
        state: 'ready',
        stateSince: 0,
        startedAt: 0,
        restarts: 2,
        memoryBytes: 4_096,
      },
      {
        name: 'tunnel',
        command: 'tunnel',
        restart: 'always',
        pid: null,
        state: 'gone.waiting',
        stateSince: 0,
        startedAt: null,
        restarts: 0,
        memoryBytes: 0,
      },
    ],
    dirtyCalls: 7,
    totals: counters,
    spawned: 3,
    ended: { crashed: 1 },
    reloads: 0,
  },
  tallies: { statuses: { 200: 1 }, durations: { '2xx': durations }, waits: durations },
  workerClass: 'gthread',
  isReady: true,
  isCrashing: false,
  backoffs: 1,
  waiting: { 0: 2 },
  backlogs: { '127.0.0.1:1': 4 },
}
const families = familiesOf(known)
const valuesOf = (name: string) => families.find((family) => family.name === name)?.samples.map(({ labels, value }) => [labels, value])

test('names end in their unit, and those of counters in total', () => {
  for (const { name, type, help } of families) {
    expect(name).toMatch(/^monoceros_[a-z_]+$/)
    expect(name.endsWith('_total'), name).toBe(type === 'counter')
    expect(help, name).toMatch(/^[A-Z].*\.$/)
  }
  expect(new Set(families.map(({ name }) => name)).size).toBe(families.length)
})

test('a sidecar is up or not, and is counted by its name', () => {
  expect(valuesOf('monoceros_sidecar_up')).toEqual([
    [{ sidecar: 'redis' }, 1],
    [{ sidecar: 'tunnel' }, 0],
  ])
  expect(valuesOf('monoceros_sidecar_restarts_total')).toEqual([
    [{ sidecar: 'redis' }, 2],
    [{ sidecar: 'tunnel' }, 0],
  ])
})

test('every series has a value, and no two of a family have the same labels', () => {
  for (const { name, samples } of families) {
    expect(samples.length, name).toBeGreaterThan(0)
    expect(new Set(samples.map(({ suffix, labels }) => `${suffix}${JSON.stringify(labels)}`)).size, name).toBe(samples.length)
  }
})

test('the guide names all of them, and none that is not', () => {
  const guide = readFileSync(new URL('../../../docs/guide/metrics.md', import.meta.url), 'utf8')
  const rows = guide.split('\n').filter((line) => line.startsWith('| `monoceros_'))
  const named = rows.flatMap((row) => [...(row.split(' | ')[0] ?? '').matchAll(/`(monoceros_\w+)`/g)].map(([, name]) => name))
  expect(named.sort()).toEqual(families.map(({ name }) => name).sort())
})

test('while a slot is handed over both of its workers are in its series', () => {
  expect(valuesOf('monoceros_process_resident_memory_bytes')).toContainEqual([{ role: 'worker', slot: 0 }, 200])
  expect(valuesOf('monoceros_event_loop_lag_seconds')).toContainEqual([{ role: 'worker', slot: 0 }, 0.009])
  expect(valuesOf('monoceros_workers')).toEqual([
    [{ state: 'booting' }, 1],
    [{ state: 'ready' }, 1],
    [{ state: 'draining' }, 1],
    [{ state: 'killing' }, 0],
    [{ state: 'backoff' }, 1],
  ])
})
