/** What the arbiter decides, rule by rule; the children are played. */
import { describe, expect, test } from 'vitest'
import { rowsOf } from '../../machines/arbiter-rules.ts'
import { type Played, turn, World, type WorldOptions } from './world.ts'

const booted = (options: WorldOptions = {}) => new World(options).boot()
const only = (children: readonly Played[]): Played => {
  expect(children).toHaveLength(1)
  return children[0] as Played
}
/** Slot and generation of every process, by age. */
const places = (world: World) => world.played.map(({ input, phase }) => `${input.slot}/${input.generation} ${phase}`)
const orderOf = (child: Played) => child.orders.at(-1)
const stateOf = (world: World) => world.actor.getSnapshot().value
const childrenOf = (world: World) => Object.keys(world.actor.getSnapshot().children).filter((id) => !id.startsWith('0.'))
const outputOf = (world: World) => world.actor.getSnapshot().output
const failed = (child: Played, exitCode = 4) => child.report({ type: 'child.failed', exitCode, problem: 'no database' })
const recycles = (child: Played) => child.report({ type: 'child.recycle', reason: 'worn out', served: 1 })
const leaves = (world: World, child: Played, problem: string | null = null) => {
  child.phase = 'draining'
  child.report({ type: 'child.draining', problem, atMs: world.clock.now(), dice: 0.5 })
}
async function reload(world: World, workers = 2, unavailableMax = 0, listeners = world.listeners): Promise<void> {
  world.actor.send({ type: 'reload' })
  await world.load({ ok: true, candidate: world.candidate(workers, unavailableMax, listeners) })
}
async function readyAll(world: World): Promise<void> {
  while (world.of('starting').length > 0) for (const child of world.of('starting')) world.ready(child)
}

describe('at the start', () => {
  test('it prepares, then binds, then spawns all workers at once, and is ready when they are', async () => {
    const world = new World({ workers: 3, listeners: ['a', 'b'] })
    expect(world.binds).toEqual([])
    await world.prepare()
    expect(world.binds.map(({ id }) => id)).toEqual(['a', 'b'])
    await world.bind()
    expect(world.played).toEqual([])
    await world.bind()
    expect(places(world)).toEqual(['0/1 starting', '1/1 starting', '2/1 starting'])
    for (const child of world.of('starting')) {
      expect(world.saidOf('announceReady')).toEqual([])
      world.ready(child)
    }
    expect(world.saidOf('announceReady')).toHaveLength(1)
  })

  test('what goes wrong before workers are spawned is the end, with exit code 1', async () => {
    const unprepared = new World()
    unprepared.prepares[0]?.reject(new Error('pid file held'))
    await turn()
    expect(outputOf(unprepared)).toEqual({ exitCode: 1, reason: 'pid file held' })

    const unbound = new World({ listeners: ['a', 'b'] })
    await unbound.prepare()
    await unbound.bind({ ok: false, problem: { code: 'MON_LISTENER_FAILED', text: 'forbidden', isRetryable: false } })
    expect(outputOf(unbound)).toEqual({ exitCode: 1, reason: 'forbidden' })
  })

  test('a listener that a program asks for and cannot have is the end before anything has served, and not after', async () => {
    const forbidden = { ok: false, problem: { code: 'MON_LISTENER_FAILED', text: 'forbidden', isRetryable: false } } as const
    const world = new World({ workers: 1, listeners: [] })
    await world.prepare()
    world.actor.send({ type: 'listener.wanted', id: 'own', address: 'own' })
    await world.bind(forbidden)
    expect(world.context.exitCode).toBe(1)
    expect(orderOf(only(world.played))).toEqual({ type: 'strike' })

    const serving = await booted({ workers: 1, listeners: [] })
    serving.actor.send({ type: 'listener.wanted', id: 'own', address: 'own' })
    await serving.bind(forbidden)
    expect(stateOf(serving)).toEqual({ ready: 'steady' })
    expect(serving.context.listeners).toEqual({})
  })

  test('when no worker can get ready it ends with what the first one said', async () => {
    const world = new World()
    await world.prepare()
    await world.bind()
    const [first, second] = world.played as [Played, Played]
    failed(first, 4)
    world.exit(first, 4)
    expect(world.isOver).toBe(false)
    world.exit(second, 1)
    expect(outputOf(world)).toEqual({ exitCode: 4, reason: expect.stringContaining('no database') })
    expect(world.spawnedAtMs).toHaveLength(2)
  })

  test('a worker that fails beside one that gets ready is started again', async () => {
    const world = new World()
    await world.prepare()
    await world.bind()
    const [first, second] = world.played as [Played, Played]
    world.exit(first, 1)
    world.ready(second)
    expect(places(world)).toEqual(['1/1 ready', '0/1 starting'])
  })

  test('with no workers wanted it is ready at once', async () => {
    const world = await booted({ workers: 0 })
    expect(stateOf(world)).toEqual({ ready: 'steady' })
    world.actor.send({ type: 'scale', by: -1 })
    expect(world.saidOf('announceScale')).toEqual([])
  })

  test('it can be scaled before its workers are ready', async () => {
    const world = new World({ workers: 1 })
    world.actor.send({ type: 'scale', by: 1 })
    await world.prepare()
    await world.bind()
    expect(places(world)).toEqual(['0/1 starting', '1/1 starting'])
    world.actor.send({ type: 'scale', by: 1 })
    expect(world.played).toHaveLength(3)
    world.actor.send({ type: 'scale', by: -2 })
    expect(places(world)).toEqual(['0/1 starting', '1/1 struck', '2/1 struck'])
  })

  test('a reload that is asked for too early begins when it is ready', async () => {
    const world = new World({ workers: 1 })
    world.actor.send({ type: 'reload' })
    await world.boot()
    expect(stateOf(world)).toEqual({ ready: { reloading: 'loading' } })
    expect(world.saidOf('announceReady')).toHaveLength(1)
  })
})

