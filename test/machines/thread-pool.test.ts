import { describe, expect, test } from 'vitest'
import { restartsMax } from '../../machines/restart-window.ts'
import { servedBackoffMaxMs } from '../../machines/thread-pool-rules.ts'
import { ThreadWorld } from './thread-world.ts'

const opened = (options?: ConstructorParameters<typeof ThreadWorld>[0]) => new ThreadWorld(options).open()
const recycle = (world: ThreadWorld, lane: number) => world.actor.send({ type: 'lane.recycle', lane, reason: 'worn' })
const press = (world: ThreadWorld, isSaturated = true) => world.actor.send({ type: 'pressure', isSaturated })
const close = (world: ThreadWorld) => world.actor.send({ type: 'close', reason: 'stop' })
/** Blocked beyond timeout, looked at, terminated; and V8 cannot. */
function condemn(world: ThreadWorld, lane: number): void {
  world.actor.send({ type: 'lane.overdue', lane, blockedMs: 30_000 })
  world.at(lane).report({ type: 'thread.autopsied' })
  world.at(lane).phase = 'stuck'
  world.pass(1_000)
}

describe('opening', () => {
  test('a pool is open once as many threads are ready as are kept', () => {
    const world = new ThreadWorld({ min: 2, max: 4 })
    world.actor.send({ type: 'open' })
    expect(world.lanesOf('booting')).toEqual([1, 2])
    world.ready(world.at(1))
    expect([world.state, world.said]).toEqual(['opening', []])
    world.ready(world.at(2))
    expect([world.state, world.said]).toEqual(['open', ['open']])
    expect(world.threads.map(({ orders }) => orders)).toEqual([['serve'], ['serve']])
  })

  test('a pool that cannot open tells why, once, and closes', () => {
    const world = new ThreadWorld({ min: 3 })
    world.actor.send({ type: 'open' })
    world.ready(world.at(1))
    world.at(2).report({ type: 'thread.failed', problem: 'no database' })
    world.at(3).report({ type: 'thread.failed', problem: 'no cache' })
    world.exit(world.at(2))
    expect([world.state, world.said]).toEqual(['closing', ['failed: no database']])
    expect(world.lanesOf('draining')).toEqual([1])
    world.reap()
    world.reap()
    expect([world.state, world.said]).toEqual(['closed', ['failed: no database', 'closed']])
    expect(world.startedAtMs).toHaveLength(3)
  })

  test('a thread that is stuck in native code as it boots does not hold up the answer', () => {
    const world = new ThreadWorld({ min: 1 })
    world.actor.send({ type: 'open' })
    world.pass(30_000)
    world.at(1).report({ type: 'thread.autopsied' })
    world.pass(1_000)
    expect([world.state, world.said]).toEqual(['closed', ['failed: not ready within boot_timeout', 'closed']])
  })

  test('a pool that is closed while it opens ends its threads without a drain', () => {
    const world = new ThreadWorld()
    world.actor.send({ type: 'open' })
    close(world)
    expect(world.lanesOf('struck')).toEqual([1, 2])
    world.reap()
    expect([world.state, world.said]).toEqual(['closed', ['closed']])
  })

  test('a pool that was never opened is closed at once', () => {
    const world = new ThreadWorld()
    close(world)
    expect(world.said).toEqual(['closed'])
  })
})

