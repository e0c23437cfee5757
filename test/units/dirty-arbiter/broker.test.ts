import fc from 'fast-check'
import { beforeEach, describe, expect, test } from 'vitest'
import { createBroker } from '../../../src/dirty-arbiter/broker.ts'
import type { LeaseWish } from '../../../src/wire/kinds.ts'

interface Grant {
  readonly lease: string
  readonly worker: number
}

/** A broker whose host remembers what it was told. Calls are named `client/call`. */
function brokerOf(queueMax = 100) {
  const grants = new Map<string, Grant>()
  const refusals = new Map<string, string>()
  const order: string[] = []
  const recalled: string[] = []
  const revoked: string[] = []
  let answers = 0
  const broker = createBroker(
    {
      grant({ client, call }, lease, worker) {
        answers++
        grants.set(`${client}/${call}`, { lease, worker })
        order.push(`${client}/${call}`)
      },
      refuse({ client, call }, { code }) {
        answers++
        refusals.set(`${client}/${call}`, code)
      },
      recall: (_, lease) => recalled.push(lease),
      revoke: (worker, lease) => revoked.push(`${worker}:${lease}`),
    },
    queueMax,
  )
  const ask = (name: string, wish: Partial<LeaseWish> = {}) => {
    const [client, call] = name.split('/').map(Number) as [number, number]
    broker.ask({ client, call }, { app: 'a', key: null, priority: 0, parent: null, ...wish })
    return grants.get(name)
  }
  const leaseOf = (name: string) => grants.get(name)?.lease ?? 'none'
  return { broker, ask, leaseOf, grants, refusals, order, recalled, revoked, answers: () => answers }
}

let world: ReturnType<typeof brokerOf>
beforeEach(() => {
  world = brokerOf()
  world.broker.setApps(['a', 'b'])
})
const ask = (name: string, wish?: Partial<LeaseWish>) => world.ask(name, wish)
const release = (name: string) => world.broker.release(world.leaseOf(name))

describe('a lease', () => {
  test('is given at once while a worker has room, of the one that has most', () => {
    world.broker.setCapacity(1, 'a', 1)
    world.broker.setCapacity(2, 'a', 2)
    expect([ask('1/1'), ask('1/2'), ask('1/3')].map((grant) => grant?.worker)).toEqual([2, 1, 2])
    expect(ask('1/4')).toBeUndefined()
  })

  test('is given when one before it is released, and then only once', () => {
    world.broker.setCapacity(1, 'a', 1)
    ask('1/1')
    ask('2/1')
    ask('3/1')
    release('1/1')
    release('1/1')
    expect(world.order).toEqual(['1/1', '2/1'])
  })

  test('is waited for while no worker has the app yet, and given when one has', () => {
    ask('1/1')
    expect(world.refusals.size).toBe(0)
    world.broker.setCapacity(1, 'a', 1)
    expect(world.order).toEqual(['1/1'])
  })

  test('of a worker whose threads have become fewer is not given again', () => {
    world.broker.setCapacity(1, 'a', 2)
    ask('1/1')
    ask('1/2')
    world.broker.setCapacity(1, 'a', 1)
    ask('1/3')
    release('1/1')
    expect(world.order).toEqual(['1/1', '1/2'])
    release('1/2')
    expect(world.order).toEqual(['1/1', '1/2', '1/3'])
  })

  test('is refused for an app that is not there, and the known ones are named', () => {
    ask('1/1', { app: 'z' })
    expect(world.refusals.get('1/1')).toBe('MON_DIRTY_NO_APP')
  })
})

