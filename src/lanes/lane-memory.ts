/** The memory that a worker's main thread shares with one of its threads, whichever of the two is blocked. */
import { createRing } from './ring.ts'

const ringBytes = 256 * 1024

export interface LaneMemory {
  /** From the main thread to the thread. */
  readonly down: SharedArrayBuffer
  readonly up: SharedArrayBuffer
  /** One word for each slot: who has the request in it (see `claims.ts`). */
  readonly claims: SharedArrayBuffer
  readonly vitals: SharedArrayBuffer
}

export function createLaneMemory(slots: number): LaneMemory {
  return {
    down: createRing(ringBytes),
    up: createRing(ringBytes),
    claims: new SharedArrayBuffer(slots * 4),
    vitals: new SharedArrayBuffer(8 * 8),
  }
}

/** What a thread tells of itself, readable while it is blocked. Heap figures are of V8's old generation, in bytes. */
export interface Vitals {
  readonly stampMs: number
  readonly heapBytes: number
  readonly heapMaxBytes: number
}

export interface VitalsPage {
  stamp(nowMs: number): void
  setHeap(usedBytes: number, maxBytes: number): void
  read(): Vitals
}

export function vitalsIn(memory: SharedArrayBuffer): VitalsPage {
  const words = new Float64Array(memory)
  return {
    stamp: (nowMs) => {
      words[0] = nowMs
    },
    setHeap(usedBytes, maxBytes) {
      words[1] = usedBytes
      words[2] = maxBytes
    },
    read: () => ({ stampMs: words[0]!, heapBytes: words[1]!, heapMaxBytes: words[2]! }),
  }
}
