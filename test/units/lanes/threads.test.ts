/** Memory that two real threads share, hammered from both sides. */
import { once } from 'node:events'
import { MessageChannel, type Transferable, Worker } from 'node:worker_threads'
import { describe, expect, onTestFinished, test } from 'vitest'
import { claimsIn, stampMask } from '../../../src/lanes/claims.ts'
import { createRing } from '../../../src/lanes/ring.ts'
import { hammer, type Verdict } from './traffic.ts'

function peer<Answer>(deed: string, given: object, transferList: Transferable[] = []): Promise<Answer> {
  const worker = new Worker(new URL('./peer.mjs', import.meta.url), { workerData: { deed, given }, transferList })
  onTestFinished(async () => void (await worker.terminate()))
  return once(worker, 'message').then(([answer]) => answer as Answer)
}

describe('a lane', () => {
  test.each([1, 2])(
    'loses, repeats and changes nothing while both of its ends send at once, in the ring and by freight (%i)',
    async (seed) => {
      const [down, up] = [createRing(64 * 1_024), createRing(64 * 1_024)]
      const [bell, freight] = [new MessageChannel(), new MessageChannel()]
      const [mine, other, count] = [seed * 7_919, seed * 104_729, 4_000]
      const there = peer<Verdict>(
        'hammer',
        { outgoing: up, incoming: down, bell: bell.port2, freight: freight.port2, seed: other, otherSeed: mine, count },
        [bell.port2, freight.port2],
      )
      const here = await hammer({
        outgoing: down,
        incoming: up,
        bell: bell.port1,
        freight: freight.port1,
        seed: mine,
        otherSeed: other,
        count,
      })
      expect(here).toEqual({ received: count, problems: [] })
      expect(await there).toEqual({ received: count, problems: [] })
      bell.port1.close()
      freight.port1.close()
    },
  )
})

describe('a claim', () => {
  test('of a slot is won by exactly one of two threads that try at the same time', async () => {
    const [rounds, slots] = [100, 16_384]
    const memory = new SharedArrayBuffer(slots * 4)
    const turn = new Int32Array(new SharedArrayBuffer(8))
    const won = new Uint8Array(new SharedArrayBuffer(rounds * slots))
    const claims = claimsIn(memory)
    const done = peer('claim', { memory, rounds, slots, turn, won })
    const taken: string[] = []
    for (let round = 1; round <= rounds; round++) {
      for (let slot = 0; slot < slots; slot++) claims.offer(slot, round)
      Atomics.store(turn, 0, round)
      Atomics.notify(turn, 0)
      // In the same order: whoever is behind finds all taken and catches up, and from then on both try for the same slot.
      const mine = new Uint8Array(slots)
      for (let slot = 0; slot < slots; slot++) if (claims.takeBack(slot, round)) mine[slot] = 1
      Atomics.wait(turn, 1, round - 1)
      for (let slot = 0; slot < slots; slot++) {
        const owners = won[(round - 1) * slots + slot]! + mine[slot]!
        if (owners !== 1) taken.push(`slot ${slot} of round ${round} has ${owners} owners`)
      }
    }
    await done
    expect(taken).toEqual([])
  })

  test('is for one use of the slot: neither an earlier nor a later one counts, up to the last stamp', () => {
    const claims = claimsIn(new SharedArrayBuffer(8))
    for (const stamp of [1, 2, 77, stampMask]) {
      claims.offer(1, stamp)
      expect([claims.claim(1, stamp - 1), claims.takeBack(1, (stamp + 1) & stampMask)]).toEqual([false, false])
      expect(claims.claim(0, stamp)).toBe(false)
      expect([claims.claim(1, stamp), claims.claim(1, stamp), claims.takeBack(1, stamp)]).toEqual([true, false, false])
      claims.offer(1, stamp)
      expect([claims.takeBack(1, stamp), claims.takeBack(1, stamp), claims.claim(1, stamp)]).toEqual([true, false, false])
    }
  })
})