describe('the queue of an app', () => {
  beforeEach(() => world.broker.setCapacity(1, 'a', 1))

  test('goes by priority, then by age', () => {
    ask('0/0')
    for (const [name, priority] of [['1/1', 0], ['2/1', 5], ['3/1', 0], ['4/1', 5], ['5/1', -1]] as const) ask(name, { priority }) // biome-ignore format: a list of calls
    for (const name of ['0/0', '2/1', '4/1', '1/1', '3/1']) release(name)
    expect(world.order).toEqual(['0/0', '2/1', '4/1', '1/1', '3/1', '5/1'])
  })

  test('is bounded, each for itself', () => {
    world = brokerOf(1)
    world.broker.setApps(['a', 'b'])
    for (const name of ['1/1', '1/2']) ask(name)
    expect(ask('1/3', { app: 'b' })).toBeUndefined()
    expect([...world.refusals]).toEqual([['1/2', 'MON_DIRTY_QUEUE_FULL']])
  })

  test('may be of length none: then who finds a worker is served, and nobody waits', () => {
    world = brokerOf(0)
    world.broker.setApps(['a'])
    world.broker.setCapacity(1, 'a', 1)
    expect(ask('1/1')?.worker).toBe(1)
    ask('1/2')
    expect(world.refusals.get('1/2')).toBe('MON_DIRTY_QUEUE_FULL')
  })

  test('that is full of those who wait for their own worker refuses nobody who finds another', () => {
    world = brokerOf(1)
    world.broker.setApps(['a'])
    world.broker.setCapacity(1, 'a', 1)
    ask('1/1', { key: 'k' })
    world.broker.setCapacity(2, 'a', 1)
    ask('1/2', { key: 'k' })
    expect(ask('1/3')?.worker).toBe(2)
  })

  test('is left by who does not want it any more, with an answer, and by who has gone, without', () => {
    for (const name of ['1/1', '2/1', '3/1', '3/2']) ask(name)
    world.broker.unqueue({ client: 2, call: 1 })
    expect(world.refusals.get('2/1')).toBe('MON_DIRTY_CANCELLED')
    world.broker.loseClient(3)
    release('1/1')
    expect(world.order).toEqual(['1/1'])
    expect(world.answers()).toBe(2)
  })

  test('cannot be left by who has been served', () => {
    ask('1/1')
    world.broker.unqueue({ client: 1, call: 1 })
    expect(world.refusals.size).toBe(0)
  })

  test('is refused as a whole when its app is no longer named', () => {
    ask('1/1')
    ask('1/2')
    world.broker.setApps(['b'])
    ask('1/3')
    expect([world.refusals.get('1/2'), world.refusals.get('1/3')]).toEqual(['MON_DIRTY_NO_APP', 'MON_DIRTY_NO_APP'])
  })
})

describe('a key', () => {
  beforeEach(() => {
    world.broker.setCapacity(1, 'a', 1)
    world.broker.setCapacity(2, 'a', 1)
  })

  test('stays with its worker, and waits for it while another is free', () => {
    const first = ask('1/1', { key: 'k' })
    expect(ask('1/2', { key: 'k' })).toBeUndefined()
    expect(ask('1/3')?.worker).not.toBe(first?.worker)
    release('1/1')
    expect(world.grants.get('1/2')?.worker).toBe(first?.worker)
  })

  test('that waits for its worker is no obstacle for who comes later', () => {
    ask('1/1', { key: 'k' })
    ask('1/2', { key: 'k' })
    expect(ask('1/3', { key: 'other' })).toBeDefined()
  })

  test('goes to another when its worker is gone or leaves, and who waits for that one is given another at once', () => {
    for (const leave of ['loseWorker', 'retireWorker'] as const) {
      world = brokerOf()
      world.broker.setApps(['a'])
      for (const worker of [1, 2]) world.broker.setCapacity(worker, 'a', 1)
      const first = ask('1/1', { key: 'k' })
      ask('1/2', { key: 'k' })
      world.broker[leave](first?.worker ?? 0)
      expect(world.grants.get('1/2')?.worker, leave).toBe(3 - (first?.worker ?? 0))
    }
  })

  test('belongs to one app', () => {
    world.broker.setCapacity(2, 'b', 1)
    ask('1/1', { key: 'k' })
    expect(ask('1/2', { app: 'b', key: 'k' })?.worker).toBe(2)
  })
})

describe('a recall', () => {
  test('goes to every holder, once, when somebody waits, and to no one before', () => {
    world.broker.setCapacity(1, 'a', 2)
    ask('1/1')
    ask('2/1')
    expect(world.recalled).toEqual([])
    ask('3/1')
    ask('4/1')
    expect(world.recalled).toEqual([world.leaseOf('1/1'), world.leaseOf('2/1')])
  })

  test('goes to who is served while others go on waiting', () => {
    world.broker.setCapacity(1, 'a', 1)
    for (const name of ['1/1', '2/1', '3/1']) ask(name)
    release('1/1')
    expect(world.recalled).toContain(world.leaseOf('2/1'))
  })

  test('goes to every holder of a worker that leaves', () => {
    world.broker.setCapacity(1, 'a', 1)
    world.broker.setCapacity(1, 'b', 1)
    ask('1/1')
    ask('1/2', { app: 'b' })
    world.broker.retireWorker(1)
    expect(world.recalled).toEqual([world.leaseOf('1/1'), world.leaseOf('1/2')])
    expect(ask('1/3')).toBeUndefined()
  })
})

