/**
 * What runs in the thread of a dirty app, readable while it is blocked. Its thread writes it; the main thread reads it, and
 * may close it, so that a thread that is to be ended for one call has begun no other by then.
 */

export interface CallAtWork {
  readonly lease: string
  /** Its number on the connection that it came by. */
  readonly call: number
  readonly action: string
  readonly startedMs: number
  /** When its time is up; 0 = never. */
  readonly deadlineMs: number
}

export interface DirtyPage {
  /** False when it was closed: the call must not be begun. */
  begin(call: CallAtWork): boolean
  end(): void
  /** Null when it is idle. */
  read(): CallAtWork | null
  /** No call is begun after this one, which still runs; false when it is over. */
  close(call: CallAtWork): boolean
  /** Whether a call has been begun, or was passed over. Leases of one place are numbered in the order in which they are given. */
  hasBegun(lease: string, call: number): boolean
  /** Calls that have ended. */
  done(): number
}

const turnBytes = 8
const leaseWord = 0
const startedWord = 1
const deadlineWord = 2
const doneWord = 3
const lastLeaseWord = 4
const callWord = 5
const words = 6
const textBytes = 160
/** Instead of the number of the turn, which is odd while a call runs. */
const closed = -1

export const createDirtyPage = () => new SharedArrayBuffer(turnBytes + words * 8 + textBytes)

/** Leases are numbers in words: 0 is none. */
export function dirtyPageIn(memory: SharedArrayBuffer): DirtyPage {
  const turn = new Int32Array(memory, 0, 1)
  const page = new Float64Array(memory, turnBytes, words)
  const text = new Uint8Array(memory, turnBytes + words * 8)

  function readOnce(): CallAtWork | null {
    const lease = page[leaseWord]!
    if (lease === 0) return null
    const action = Buffer.from(text.slice(1, 1 + text[0]!)).toString('latin1')
    return { lease: String(lease), call: page[callWord]!, action, startedMs: page[startedWord]!, deadlineMs: page[deadlineWord]! }
  }

  return {
    begin({ lease, call, action, startedMs, deadlineMs }) {
      const last = Atomics.load(turn, 0)
      // It is closed only while a call runs, so not between here and the end of this function.
      if (last === closed) return false
      const length = Math.min(action.length, textBytes - 1)
      for (let index = 0; index < length; index++) text[index + 1] = action.charCodeAt(index)
      text[0] = length
      page[startedWord] = startedMs
      page[deadlineWord] = deadlineMs
      page[callWord] = call
      page[lastLeaseWord] = Number(lease)
      page[leaseWord] = Number(lease)
      Atomics.store(turn, 0, (last + 1) & 0x7fff_ffff)
      return true
    },
    end() {
      const present = Atomics.load(turn, 0)
      page[leaseWord] = 0
      page[doneWord]! += 1
      // Closed meanwhile, it stays so.
      Atomics.compareExchange(turn, 0, present, present === closed ? closed : (present + 1) & 0x7fff_ffff)
    },
    read() {
      for (;;) {
        const before = Atomics.load(turn, 0)
        if (before !== closed && before % 2 === 0) return null
        const call = readOnce()
        if (Atomics.load(turn, 0) === before) return call
      }
    },
    close(call) {
      const present = Atomics.load(turn, 0)
      if (present === closed || present % 2 === 0) return false
      const now = readOnce()
      if (now === null || now.lease !== call.lease || now.call !== call.call) return false
      return Atomics.compareExchange(turn, 0, present, closed) === present
    },
    hasBegun(lease, call) {
      const last = page[lastLeaseWord]!
      return last > Number(lease) || (last === Number(lease) && page[callWord]! >= call)
    },
    done: () => page[doneWord]!,
  }
}