describe('deaths', () => {
  test('a worker that crashes is replaced at once, in its slot, under a new age', async () => {
    const world = await booted()
    world.exit(world.played[1] as Played, 1)
    expect(places(world)).toEqual(['0/1 ready', '1/1 starting'])
    expect(world.played[1]?.input.age).toBe(3)
  })

  test('ten within ten seconds are replaced at once, the next waits, and a slot waits only once', async () => {
    const world = await booted({ workers: 1 })
    for (let count = 0; count < 11; count++) world.exit(only(world.played), 1)
    expect(world.played).toEqual([])
    expect(world.context.refills).toEqual([0])
    expect(world.noted('worker.backoff')).toHaveLength(1)
    world.pass(100)
    expect(places(world)).toEqual(['0/1 starting'])
  })

  test('a worker that somebody else told to leave is replaced at once, and counts as a restart', async () => {
    const world = await booted({ workers: 1 })
    for (let count = 0; count < 10; count++) {
      const child = only(world.of(count === 0 ? 'ready' : 'starting'))
      if (count > 0) world.ready(child)
      leaves(world, child)
    }
    world.ready(only(world.of('starting')))
    leaves(world, only(world.of('ready')))
    expect(world.of('starting')).toEqual([])
    expect(world.context.refills).toEqual([0])
  })

  test('a worker whose job has ended is replaced at once, and the reason is told where the next has to wait', async () => {
    const world = await booted({ workers: 1 })
    const end = () => leaves(world, only(world.of('ready')), 'its job failed')
    for (let count = 0; count < 10; count++) {
      end()
      world.ready(only(world.of('starting')))
    }
    expect(world.noted('worker.backoff')).toEqual([])
    end()
    expect(world.of('starting')).toEqual([])
    expect(world.noted('worker.backoff')).toMatchObject([{ facts: { slot: 0, problem: 'its job failed' } }])
  })

  test('a worker that crashes beside its successor needs no other, and is no restart', async () => {
    const world = await booted({ workers: 1 })
    recycles(only(world.played))
    world.exit(only(world.of('ready')), 1)
    expect(places(world)).toEqual(['0/1 starting'])
    expect(world.context.window.atMs).toEqual([])
  })

  test('a worker that has to be killed while it drains gets no second successor', async () => {
    const world = await booted({ workers: 1 })
    recycles(only(world.played))
    world.ready(only(world.of('starting')))
    const elder = only(world.of('draining'))
    elder.phase = 'struck'
    elder.report({ type: 'child.silent', blockedMs: 30_000 })
    world.exit(elder)
    expect(places(world)).toEqual(['0/1 ready'])
  })

  test('a chart that breaks is told, its process is let go, and its slot is filled a while later', async () => {
    const world = await booted({ workers: 1 })
    const actorId = rowsOf(world.context)[0]?.actorId
    world.actor.send({ type: `xstate.error.actor.${actorId}`, actorId, error: new Error('bug') } as never)
    expect(world.noted('chart.failed')).toEqual([{ event: 'chart.failed', facts: { problem: 'bug' } }])
    expect(world.saidOf('letGo')).toEqual([{ age: 1 }])
    expect(rowsOf(world.context)).toEqual([])
    world.pass(1_000)
    expect(rowsOf(world.context)).toMatchObject([{ slot: 0, age: 2 }])
  })
})

