/** The arbiter's charts alone, their children played: what many recycles and reloads leave behind in them. */

import { type Played, World } from '../../test/machines/world.ts'
import { collectGarbage } from './garbage.ts'

export interface ChartsLeft {
  /** Actors that the arbiter has. */
  readonly children: number
  /** Delayed transitions that wait. */
  readonly timers: number
  readonly rows: number
}

export interface ChartsSoak {
  readonly recycles: number
  readonly reloads: number
  readonly before: ChartsLeft
  readonly after: ChartsLeft
  /** From the middle to the end of the recycles, and over the reloads. */
  readonly heapGrowthKiB: number
}

const workers = 4

function heapKiB(): number {
  collectGarbage()
  return Math.round(process.memoryUsage().heapUsed / 1_024)
}

export async function soakCharts(recycles: number, reloads: number): Promise<ChartsSoak> {
  const world = await new World({ workers }).boot()
  const before = leftIn(world)
  const recycleSome = (count: number) => {
    for (let n = 0; n < count; n++) recycle(world, world.of('ready')[0] as Played)
  }
  await reload(world)
  recycleSome(Math.floor(recycles / 2))
  const warmKiB = heapKiB()
  recycleSome(Math.ceil(recycles / 2))
  for (let n = 1; n < reloads; n++) await reload(world)
  return { recycles, reloads, before, after: leftIn(world), heapGrowthKiB: heapKiB() - warmKiB }
}

function recycle(world: World, elder: Played): void {
  elder.report({ type: 'child.recycle', reason: 'soak', served: 1 })
  for (const successor of world.of('starting')) world.ready(successor)
  finish(world)
}

async function reload(world: World): Promise<void> {
  world.actor.send({ type: 'reload' })
  await world.load({ ok: true, candidate: world.candidate(workers) })
  for (let child = world.of('starting')[0]; child !== undefined; child = world.of('starting')[0]) world.ready(child)
  finish(world)
}

/** Those that were told to drain end, and what the world remembers is forgotten. */
function finish(world: World): void {
  for (const child of world.of('draining')) world.exit(child)
  world.pass(50)
  for (const memory of [world.notes, world.said, world.spawnedAtMs] as unknown[][]) memory.length = 0
}

function leftIn(world: World): ChartsLeft {
  const { timeouts } = world.clock as unknown as { timeouts: Map<unknown, unknown> }
  return {
    children: Object.keys(world.actor.getSnapshot().children).length,
    timers: timeouts.size,
    rows: Object.keys(world.context.workers).length,
  }
}
