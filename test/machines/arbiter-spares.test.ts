/** Spares: workers that stand by in slots below 0, and take the place of one that leaves. */
import { expect, test } from 'vitest'
import { restartsMax } from '../../machines/restart-window.ts'
import { type Played, World, type WorldOptions } from './world.ts'

const places = (world: World) => world.played.map(({ input, phase }) => `${input.slot}:${input.age} ${phase}`)
const at = (world: World, slot: number): Played => world.played.find(({ input, phase }) => input.slot === slot && phase !== 'draining')!
const spent = (world: World, child: Played) => world.actor.send({ type: 'worker.spent', age: child.input.age })
const die = (world: World, child: Played) => world.exit(child, 1)

async function booted(options: WorldOptions = {}): Promise<World> {
  const world = await new World({ workers: 2, spares: 1, ...options }).boot()
  for (const child of world.of('starting')) world.ready(child)
  return world
}

test('spares boot when the workers are ready, so that they hold up nobody', async () => {
  const world = new World({ workers: 2, spares: 2 })
  await world.prepare()
  await world.bind()
  expect(places(world)).toEqual(['0:1 starting', '1:2 starting'])
  for (const child of world.of('starting')) world.ready(child)
  expect(places(world)).toEqual(['0:1 ready', '1:2 ready', '-1:3 starting', '-2:4 starting'])
})

test('a worker that dies is followed by the spare at once, and the spare by a boot', async () => {
  const world = await booted()
  die(world, at(world, 1))
  expect(places(world)).toEqual(['0:1 ready', '1:3 ready', '-1:4 starting'])
})

test('a spent worker is told to go at once, with a spare ready or not, and that is no death', async () => {
  const world = await booted()
  spent(world, at(world, 0))
  expect(places(world)).toEqual(['0:1 draining', '1:2 ready', '0:3 ready', '-1:4 starting'])
  spent(world, at(world, 1))
  expect(places(world)).toEqual(['0:1 draining', '1:2 draining', '0:3 ready', '1:4 starting', '-1:5 starting'])
  for (const child of world.of('draining')) world.exit(child)
  expect(world.context.window.atMs).toEqual([])
})

test('a worker that asks to be recycled has the spare for its successor, and goes when that one is ready', async () => {
  const world = await booted()
  at(world, 0).report({ type: 'child.recycle', reason: 'worn', served: 9 })
  expect(places(world)).toEqual(['0:1 draining', '1:2 ready', '0:3 ready', '-1:4 starting'])
  at(world, 1).report({ type: 'child.recycle', reason: 'worn', served: 9 })
  // The spare has not got ready yet.
  expect(places(world)).toEqual(['0:1 draining', '1:2 ready', '0:3 ready', '1:4 starting', '-1:5 starting'])
  world.ready(world.of('starting', 1)[0]!)
  expect(places(world)).toEqual(['0:1 draining', '1:2 draining', '0:3 ready', '1:4 ready', '-1:5 starting'])
})

test('a crash loop has the spare at once, and boots wait for their back-off', async () => {
  const world = await booted({ workers: 1 })
  for (let death = 0; death < restartsMax; death++) {
    die(world, at(world, 0))
    for (const child of world.of('starting')) world.ready(child)
  }
  die(world, at(world, 0))
  expect(places(world)).toEqual(['0:12 ready'])
  expect(world.context.refills).toEqual([-1])
  // And without one it is the worker's slot that waits.
  die(world, at(world, 0))
  expect(places(world)).toEqual([])
  expect(world.context.refills).toEqual([-1, 0])
  world.pass(30_000)
  for (const child of world.of('starting')) world.ready(child)
  expect(world.played.map(({ input }) => input.slot).sort()).toEqual([-1, 0])
})

test('a spare that dies, or cannot boot, meets the restart policy, and the workers serve on', async () => {
  const world = await booted({ workers: 1 })
  for (let death = 0; death < restartsMax; death++) die(world, at(world, -1))
  expect(world.context.refills).toEqual([])
  die(world, at(world, -1))
  expect(places(world)).toEqual(['0:1 ready'])
  expect(world.context.refills).toEqual([-1])
  world.pass(30_000)
  expect(world.played.map(({ input }) => input.slot)).toEqual([0, -1])
})

test('one worker more is the spare; one fewer leaves the spares as they are', async () => {
  const world = await booted()
  world.actor.send({ type: 'scale', by: 1 })
  expect(places(world)).toEqual(['0:1 ready', '1:2 ready', '2:3 ready', '-1:4 starting'])
  world.ready(at(world, -1))
  world.actor.send({ type: 'scale', by: -1 })
  expect(places(world)).toEqual(['0:1 ready', '1:2 ready', '2:3 draining', '-1:4 ready'])
})

test('a reload has spares of its own, once it is committed; a rollback keeps the old ones', async () => {
  const world = await booted({ workers: 1 })
  world.actor.send({ type: 'reload' })
  await world.load({ ok: true, candidate: world.candidate(1) })
  expect(places(world)).toEqual(['0:1 ready', '-1:2 ready', '0:3 starting'])
  // A worker of the old generation is followed by a spare of its own.
  die(world, world.of('ready', 0)[0]!)
  expect(places(world)).toEqual(['0:2 ready', '0:3 starting', '-1:4 starting'])
  die(world, world.of('starting', 0)[0]!)
  expect(world.saidOf('announceRollback')).toHaveLength(1)
  expect(places(world)).toEqual(['0:2 ready', '-1:4 starting'])
  world.ready(at(world, -1))

  world.actor.send({ type: 'reload' })
  await world.load({ ok: true, candidate: world.candidate(1) })
  world.ready(world.of('starting')[0]!)
  expect(places(world)).toEqual(['0:2 draining', '-1:4 draining', '0:5 ready', '-1:6 starting'])
})

test('a stop ends spares like all others', async () => {
  const world = await booted()
  world.actor.send({ type: 'stop', reason: 'SIGTERM', isQuick: false })
  expect(places(world)).toEqual(['0:1 draining', '1:2 draining', '-1:3 draining'])
  for (const child of [...world.played]) world.exit(child)
  expect(world.actor.getSnapshot().value).toBe('stopped')
})
