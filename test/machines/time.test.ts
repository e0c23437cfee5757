/** What happens when nothing happens: every wait of the arbiter's charts has an end. The clock is simulated. */
import { expect, test } from 'vitest'
import { periodMs, restartsMax } from '../../machines/restart-window.ts'
import { type Played, World, type WorldOptions } from './world.ts'

const opened = async (options: WorldOptions = {}) => {
  const world = new World(options)
  await world.prepare()
  await world.bind()
  return world
}
const booted = (options: WorldOptions = {}) => new World(options).boot()
const first = (world: World) => world.played[0] as Played
const orders = (child: Played) => child.orders.map(({ type }) => type)
const inUse = { ok: false, problem: { code: 'MON_LISTENER_IN_USE', text: 'in use', isRetryable: true } } as const

test('an address in use is tried five times, a second apart, before it is the end', async () => {
  const world = new World()
  await world.prepare()
  for (let tries = 1; tries < 5; tries++) {
    await world.bind(inUse)
    expect(world.binds).toEqual([])
    world.pass(999)
    expect(world.binds).toEqual([])
    world.pass(1)
    expect(world.binds).toHaveLength(1)
  }
  expect(world.isOver).toBe(false)
  await world.bind(inUse)
  expect(world.actor.getSnapshot().output).toEqual({ exitCode: 1, reason: 'in use' })
})

test('a worker that is not ready within boot_timeout is looked at, for a moment, and killed', async () => {
  const world = await opened({ workers: 1, bootTimeoutMs: 7_000 })
  world.pass(6_999)
  expect(orders(first(world))).toEqual([])
  world.pass(1)
  expect(orders(first(world))).toEqual(['autopsy'])
  world.pass(2_500)
  expect(orders(first(world))).toEqual(['autopsy', 'strike'])
  world.exit(first(world))
  expect(world.actor.getSnapshot().output).toMatchObject({ exitCode: 3 })
})

test('boot_timeout is no matter any more once a worker is ready', async () => {
  const world = await booted({ workers: 1, bootTimeoutMs: 7_000 })
  world.pass(3_600_000)
  expect(orders(first(world))).toEqual([])
})

test('a worker that said why it fails and stays is killed after two seconds', async () => {
  const world = await opened({ workers: 1 })
  first(world).report({ type: 'child.failed', exitCode: 4, problem: 'no database' })
  world.pass(1_999)
  expect(orders(first(world))).toEqual([])
  world.pass(1)
  expect(orders(first(world))).toEqual(['strike'])
})

test('five seconds after the first failed boot it ends, however many still boot, unless one serves by then', async () => {
  for (const isSaved of [false, true]) {
    const world = await opened({ workers: 3 })
    first(world).report({ type: 'child.failed', exitCode: 4, problem: 'no database' })
    world.exit(first(world), 4)
    world.pass(4_999)
    expect(world.context.exitCode).toBe(0)
    if (isSaved) world.ready(first(world))
    world.pass(1)
    expect(world.context.exitCode).toBe(isSaved ? 0 : 4)
    expect(world.of('struck')).toHaveLength(isSaved ? 0 : 2)
  }
})

test('a worker may finish for its grace and two seconds more, then it is looked at and killed', async () => {
  const world = await booted({ workers: 1, graceMs: 5_000 })
  world.actor.send({ type: 'stop', reason: 'SIGTERM', isQuick: false })
  world.pass(6_999)
  expect(orders(first(world))).toEqual(['drain'])
  world.pass(1)
  expect(orders(first(world))).toEqual(['drain', 'autopsy'])
  first(world).report({ type: 'child.autopsied' })
  expect(orders(first(world))).toEqual(['drain', 'autopsy', 'strike'])
})

test('a quick stop has a grace of one second, counted from when it is asked for', async () => {
  const world = await booted({ workers: 1, graceMs: 60_000 })
  world.actor.send({ type: 'stop', reason: 'SIGTERM', isQuick: false })
  world.pass(10_000)
  world.actor.send({ type: 'stop', reason: 'SIGINT', isQuick: true })
  world.pass(2_999)
  expect(orders(first(world))).toEqual(['drain', 'drain'])
  world.pass(1)
  expect(orders(first(world))).toEqual(['drain', 'drain', 'autopsy'])
})

test('nothing loops hot: a worker that dies at once for ever is started ever more seldom', async () => {
  const world = await booted({ workers: 1 })
  const startedMs = world.clock.now()
  const before = world.spawnedAtMs.length
  while (world.clock.now() - startedMs < 10 * 60_000) {
    for (const child of [...world.played]) world.exit(child, 1, 0)
    world.pass(50)
  }
  const spawned = world.spawnedAtMs.slice(before)
  expect(spawned.filter((atMs) => atMs - startedMs < 1_000).length).toBeLessThanOrEqual(restartsMax + 5)
  // From the last back-off on it is once in 15 to 30 seconds.
  expect(spawned.filter((atMs) => atMs - startedMs >= 60_000).length).toBeLessThanOrEqual((9 * 60) / 15)
  expect(spawned.at(-1)).toBeGreaterThan(startedMs + 9.5 * 60_000 - 30_000)
})

test('after a quiet period deaths are mended at once again', async () => {
  const world = await booted({ workers: 1 })
  for (let count = 0; count <= restartsMax; count++) world.exit(first(world), 1)
  world.pass(periodMs)
  world.ready(first(world))
  world.pass(periodMs)
  world.exit(first(world), 1)
  expect(world.of('starting')).toHaveLength(1)
})

test('an app that takes long to fail its boot is not started without end, once another worker has served', async () => {
  const world = await booted({ workers: 2, bootTimeoutMs: 60_000 })
  const spawnedBefore = world.spawnedAtMs.length
  world.exit(first(world), 1)
  const startedMs = world.clock.now()
  while (world.clock.now() - startedMs < 20 * 60_000) {
    world.pass(11_000)
    for (const child of world.of('starting')) world.exit(child, 1, 0)
  }
  // Ten at once, then with pauses that grow to half a minute: not one every eleven seconds, which would be a hundred.
  expect(world.spawnedAtMs.length - spawnedBefore).toBeLessThan(70)
  expect(world.noted('worker.backoff').length).toBeGreaterThan(10)
})
