/** A pool among threads that do whatever they like, in any order: what must hold at every step, and at rest. */
import fc from 'fast-check'
import { expect, test } from 'vitest'
import { lanesMaxOf } from '../../machines/thread-pool-rules.ts'
import { type Thread, ThreadWorld } from './thread-world.ts'

type Deed = (world: ThreadWorld, thread: Thread | undefined) => void

/** What can happen, to one of the threads or to all. */
const deeds: Readonly<Record<string, Deed>> = {
  loads: (world, thread) => thread?.phase === 'booting' && world.ready(thread),
  fails: (_, thread) => thread?.phase === 'booting' && thread.report({ type: 'thread.failed', problem: 'no database' }),
  dies: (world, thread) => thread && world.exit(thread),
  blocks: (world, thread) => thread && world.actor.send({ type: 'lane.overdue', lane: thread.lane, blockedMs: 30_000 }),
  'is looked at': (_, thread) => thread?.report({ type: 'thread.autopsied' }),
  'is worn': (world, thread) => thread && world.actor.send({ type: 'lane.recycle', lane: thread.lane, reason: 'worn' }),
  'is idle': (world, thread) => thread && world.actor.send({ type: 'lane.idle', lane: thread.lane }),
  drains: (_, thread) => thread?.phase === 'draining' && thread.report({ type: 'thread.drained' }),
  'all load': (world) => world.bootAll(),
  'all go': (world) => world.reap(),
  'requests wait': (world) => world.actor.send({ type: 'pressure', isSaturated: true }),
  'none waits': (world) => world.actor.send({ type: 'pressure', isSaturated: false }),
  'a moment passes': (world) => world.pass(60),
  'seconds pass': (world) => world.pass(3_000),
}

const happening = fc.record({ deed: fc.constantFrom(...Object.keys(deeds)), which: fc.nat(7) })
const runs = Number(process.env['MONOCEROS_RANDOM_RUNS'] ?? 300)

test(
  'whatever its threads do, a pool stays within its bounds, comes to rest whole, and closes',
  () => {
    fc.assert(
      fc.property(
        fc.integer({ min: 1, max: 3 }),
        fc.integer({ min: 0, max: 2 }),
        fc.array(happening, { maxLength: 100, size: 'max' }),
        (min, more, happenings) => {
          const max = min + more
          const world = new ThreadWorld({ min, max }).open()
          for (const { deed, which } of happenings) {
            deeds[deed]?.(world, world.threads[which % Math.max(1, world.threads.length)])
            expect(world.error).toBeNull()
            expect(world.threads.length).toBeLessThanOrEqual(lanesMaxOf(max))
            expect(new Set(world.threads.map(({ lane }) => lane)).size).toBe(world.threads.length)
          }
          const lived = world.startedAtMs.length
          world.settle()
          expect(world.startedAtMs.length - lived).toBeLessThanOrEqual(2 * lanesMaxOf(max))
          expect(world.threads.every(({ phase }) => phase === 'ready')).toBe(true)
          expect(world.threads.length).toBeGreaterThanOrEqual(min)
          expect(world.threads.length).toBeLessThanOrEqual(max)
          expect(world.context.waiting).toBe(0)
          world.actor.send({ type: 'close', reason: 'stop' })
          world.reap()
          world.reap()
          expect([world.state, world.threads, world.said.filter((word) => word === 'closed')]).toEqual(['closed', [], ['closed']])
        },
      ),
      { numRuns: runs },
    )
  },
  30_000 + runs * 100,
)
