/** Leases of processes that run one call: the first of a process is its last, whatever else that process offers. */
import fc from 'fast-check'
import { expect, test } from 'vitest'
import { createBroker } from '../../../src/dirty-arbiter/broker.ts'
import type { LeaseWish } from '../../../src/wire/kinds.ts'

function singlesOf() {
  const grants = new Map<number, { lease: string; worker: number; isSingle: boolean }>()
  const refusals = new Map<number, string>()
  const spent: number[] = []
  const broker = createBroker(
    {
      grant: ({ call }, lease, worker, isSingle) => void grants.set(call, { lease, worker, isSingle }),
      refuse: ({ call }, { code }) => void refusals.set(call, code),
      recall: () => undefined,
      revoke: () => undefined,
      spent: (process) => void spent.push(process),
    },
    100,
  )
  broker.setApps(['a', 'b'])
  let calls = 0
  const ask = (app = 'a', wish: Partial<LeaseWish> = {}) => {
    const call = ++calls
    broker.ask({ client: 1, call }, { app, key: null, priority: 0, parent: null, ...wish })
    return call
  }
  /** A process with a place for each app: its number, and its number plus a half. */
  const add = (process: number) => {
    for (const [app, worker] of [
      ['a', process],
      ['b', process + 0.5],
    ] as const) {
      broker.setSingle(worker, process)
      broker.setCapacity(worker, app, 1)
    }
  }
  const gone = (process: number) => {
    broker.loseWorker(process)
    broker.loseWorker(process + 0.5)
    broker.forgetProcess(process)
  }
  const release = (call: number) => broker.release(grants.get(call)?.lease ?? 'none')
  return { broker, grants, refusals, spent, ask, add, gone, release }
}

test('a lease of a process takes its other places with it, and is told to be for one call', () => {
  const { ask, add, grants, release, spent } = singlesOf()
  add(1)
  const first = ask('a')
  const [same, other] = [ask('a'), ask('b')]
  expect(grants.get(first)).toMatchObject({ worker: 1, isSingle: true })
  release(first)
  // It is used up, though nobody has it any more.
  expect([grants.has(same), grants.has(other), spent]).toEqual([false, false, [1]])
  add(2)
  expect([grants.get(same)?.worker, grants.has(other)]).toEqual([2, false])
})

test('a place that is lost with its lease spends its process, also when it comes again', () => {
  const { ask, add, broker, grants, spent } = singlesOf()
  add(1)
  ask('a')
  broker.loseWorker(1)
  expect(spent).toEqual([1])
  broker.setSingle(1.25, 1)
  broker.setCapacity(1.25, 'a', 1)
  expect(grants.has(ask('a'))).toBe(false)
})

test('calls of one key wait for each other, and have processes of their own', () => {
  const { ask, add, grants, release } = singlesOf()
  add(1)
  add(2)
  const first = ask('a', { key: 'k' })
  const second = ask('a', { key: 'k' })
  expect(grants.has(second)).toBe(false)
  release(first)
  expect(grants.get(second)!.worker).not.toBe(grants.get(first)!.worker)
})

test('a call inside of a call is a ring only when no process is on its way, or will be before its caller ends', () => {
  const { ask, add, broker, grants, refusals, release } = singlesOf()
  add(1)
  const outer = ask('a')
  const parent = grants.get(outer)!.lease
  // The place for b is in the caller's own process.
  const ring = ask('b', { parent })
  expect(refusals.get(ring)).toBe('MON_DIRTY_DEADLOCK')
  broker.setComing('b', true)
  const waits = ask('b', { parent })
  expect(refusals.has(waits)).toBe(false)
  broker.setComing('b', false)
  add(2)
  expect(grants.get(waits)?.worker).toBe(2.5)
  // Another call runs in the only other process: when it is over, somebody comes after it.
  release(waits)
  const later = ask('b', { parent })
  expect(refusals.has(later)).toBe(false)
})

test('in whatever order, no process gives two leases, and each that gave one is told to be spent', () => {
  const step = fc.record({ what: fc.constantFrom('ask', 'ask', 'release', 'gone', 'add'), pick: fc.nat(1_000) })
  fc.assert(
    fc.property(fc.array(step, { maxLength: 80 }), (story) => {
      const { ask, add, gone, grants, release, spent } = singlesOf()
      let next = 1
      const living: number[] = []
      const open: number[] = []
      for (const { what, pick } of story) {
        if (what === 'add') living.push(next)
        if (what === 'add') add(next++)
        if (what === 'ask') open.push(ask(pick % 2 === 0 ? 'a' : 'b', pick % 5 === 0 ? { key: `k${pick % 3}` } : {}))
        if (what === 'release' && open.length > 0) release(open.splice(pick % open.length, 1)[0]!)
        if (what === 'gone' && living.length > 0) gone(living.splice(pick % living.length, 1)[0]!)
        const used = [...grants.values()].map(({ worker }) => Math.floor(worker))
        expect(used.length).toBe(new Set(used).size)
      }
      // Those that are given meanwhile too.
      for (const call of grants.keys()) release(call)
      const used = new Set([...grants.values()].map(({ worker }) => Math.floor(worker)))
      for (const process of living) if (used.has(process)) expect(spent).toContain(process)
    }),
    { numRuns: 500 },
  )
})