describe('orders about single workers', () => {
  test('one that is to be restarted drains when its successor is ready, and one that boots already is no elder', async () => {
    const world = await booted({ workers: 2 })
    world.actor.send({ type: 'restart', ages: [1, 2] })
    expect(places(world)).toEqual(['0/1 ready', '1/1 ready', '0/1 starting', '1/1 starting'])
    world.actor.send({ type: 'restart', ages: [3, 4] })
    expect(world.played).toHaveLength(4)
    world.ready(world.of('starting', 0)[0] as Played)
    expect(places(world)).toEqual(['0/1 draining', '1/1 ready', '0/1 ready', '1/1 starting'])
  })

  test('one that is to drain goes at once, and its slot is filled beside it, which is no restart', async () => {
    const world = await booted({ workers: 2 })
    const [first] = world.of('ready', 0)
    world.actor.send({ type: 'drain', age: 1 })
    expect(orderOf(first as Played)).toMatchObject({ type: 'drain', reason: 'drain', isQuick: false })
    expect(places(world)).toEqual(['0/1 draining', '1/1 ready', '0/1 starting'])
    expect(world.context.window.atMs).toEqual([])
  })

  test('one that a reload is trying is not drained: that would be taken for its failure', async () => {
    const world = await booted({ workers: 1 })
    await reload(world, 1)
    world.actor.send({ type: 'drain', age: 2 })
    expect(places(world)).toEqual(['0/1 ready', '0/2 starting'])
  })
})

describe('recycling', () => {
  test('the successor is ready before the worn worker is asked to go', async () => {
    const world = await booted({ workers: 1 })
    const worn = only(world.played)
    recycles(worn)
    expect(places(world)).toEqual(['0/1 ready', '0/1 starting'])
    expect(worn.orders).toEqual([])
    world.ready(only(world.of('starting')))
    expect(orderOf(worn)).toMatchObject({ type: 'drain', reason: 'recycle', isQuick: false })
  })

  test('a successor that fails is tried again, and the worn worker serves on', async () => {
    const world = await booted({ workers: 1 })
    const worn = only(world.played)
    recycles(worn)
    world.exit(only(world.of('starting')), 1)
    expect(places(world)).toEqual(['0/1 ready', '0/1 starting'])
    expect(worn.orders).toEqual([])
  })

  test('asked twice, or while a refill of the slot is due, one successor is enough', async () => {
    const world = await booted({ workers: 1 })
    const worn = only(world.played)
    recycles(worn)
    recycles(worn)
    for (let count = 0; count < 11; count++) world.exit(only(world.of('starting')), 1)
    recycles(worn)
    expect(places(world)).toEqual(['0/1 ready'])
    world.pass(30_000)
    world.ready(only(world.of('starting')))
    expect(places(world)).toEqual(['0/1 draining', '0/1 ready'])
  })

  test('a worker that is worn out during a reload is replaced by it, or else when it is rolled back', async () => {
    const world = await booted({ workers: 1 })
    const worn = only(world.played)
    await reload(world, 1)
    recycles(worn)
    expect(places(world)).toEqual(['0/1 ready', '0/2 starting', '0/1 starting'])
    world.exit(only(world.of('starting').filter(({ input }) => input.generation === 2)), 1)
    expect(stateOf(world)).toEqual({ ready: 'steady' })
    expect(places(world)).toEqual(['0/1 ready', '0/1 starting'])
  })

  test('a new worker that is worn out before the reload is over has its successor all the same', async () => {
    const world = await booted()
    await reload(world)
    const early = only(world.of('starting'))
    world.ready(early)
    recycles(early)
    await readyAll(world)
    expect(orderOf(early)).toMatchObject({ type: 'drain', reason: 'recycle' })
    expect(rowsOf(world.context).filter(({ phase }) => phase === 'ready')).toMatchObject([
      { slot: 1, generation: 2 },
      { slot: 0, generation: 2 },
    ])
  })

  test('a new worker that dies after its successor has taken over does not fail the reload', async () => {
    const world = await booted()
    await reload(world)
    const early = only(world.of('starting'))
    world.ready(early)
    recycles(early)
    world.ready(only(world.of('starting').filter(({ input }) => input.slot === 0)))
    early.phase = 'struck'
    early.report({ type: 'child.silent', blockedMs: 30_000 })
    world.exit(early)
    expect(stateOf(world)).toEqual({ ready: { reloading: 'rolling' } })
  })
})

