/**
 * Who has a request that was put into a slot: it is offered until the thread claims it or the main thread takes it back,
 * whichever comes first. The stamp tells one use of a slot from the next.
 */
const offered = 1
const claimed = 2
const stateBits = 2

export interface Claims {
  offer(slot: number, stamp: number): void
  /** The thread's: false when it was taken back. */
  claim(slot: number, stamp: number): boolean
  /** The main thread's: false when the thread has claimed it. */
  takeBack(slot: number, stamp: number): boolean
  /** Nobody has taken it yet. */
  isOffered(slot: number, stamp: number): boolean
}

/** Stamps are from 0 to 2^29 and then begin again: a record does not lie in a ring for so long. */
export const stampMask = 0x1fff_ffff

export function claimsIn(memory: SharedArrayBuffer): Claims {
  const words = new Int32Array(memory)
  return {
    offer: (slot, stamp) => void Atomics.store(words, slot, (stamp << stateBits) | offered),
    claim: (slot, stamp) => move(words, slot, stamp, claimed),
    takeBack: (slot, stamp) => move(words, slot, stamp, 0),
    isOffered: (slot, stamp) => Atomics.load(words, slot) === ((stamp << stateBits) | offered),
  }
}

function move(words: Int32Array, slot: number, stamp: number, to: number): boolean {
  const from = (stamp << stateBits) | offered
  return Atomics.compareExchange(words, slot, from, (stamp << stateBits) | to) === from
}