describe('deaths', () => {
  test('a thread that dies is replaced at once, under its number', () => {
    const world = opened()
    world.exit(world.at(1))
    expect([world.lanesOf('ready'), world.lanesOf('booting')]).toEqual([[2], [1]])
    expect(world.noted('thread.died')).toHaveLength(1)
  })

  test('a thread whose work is not wanted any more is ended without a look, and replaced when it is gone', () => {
    const world = opened()
    world.actor.send({ type: 'lane.kill', lane: 1, reason: 'cancelled' })
    world.actor.send({ type: 'lane.kill', lane: 7, reason: 'cancelled' })
    expect([world.at(1).orders, world.threads.length]).toEqual([['serve', 'terminate'], 2])
    world.exit(world.at(1))
    expect([world.lanesOf('ready'), world.lanesOf('booting')]).toEqual([[2], [1]])
  })

  test('a thread that is blocked is replaced when it is gone', () => {
    const world = opened()
    world.actor.send({ type: 'lane.overdue', lane: 1, blockedMs: 30_000 })
    expect(world.at(1).orders).toEqual(['serve', 'autopsy'])
    world.at(1).report({ type: 'thread.autopsied' })
    expect(world.threads).toHaveLength(2)
    world.exit(world.at(1))
    expect(world.lanesOf('booting')).toEqual([1])
  })

  test('more than ten in ten seconds back off, and each is made up for in the end', () => {
    const world = opened()
    for (let count = 0; count < restartsMax; count++) world.exit(world.at(1))
    expect(world.lanesOf('booting')).toEqual([1])
    expect(world.noted('thread.backoff')).toHaveLength(0)
    world.exit(world.at(1))
    world.exit(world.at(2))
    expect(world.noted('thread.backoff')).toMatchObject([{ facts: { delayMs: 75 } }, { facts: { delayMs: 150 } }])
    expect(world.threads).toHaveLength(0)
    world.pass(75)
    expect(world.lanesOf('booting')).toEqual([1])
    world.pass(75)
    expect(world.lanesOf('booting')).toEqual([1, 2])
  })

  test('threads that have served are away for a second at most, however many die', () => {
    const world = opened()
    for (let count = 0; count < 40; count++) {
      world.exit(world.at(1))
      for (let waits = 0; waits < 10 && world.lanesOf('booting').length === 0; waits++) world.pass(servedBackoffMaxMs / 10)
      const [booting] = world.lanesOf('booting')
      expect(booting).toBeDefined()
      world.ready(world.at(booting!))
    }
    const delays = world.noted('thread.backoff').map(({ facts }) => Number((facts as { delayMs: number }).delayMs))
    expect(delays.length).toBeGreaterThan(5)
    expect(Math.max(...delays)).toBeLessThanOrEqual(servedBackoffMaxMs)
  })

  test('a thread whose chart breaks costs the worker, not the pool', () => {
    const world = opened()
    world.actor.send({ type: 'xstate.error.actor.lane.1', actorId: 'lane.1', error: new Error('bug') } as never)
    expect([world.state, world.said, world.error]).toEqual(['open', ['open', 'successor'], null])
    expect(world.noted('chart.failed')).toHaveLength(1)
    close(world)
    world.reap()
    world.reap()
    expect(world.state).toBe('closed')
  })

  test('a thread whose chart breaks while the pool opens is a pool that cannot open', () => {
    const world = new ThreadWorld()
    world.actor.send({ type: 'open' })
    world.actor.send({ type: 'xstate.error.actor.lane.1', actorId: 'lane.1', error: new Error('bug') } as never)
    world.reap()
    expect([world.state, world.said]).toEqual(['closed', ['failed: Error: bug', 'closed']])
  })
})