describe('scaling', () => {
  test('more workers are started at once, and what is too many leaves', async () => {
    const world = await booted()
    world.actor.send({ type: 'scale', by: 1 })
    expect(places(world)).toEqual(['0/1 ready', '1/1 ready', '2/1 starting'])
    world.actor.send({ type: 'scale', by: -2 })
    expect(places(world)).toEqual(['0/1 ready', '1/1 draining', '2/1 struck'])
    expect(world.saidOf('announceScale')).toEqual([
      { from: 2, to: 3 },
      { from: 3, to: 1 },
    ])
  })

  test('the last worker is not scaled away', async () => {
    const world = await booted({ workers: 1 })
    world.actor.send({ type: 'scale', by: -1 })
    expect(places(world)).toEqual(['0/1 ready'])
    expect(world.saidOf('announceScale')).toEqual([])
  })

  test('a slot that waits for its refill is not filled by scaling, and not at all once it is unwanted', async () => {
    const world = await booted({ workers: 2 })
    for (let count = 0; count < 11; count++) world.exit(world.played.find(({ input }) => input.slot === 1) as Played, 1)
    world.actor.send({ type: 'scale', by: -1 })
    world.actor.send({ type: 'scale', by: 1 })
    expect(places(world)).toEqual(['0/1 ready'])
    world.actor.send({ type: 'scale', by: -1 })
    world.pass(60_000)
    expect(places(world)).toEqual(['0/1 ready'])
  })

  test('what is scaled during a reload counts for the generation to come; what was scaled before it does not', async () => {
    const world = await booted()
    world.actor.send({ type: 'scale', by: 2 })
    await reload(world, 2)
    world.actor.send({ type: 'scale', by: 1 })
    await readyAll(world)
    expect(world.saidOf('announceCommit')).toEqual([{ generation: 2, workers: 3 }])
    expect(world.context.target).toBe(3)
    expect(rowsOf(world.context).filter(({ phase, generation }) => phase === 'ready' && generation === 2)).toHaveLength(3)
  })
})

