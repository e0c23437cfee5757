// The other end of what a test does with the memory that two threads share, in a thread of its own.
import { parentPort, workerData } from 'node:worker_threads'
import { createJiti } from 'jiti'

const jiti = createJiti(import.meta.url)
const deeds = {
  async hammer(end) {
    const { hammer } = await jiti.import('./traffic.ts')
    return hammer(end)
  },
  /** Claims from the first slot to the last, each round anew. */
  async claim({ memory, rounds, slots, turn, won }) {
    const { claimsIn } = await jiti.import('../../../src/lanes/claims.ts')
    const claims = claimsIn(memory)
    for (let round = 1; round <= rounds; round++) {
      Atomics.wait(turn, 0, round - 1)
      for (let slot = 0; slot < slots; slot++) if (claims.claim(slot, round)) won[(round - 1) * slots + slot] = 1
      Atomics.store(turn, 1, round)
      Atomics.notify(turn, 1)
    }
  },
}

parentPort.postMessage(await deeds[workerData.deed](workerData.given))