describe('the end of a holder', () => {
  test('is told to the worker, and its place is free when the worker says so', () => {
    world.broker.setCapacity(1, 'a', 1)
    ask('1/1')
    ask('2/1')
    world.broker.loseClient(1)
    expect(world.revoked).toEqual([`1:${world.leaseOf('1/1')}`])
    expect(world.order).toEqual(['1/1'])
    release('1/1')
    expect(world.order).toEqual(['1/1', '2/1'])
  })

  test('when its worker has gone too leaves nothing behind', () => {
    world.broker.setCapacity(1, 'a', 1)
    ask('1/1')
    world.broker.loseWorker(1)
    world.broker.loseClient(1)
    release('1/1')
    expect(world.revoked).toEqual([])
    expect(world.broker.counts()[0]).toMatchObject({ queued: 0, leased: 0, capacity: 0 })
  })
})

describe('a nested call that could never be served is refused', () => {
  const nested = (name: string, under: string, wish: Partial<LeaseWish> = {}) => ask(name, { parent: world.leaseOf(under), ...wish })
  const isDeadlock = (name: string) => world.refusals.get(name) === 'MON_DIRTY_DEADLOCK'
  beforeEach(() => {
    world.broker.setCapacity(1, 'a', 1)
    world.broker.setCapacity(1, 'b', 1)
  })

  test('as its own app is busy with its caller', () => {
    ask('1/1')
    nested('2/1', '1/1')
    expect(isDeadlock('2/1')).toBe(true)
  })

  test('but not while another call of the app can end', () => {
    world.broker.setCapacity(2, 'a', 1)
    ask('1/1')
    ask('1/2')
    nested('2/1', '1/1')
    expect(world.refusals.size).toBe(0)
    nested('3/1', '1/2')
    expect(isDeadlock('3/1')).toBe(true)
    release('1/2')
    expect(world.grants.has('2/1')).toBe(true)
  })

  test('as two wait for each other', () => {
    ask('1/1')
    ask('1/2', { app: 'b' })
    nested('2/1', '1/1', { app: 'b' })
    expect(world.refusals.size).toBe(0)
    nested('3/1', '1/2', { app: 'a' })
    expect(isDeadlock('3/1')).toBe(true)
  })

  test('as what runs under its caller’s caller waits for that one', () => {
    ask('1/1')
    nested('2/1', '1/1', { app: 'b' })
    expect(world.grants.has('2/1')).toBe(true)
    nested('3/1', '2/1', { app: 'a' })
    expect(isDeadlock('3/1')).toBe(true)
  })

  test('as its key belongs to the worker of its caller, though another is free', () => {
    world.broker.setCapacity(2, 'a', 1)
    ask('1/1', { key: 'k' })
    nested('2/1', '1/1', { key: 'k' })
    expect(isDeadlock('2/1')).toBe(true)
  })

  test('but not while a worker has yet to come', () => {
    world.broker.setApps(['a', 'b', 'c'])
    ask('1/1')
    nested('2/1', '1/1', { app: 'c' })
    expect(world.refusals.size).toBe(0)
  })

  test('in no time, also where many wait for many', () => {
    const count = 40
    world.broker.setCapacity(1, 'a', count)
    world.broker.setCapacity(1, 'b', count)
    for (let call = 0; call < count; call++) {
      ask(`1/${call}`)
      ask(`2/${call}`, { app: 'b' })
    }
    for (let call = 0; call < count; call++) {
      nested(`3/${call}`, `1/${call}`, { app: 'b' })
      nested(`4/${call}`, `2/${call}`, { app: 'a' })
    }
    expect([...world.refusals]).toEqual([[`4/${count - 1}`, 'MON_DIRTY_DEADLOCK']])
  })
})

test('a broker that closes refuses who waits and who comes', () => {
  ask('1/1')
  world.broker.close()
  ask('1/2')
  ask('1/3', { app: 'z' })
  expect([...world.refusals.values()]).toEqual(['MON_DIRTY_CLOSING', 'MON_DIRTY_CLOSING', 'MON_DIRTY_CLOSING'])
})