describe('replacements', () => {
  test('a replacement is ready before the old one is retired, and takes over alone', () => {
    const world = opened()
    recycle(world, 1)
    expect([world.lanesOf('ready'), world.lanesOf('booting')]).toEqual([[1, 2], [3]])
    world.ready(world.at(3))
    expect([world.lanesOf('draining'), world.lanesOf('ready')]).toEqual([[1], [2, 3]])
    world.reap()
    world.reap()
    expect(world.lanesOf('ready')).toEqual([2, 3])
    expect(world.noted('thread.recycle')).toMatchObject([{ facts: { thread: 1, reason: 'worn' } }])
  })

  test('a thread that is found worn again and again gets one replacement and one line', () => {
    const world = opened()
    for (let look = 0; look < 5; look++) recycle(world, 1)
    expect(world.lanesOf('booting')).toEqual([3])
    expect(world.noted('thread.recycle')).toHaveLength(1)
  })

  test('all threads may be replaced at the same time', () => {
    const world = opened()
    recycle(world, 1)
    recycle(world, 2)
    expect(world.lanesOf('booting')).toEqual([3, 4])
    world.settle()
    expect(world.lanesOf('ready')).toEqual([3, 4])
  })

  test('a thread whose replacement failed stays in service, and the next try comes by itself', () => {
    const world = opened()
    recycle(world, 1)
    world.exit(world.at(3))
    expect([world.lanesOf('ready'), world.lanesOf('booting')]).toEqual([[1, 2], [3]])
    world.ready(world.at(3))
    expect(world.lanesOf('draining')).toEqual([1])
  })

  test('replacements that fail without end are started ever more seldom, however often they are asked for', () => {
    const world = opened()
    const before = world.startedAtMs.length
    for (let ms = 0; ms < 60_000; ms += 100) {
      recycle(world, 1)
      for (const thread of world.of('booting')) world.exit(thread)
      world.pass(100)
    }
    expect(world.startedAtMs.length - before).toBeLessThan(restartsMax + 12)
    expect(world.lanesOf('ready')).toEqual([1, 2])
    world.settle()
    expect(world.lanesOf('ready')).toEqual([2, 3])
  })

  test('a thread that dies while its replacement boots is replaced by that, and by nobody else', () => {
    const world = opened()
    recycle(world, 1)
    world.exit(world.at(1))
    expect(world.threads.map(({ lane }) => lane)).toEqual([2, 3])
    world.settle()
    expect(world.lanesOf('ready')).toEqual([2, 3])
  })

  test('a replacement does not retire who has the number of the one that it came for', () => {
    const world = opened({ min: 2, max: 3 })
    recycle(world, 1)
    world.exit(world.at(1))
    press(world)
    expect(world.lanesOf('booting')).toEqual([3, 1])
    world.ready(world.at(1))
    world.ready(world.at(3))
    expect(world.lanesOf('ready')).toEqual([2, 3, 1])
  })

  test('a thread that is blocked while its replacement boots is replaced by that', () => {
    const world = opened()
    recycle(world, 1)
    world.actor.send({ type: 'lane.overdue', lane: 1, blockedMs: 30_000 })
    world.at(1).report({ type: 'thread.autopsied' })
    world.ready(world.at(3))
    world.reap()
    world.settle()
    expect(world.lanesOf('ready')).toEqual([2, 3])
  })

  test('a replacement that dies after it took over is replaced like any other', () => {
    const world = opened()
    recycle(world, 1)
    world.settle()
    world.exit(world.at(3))
    world.settle()
    expect(world.lanesOf('ready')).toEqual([2, 1])
  })

  test('threads that drain for long do not add up: no more than twice the most run at once', () => {
    const world = opened({ min: 2, max: 2, graceMs: 60_000 })
    for (let round = 0; round < 3; round++) {
      for (const { lane } of world.of('ready')) recycle(world, lane)
      world.bootAll()
    }
    expect(world.threads).toHaveLength(4)
    expect(world.of('ready')).toHaveLength(2)
    world.reap()
    world.reap()
    expect(world.of('booting')).toHaveLength(2)
  })
})

describe('pressure and idleness', () => {
  test('pressure grows a pool to its most, and no further', () => {
    const world = opened({ min: 1, max: 3 })
    press(world)
    world.bootAll()
    world.bootAll()
    expect([world.state, world.lanesOf('ready')]).toEqual(['saturated', [1, 2, 3]])
    press(world, false)
    press(world)
    expect(world.threads).toHaveLength(3)
  })

  test('threads that fail under pressure are started ever more seldom', () => {
    const world = opened({ min: 1, max: 2 })
    press(world)
    for (let ms = 0; ms < 60_000; ms += 100) {
      for (const thread of world.of('booting')) world.exit(thread)
      world.pass(100)
    }
    expect(world.startedAtMs.length).toBeLessThan(restartsMax + 12)
    world.settle()
    expect(world.lanesOf('ready')).toEqual([1, 2])
  })

  test('idle threads go one by one, down to the number that is kept', () => {
    const world = opened({ min: 1, max: 3 })
    press(world)
    world.settle()
    press(world, false)
    for (const lane of [3, 2, 1]) world.actor.send({ type: 'lane.idle', lane })
    expect([world.lanesOf('draining'), world.lanesOf('ready')]).toEqual([[2, 3], [1]])
    world.settle()
    expect(world.lanesOf('ready')).toEqual([1])
  })

  test('a worn thread that is idle goes, and its replacement takes its place within the most', () => {
    const world = opened({ min: 1, max: 2 })
    press(world)
    world.bootAll()
    press(world, false)
    recycle(world, 2)
    world.actor.send({ type: 'lane.idle', lane: 2 })
    press(world)
    expect([world.lanesOf('draining'), world.lanesOf('booting')]).toEqual([[2], [3]])
  })

  test('a thread above the number that is kept is not replaced when it dies, but grown again under pressure', () => {
    const world = opened({ min: 1, max: 2 })
    press(world)
    world.bootAll()
    press(world, false)
    world.exit(world.at(2))
    expect(world.lanesOf('ready')).toEqual([1])
    expect(world.threads).toHaveLength(1)
    press(world)
    expect(world.lanesOf('booting')).toEqual([2])
  })
})