describe('a reload', () => {
  test('starts new workers one by one beside the old ones, which drain when all the new are ready', async () => {
    const world = await booted()
    await reload(world)
    expect(places(world)).toEqual(['0/1 ready', '1/1 ready', '0/2 starting'])
    world.ready(only(world.of('starting')))
    expect(places(world)).toEqual(['0/1 ready', '1/1 ready', '0/2 ready', '1/2 starting'])
    world.ready(only(world.of('starting')))
    expect(places(world)).toEqual(['0/1 draining', '1/1 draining', '0/2 ready', '1/2 ready'])
    expect(world.saidOf('announceCommit')).toEqual([{ generation: 2, workers: 2 }])
    expect(stateOf(world)).toEqual({ ready: 'steady' })
  })

  test('may change how many workers there are, down to none', async () => {
    const world = await booted()
    await reload(world, 1)
    await readyAll(world)
    expect(places(world)).toEqual(['0/1 draining', '1/1 draining', '0/2 ready'])
    await reload(world, 0)
    expect(places(world)).toEqual(['0/1 draining', '1/1 draining', '0/2 draining'])
    await reload(world, 3)
    await readyAll(world)
    expect(world.of('ready')).toHaveLength(3)
  })

  test('with one to be missed, the old worker of a slot leaves before the new one is started', async () => {
    const world = await booted()
    await reload(world, 2, 1)
    expect(places(world)).toEqual(['0/1 draining', '1/1 ready', '0/2 starting'])
    const old = only(world.of('draining'))
    world.exit(old)
    expect(places(world)).toEqual(['1/1 ready', '0/2 starting'])
  })

  test('opens what is new before workers are started, and closes what is gone when it is done', async () => {
    const world = await booted({ listeners: ['a', 'b'] })
    await reload(world, 2, 0, ['b', 'c'])
    expect(world.binds.map(({ id }) => id)).toEqual(['c'])
    expect(world.of('starting')).toEqual([])
    await world.bind()
    expect(world.context.listeners).toEqual({ a: 'bound', b: 'bound', c: 'bound' })
    await readyAll(world)
    expect(world.context.listeners).toEqual({ b: 'bound', c: 'bound' })
  })

  test('cancels the back-off of the generation that it replaces, and starts with a fresh window', async () => {
    const world = await booted({ workers: 1 })
    for (let count = 0; count < 11; count++) world.exit(only(world.played), 1, 0)
    await reload(world, 1)
    world.ready(only(world.of('starting')))
    expect(world.context.refills).toEqual([])
    // Its own back-off of 100 ms is not cut short by what was left of the old one's 50 ms.
    for (let count = 0; count < 11; count++) world.exit(only(world.played), 1, 1)
    world.pass(60)
    expect(world.played).toEqual([])
    world.pass(40)
    expect(places(world)).toEqual(['0/2 starting'])
  })

  describe('that fails leaves everything as it was', () => {
    const isAsBefore = (world: World, problem: string) => {
      expect(world.saidOf('announceRollback')).toEqual([{ problem }])
      expect(stateOf(world)).toEqual({ ready: 'steady' })
      expect(world.context).toMatchObject({ facts: { generation: 1 }, target: 2, candidate: null })
      expect(world.context.listeners).toEqual({ a: 'bound' })
      expect(world.of('ready').filter(({ input }) => input.generation === 1)).toHaveLength(2)
      expect([...world.of('ready'), ...world.of('starting')].filter(({ input }) => input.generation > 1)).toEqual([])
    }

    test('when the configuration is wrong', async () => {
      const world = await booted()
      world.actor.send({ type: 'reload' })
      await world.load({ ok: false, problem: 'unknown setting workrs' })
      isAsBefore(world, 'unknown setting workrs')
    })

    test('when reading it throws', async () => {
      const world = await booted()
      world.actor.send({ type: 'reload' })
      world.loads[0]?.reject(new Error('out of memory'))
      await turn()
      isAsBefore(world, 'out of memory')
    })

    test('when reading it hangs', async () => {
      const world = await booted({ bootTimeoutMs: 7_000 })
      world.actor.send({ type: 'reload' })
      world.pass(7_000)
      isAsBefore(world, 'the configuration was not read, or the dirty pool not ready, within boot_timeout')
    })

    test('when a new address cannot be had', async () => {
      const world = await booted()
      await reload(world, 3, 0, ['a', 'b'])
      await world.bind({ ok: false, problem: { code: 'MON_LISTENER_FAILED', text: 'forbidden', isRetryable: false } })
      isAsBefore(world, 'forbidden')
    })

    test('when a new worker does not get ready', async () => {
      const world = await booted()
      await reload(world, 3, 0, ['a', 'b'])
      await world.bind()
      world.exit(only(world.of('starting')), 1)
      isAsBefore(world, 'exited with code 1 before it was ready')
    })

    test('when a new worker dies after it was ready', async () => {
      const world = await booted()
      await reload(world)
      const early = only(world.of('starting'))
      world.ready(early)
      world.exit(early, 1)
      isAsBefore(world, 'exited with code 1')
    })

    test('when a new worker leaves by itself', async () => {
      const world = await booted()
      await reload(world)
      const early = only(world.of('starting'))
      world.ready(early)
      leaves(world, early)
      isAsBefore(world, 'somebody else told it to leave')
    })

    test('and fills the slots again that were to be missed', async () => {
      const world = await booted()
      await reload(world, 2, 2)
      expect(world.of('draining')).toHaveLength(2)
      world.exit(world.of('starting')[0] as Played, 1)
      await readyAll(world)
      isAsBefore(world, 'exited with code 1 before it was ready')
    })
  })

  test('gives way to a newer one, whatever it is at', async () => {
    for (const stage of ['loading', 'binding', 'rolling']) {
      const world = await booted()
      world.actor.send({ type: 'reload' })
      if (stage !== 'loading') await world.load({ ok: true, candidate: world.candidate(2, 0, stage === 'binding' ? ['a', 'b'] : ['a']) })
      expect(stateOf(world)).toEqual({ ready: { reloading: stage } })
      world.actor.send({ type: 'reload' })
      expect(stateOf(world)).toEqual({ ready: { reloading: 'loading' } })
      expect(world.saidOf('announceRollback')).toEqual([{ problem: 'a newer reload was asked for' }])
      await world.settle()
      expect(world.saidOf('announceCommit')).toHaveLength(1)
      expect(world.context.facts.generation).toBe(world.of('ready')[0]?.input.generation)
    }
  })

  test('is not taken to be over when an old worker gets ready in the slot of a new one', async () => {
    const world = await booted({ workers: 1 })
    await reload(world, 1)
    world.exit(only(world.of('ready')), 1)
    const restarted = only(world.of('starting').filter(({ input }) => input.generation === 1))
    world.ready(restarted)
    expect(world.saidOf('announceCommit')).toEqual([])
    world.ready(only(world.of('starting')))
    expect(world.saidOf('announceCommit')).toHaveLength(1)
  })

  test('does not start old workers in slots that it has emptied', async () => {
    const world = await booted()
    await reload(world, 2, 2)
    for (const old of world.of('draining')) {
      old.phase = 'struck'
      old.report({ type: 'child.frozen', silentMs: 30_000 })
      world.exit(old)
    }
    world.actor.send({ type: 'scale', by: 1 })
    expect(places(world)).toEqual(['0/2 starting', '1/2 starting', '2/1 starting'])
  })

  test('waits only for the addresses of its own configuration', async () => {
    const world = await booted()
    world.actor.send({ type: 'listener.wanted', id: 'metrics', address: 'metrics' })
    await reload(world)
    expect(stateOf(world)).toEqual({ ready: { reloading: 'rolling' } })
  })

  test('does not close, when it fails, what a program has open', async () => {
    const world = await booted({ listeners: [] })
    world.actor.send({ type: 'listener.wanted', id: 'web', address: 'web' })
    await world.bind()
    await reload(world, 2, 0, ['web'])
    world.exit(only(world.of('starting')), 1)
    expect(world.context.listeners).toEqual({ web: 'bound' })
  })
})