test('whatever happens, no worker has more leases than room, every wish is answered once, and nobody waits beside a free worker', () => {
  const workers = fc.integer({ min: 1, max: 3 })
  const app = fc.constantFrom('a', 'b')
  const step = fc.oneof(
    { weight: 5, arbitrary: fc.record({ do: fc.constant('ask' as const), app, client: fc.integer({ min: 1, max: 4 }), key: fc.option(fc.constantFrom('k', 'l')), priority: fc.integer({ min: -1, max: 1 }), nested: fc.option(fc.nat(), { freq: 3 }) }) },
    { weight: 4, arbitrary: fc.record({ do: fc.constant('release' as const), which: fc.nat() }) },
    { weight: 1, arbitrary: fc.record({ do: fc.constant('unqueue' as const), which: fc.nat() }) },
    { weight: 2, arbitrary: fc.record({ do: fc.constant('capacity' as const), app, worker: workers, count: fc.nat(2) }) },
    { weight: 1, arbitrary: fc.record({ do: fc.constant('retire' as const), worker: workers }) },
    { weight: 1, arbitrary: fc.record({ do: fc.constant('lose' as const), worker: workers }) },
    { weight: 1, arbitrary: fc.record({ do: fc.constant('loseClient' as const), client: fc.integer({ min: 1, max: 4 }) }) },
  ) // biome-ignore format: a table of steps
  fc.assert(
    fc.property(fc.array(step, { maxLength: 60 }), (steps) => {
      const queueMax = 4
      const answered = new Map<string, number>()
      const live = new Map<string, { app: string; worker: number; client: number }>()
      const wishes = new Map<string, { app: string; key: string | null; client: number }>()
      const room = new Map<string, number>()
      const retired = new Set<number>()
      const count = (name: string) => answered.set(name, (answered.get(name) ?? 0) + 1)
      const broker = createBroker(
        {
          grant({ client, call }, lease, worker) {
            const name = `${client}/${call}`
            count(name)
            const { app: of } = wishes.get(name)!
            wishes.delete(name)
            live.set(lease, { app: of, worker, client })
            const held = [...live.values()].filter((other) => other.app === of && other.worker === worker).length
            expect(held, 'leases of a worker').toBeLessThanOrEqual(room.get(`${worker}/${of}`) ?? 0)
            expect(retired.has(worker), 'given to one that leaves').toBe(false)
          },
          refuse({ client, call }) {
            count(`${client}/${call}`)
            wishes.delete(`${client}/${call}`)
          },
          recall: (_, lease) => expect(live.has(lease), 'recalled and there').toBe(true),
          revoke: (worker, lease) => expect(live.get(lease)?.worker, 'revoked and there').toBe(worker),
        },
        queueMax,
      )
      broker.setApps(['a', 'b'])
      let call = 0
      const asked: string[] = []
      const gone = new Set<number>()
      for (const one of steps) {
        if (one.do === 'ask' && !gone.has(one.client)) {
          const name = `${one.client}/${++call}`
          asked.push(name)
          wishes.set(name, one)
          const leases = [...live.keys()]
          const parent = one.nested === null || leases.length === 0 ? null : (leases[one.nested % leases.length] ?? null)
          broker.ask({ client: one.client, call }, { app: one.app, key: one.key, priority: one.priority, parent })
        } else if (one.do === 'release' && live.size > 0) {
          const lease = [...live.keys()][one.which % live.size]!
          live.delete(lease)
          broker.release(lease)
        } else if (one.do === 'unqueue' && wishes.size > 0) {
          const [client, of] = [...wishes.keys()][one.which % wishes.size]!.split('/').map(Number) as [number, number]
          broker.unqueue({ client, call: of })
        } else if (one.do === 'capacity') {
          room.set(`${one.worker}/${one.app}`, one.count)
          broker.setCapacity(one.worker, one.app, one.count)
        } else if (one.do === 'retire') {
          retired.add(one.worker)
          broker.retireWorker(one.worker)
        } else if (one.do === 'lose') {
          retired.delete(one.worker)
          for (const of of ['a', 'b']) room.delete(`${one.worker}/${of}`)
          for (const [lease, held] of live) if (held.worker === one.worker) live.delete(lease)
          broker.loseWorker(one.worker)
        } else if (one.do === 'loseClient') {
          gone.add(one.client)
          for (const [name, wish] of wishes) if (wish.client === one.client) wishes.delete(name)
          broker.loseClient(one.client)
        }
        for (const { app: of, queued, leased } of broker.counts()) {
          expect(queued).toBe([...wishes.values()].filter((wish) => wish.app === of).length)
          expect(queued).toBeLessThanOrEqual(queueMax)
          expect(leased).toBe([...live.values()].filter((held) => held.app === of).length)
          const hasRoom = [...room].some(([place, max]) => {
            const [worker, name] = place.split('/') as [string, string]
            const held = [...live.values()].filter((other) => other.app === of && other.worker === Number(worker)).length
            return name === of && !retired.has(Number(worker)) && held < max
          })
          const waitsForAny = [...wishes.values()].some((wish) => wish.app === of && wish.key === null)
          expect(hasRoom && waitsForAny, 'waits beside a free worker').toBe(false)
        }
      }
      broker.close()
      for (const name of asked) expect(answered.get(name) ?? 0, name).toBeLessThanOrEqual(1)
      const unanswered = asked.filter((name) => !answered.has(name))
      expect(unanswered.every((name) => gone.has(Number(name.split('/')[0])))).toBe(true)
    }),
    { numRuns: 300 },
  )
})
