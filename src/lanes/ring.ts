/**
 * A one-way channel of records in shared memory: one thread writes, one reads, neither waits. What is written can be read at
 * once, even when the writer blocks in its next step; a message of a port would lie in the batch until that step is over.
 */

const headWord = 0
const tailWord = 1
/** 1 while the reader waits to be rung. */
const sleepingWord = 2
/** 1 while the writer waits for room. */
const crampedWord = 3
const controlBytes = 64

/** Words before the payload: whole length, kind and slot, payload length, stamp, and two numbers whose meaning is the kind's. */
const headerBytes = 24

export interface Record {
  kind: number
  slot: number
  /** Which use of the slot it is about. */
  stamp: number
  a: number
  b: number
  /** Where the payload lies in the ring's bytes; valid until the next read. */
  offset: number
  length: number
}

export interface RingWriter {
  /** Places for a payload of at most `bytesMax`, or -1 when there is no room; then nothing may be committed. */
  reserve(bytesMax: number): number
  commit(kind: number, slot: number, stamp: number, a: number, b: number, length: number): void
  readonly bytes: Buffer
  /** True once after the reader has gone to sleep: it must be rung. */
  takeSleeper(): boolean
  /** The reader has not come to the end of what was written. */
  readonly isUnread: boolean
  /** Asks to be told when something has been read. */
  wantRoom(): void
}

export interface RingReader {
  /** False: nothing to read; the record is left as it is. */
  next(record: Record): boolean
  readonly bytes: Buffer
  /** Says that it waits to be rung; false when something came meanwhile, and it is not asleep. */
  sleep(): boolean
  /** It will read without being rung: the writer saves the bell. */
  stayAwake(): void
  /** True once when the writer waits for room. */
  takeCramped(): boolean
}

/** Memory of a ring of `capacity` bytes, a power of two. */
export function createRing(capacity: number): SharedArrayBuffer {
  const memory = new SharedArrayBuffer(controlBytes + capacity)
  new Int32Array(memory, 0, 4)[sleepingWord] = 1
  return memory
}

const align = (bytes: number) => (bytes + 7) & ~7

export function writeRing(memory: SharedArrayBuffer): RingWriter {
  const control = new Int32Array(memory, 0, 4)
  const capacity = memory.byteLength - controlBytes
  const words = new Int32Array(memory, controlBytes)
  const bytes = Buffer.from(memory, controlBytes)
  /** Positions count bytes and wrap at 2^32; only their differences and their places in the ring mean something. */
  let tail = 0
  let at = 0
  return {
    bytes,
    reserve(bytesMax) {
      const need = headerBytes + align(bytesMax)
      const used = (tail - Atomics.load(control, headWord)) | 0
      at = tail & (capacity - 1)
      const toEnd = capacity - at
      if (toEnd >= need) return capacity - used >= need ? at + headerBytes : -1
      // A record is never split: the rest up to the end is skipped.
      if (capacity - used < toEnd + need) return -1
      words[at >> 2] = -1
      tail = (tail + toEnd) | 0
      at = 0
      return headerBytes
    },
    commit(kind, slot, stamp, a, b, length) {
      const word = at >> 2
      const whole = headerBytes + align(length)
      words[word] = whole
      words[word + 1] = kind | (slot << 8)
      words[word + 2] = length
      words[word + 3] = stamp
      words[word + 4] = a
      words[word + 5] = b
      tail = (tail + whole) | 0
      Atomics.store(control, tailWord, tail)
    },
    takeSleeper: () => Atomics.load(control, sleepingWord) === 1 && Atomics.exchange(control, sleepingWord, 0) === 1,
    get isUnread() {
      return Atomics.load(control, headWord) !== tail
    },
    wantRoom: () => void Atomics.store(control, crampedWord, 1),
  }
}

export function readRing(memory: SharedArrayBuffer): RingReader {
  const control = new Int32Array(memory, 0, 4)
  const capacity = memory.byteLength - controlBytes
  const words = new Int32Array(memory, controlBytes)
  let head = 0
  /** Of the record last given out: its place is freed by the next read, when its payload has been used. */
  let held = 0
  return {
    bytes: Buffer.from(memory, controlBytes),
    next(record) {
      if (held !== 0) {
        head = (head + held) | 0
        held = 0
        Atomics.store(control, headWord, head)
      }
      const tail = Atomics.load(control, tailWord)
      if (head === tail) return false
      let at = head & (capacity - 1)
      if (words[at >> 2] === -1) {
        head = (head + capacity - at) | 0
        at = 0
      }
      const word = at >> 2
      const kindAndSlot = words[word + 1]!
      held = words[word]!
      record.kind = kindAndSlot & 0xff
      record.slot = kindAndSlot >>> 8
      record.length = words[word + 2]!
      record.stamp = words[word + 3]!
      record.a = words[word + 4]!
      record.b = words[word + 5]!
      record.offset = at + headerBytes
      return true
    },
    sleep() {
      Atomics.store(control, sleepingWord, 1)
      if (Atomics.load(control, tailWord) === head) return true
      // Written between our last look and now: unless the writer saw us asleep, and rings, we go on.
      return Atomics.exchange(control, sleepingWord, 0) === 0
    },
    stayAwake: () => void Atomics.store(control, sleepingWord, 0),
    takeCramped: () => Atomics.load(control, crampedWord) === 1 && Atomics.exchange(control, crampedWord, 0) === 1,
  }
}