describe('the end', () => {
  const stages: Record<string, () => Promise<World>> = {
    preparing: async () => new World(),
    opening: async () => {
      const world = new World()
      await world.prepare()
      return world
    },
    filling: async () => {
      const world = new World()
      await world.prepare()
      await world.bind()
      return world
    },
    steady: booted,
    'back-off': async () => {
      const world = await booted({ workers: 1 })
      for (let count = 0; count < 11; count++) world.exit(only(world.played), 1)
      return world
    },
    loading: async () => {
      const world = await booted()
      world.actor.send({ type: 'reload' })
      return world
    },
    binding: async () => {
      const world = await booted()
      await reload(world, 2, 0, ['b'])
      return world
    },
    rolling: async () => {
      const world = await booted()
      await reload(world, 2, 1)
      return world
    },
  }
  for (const [stage, come] of Object.entries(stages)) {
    test(`comes from ${stage}: graceful, quick or forced, and only when no worker is left`, async () => {
      for (const order of [
        { type: 'stop', reason: 'SIGTERM', isQuick: false },
        { type: 'stop', reason: 'SIGQUIT', isQuick: true },
        { type: 'force' },
      ] as const) {
        const world = await come()
        world.actor.send(order)
        expect(world.context.listeners).toEqual({})
        expect([...world.of('ready'), ...world.of('starting')]).toEqual([])
        if (!world.isOver) expect(childrenOf(world)).toEqual(rowsOf(world.context).map(({ actorId }) => actorId))
        expect(world.isOver).toBe(world.played.length === 0)
        for (const child of [...world.played]) {
          expect(stateOf(world)).toBe(order.type === 'force' ? 'killing' : 'draining')
          world.exit(child)
        }
        expect(stateOf(world)).toBe('stopped')
        expect(outputOf(world)).toMatchObject({ exitCode: 0 })
        expect(world.error).toBeNull()
        world.pass(60_000)
        expect(world.played).toEqual([])
      }
    })
  }

  test('a quick stop hastens a graceful one, and force kills what is left', async () => {
    const world = await booted()
    world.actor.send({ type: 'stop', reason: 'SIGTERM', isQuick: false })
    world.actor.send({ type: 'stop', reason: 'SIGTERM', isQuick: false })
    expect(world.played.map(({ orders }) => orders.length)).toEqual([1, 1])
    world.actor.send({ type: 'stop', reason: 'SIGINT', isQuick: true })
    for (const child of world.played) expect(orderOf(child)).toMatchObject({ type: 'drain', isQuick: true })
    world.actor.send({ type: 'force' })
    for (const child of world.played) expect(orderOf(child)).toEqual({ type: 'strike' })
  })

  test('who is about to go gets no new listener', async () => {
    for (const order of [{ type: 'stop', reason: 'SIGTERM', isQuick: false }, { type: 'force' }] as const) {
      const world = await booted()
      world.actor.send(order)
      world.actor.send({ type: 'listener.wanted', id: 'late', address: 'late' })
      expect(world.binds).toEqual([])
    }
  })
})