describe('condemned threads', () => {
  test('a condemned thread gets nobody beside it, also under pressure, and a successor of the worker is wanted', () => {
    const world = opened()
    condemn(world, 1)
    press(world)
    world.settle()
    expect(world.said).toEqual(['open', 'successor'])
    expect(world.threads.map(({ phase }) => phase)).toEqual(['stuck', 'ready'])
  })

  test('the last thread that is condemned gets one beside it, for what the worker has accepted, and that one gets nobody', () => {
    const world = opened()
    condemn(world, 1)
    condemn(world, 2)
    expect([world.lanesOf('stuck'), world.lanesOf('booting')]).toEqual([[1, 2], [3]])
    world.settle()
    condemn(world, 3)
    press(world)
    expect(world.lanesOf('stuck')).toEqual([1, 2, 3])
    expect(world.threads).toHaveLength(3)
  })

  test('a thread that is about to be ended gets nobody beside it either: it may turn out to be in native code', () => {
    const world = opened()
    world.actor.send({ type: 'lane.overdue', lane: 1, blockedMs: 30_000 })
    press(world)
    expect(world.threads).toHaveLength(2)
    world.at(1).report({ type: 'thread.autopsied' })
    expect(world.threads).toHaveLength(2)
    world.exit(world.at(1))
    expect([world.lanesOf('ready'), world.lanesOf('booting')]).toEqual([[2], [1]])
  })

  test('a condemned thread that does end is replaced', () => {
    const world = opened()
    condemn(world, 1)
    expect(world.threads).toHaveLength(2)
    world.exit(world.at(1))
    expect(world.lanesOf('booting')).toEqual([1])
  })
})

describe('closing', () => {
  test('a close retires all, those that boot without a drain, and starts nobody', () => {
    const world = opened({ min: 2, max: 3 })
    recycle(world, 1)
    close(world)
    expect([world.lanesOf('draining'), world.lanesOf('struck')]).toEqual([[1, 2], [3]])
    world.exit(world.at(1))
    press(world)
    world.reap()
    world.reap()
    expect([world.state, world.said, world.threads]).toEqual(['closed', ['open', 'closed'], []])
  })

  test('a back-off that ends while a pool closes starts nobody', () => {
    const world = opened()
    for (let count = 0; count <= restartsMax; count++) world.exit(world.at(1))
    close(world)
    world.pass(1_000)
    expect(world.lanesOf('draining')).toEqual([2])
    world.reap()
    world.reap()
    world.pass(1_000)
    expect([world.state, world.threads]).toEqual(['closed', []])
  })

  test('a condemned thread does not hold up the close, and its end later on starts nobody', () => {
    const world = opened()
    condemn(world, 1)
    close(world)
    world.reap()
    world.reap()
    expect([world.state, world.said.at(-1), world.lanesOf('stuck')]).toEqual(['closed', 'closed', [1]])
    world.exit(world.at(1))
    expect(world.startedAtMs).toHaveLength(2)
  })

  test('a thread that gets stuck while a pool closes holds it up for its grace and what a kill takes', () => {
    const world = opened({ min: 1, graceMs: 5_000 })
    close(world)
    world.pass(7_000)
    expect(world.at(1).orders).toEqual(['serve', 'drain', 'autopsy'])
    world.pass(2_500)
    expect(world.at(1).orders).toEqual(['serve', 'drain', 'autopsy', 'terminate'])
    expect(world.state).toBe('closing')
    world.pass(1_000)
    expect(world.state).toBe('closed')
    expect(world.error).toBeNull()
  })
})
