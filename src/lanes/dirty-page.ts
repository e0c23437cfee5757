/** What runs in the thread of a dirty app, readable while it is blocked. One writer (the thread), one reader (its main thread). */

export interface CallAtWork {
  readonly lease: string
  readonly action: string
  readonly startedMs: number
  /** When its time is up; 0 = never. */
  readonly deadlineMs: number
}

export interface DirtyPage {
  begin(call: CallAtWork): void
  end(): void
  /** Null when it is idle. */
  read(): CallAtWork | null
  /** Calls that have ended. */
  done(): number
}

const leaseWord = 0
const startedWord = 1
const deadlineWord = 2
const doneWord = 3
const words = 4
const textBytes = 160

export const createDirtyPage = () => new SharedArrayBuffer(words * 8 + textBytes)

/** Leases are numbers in words: 0 is none. */
export function dirtyPageIn(memory: SharedArrayBuffer): DirtyPage {
  const page = new Float64Array(memory, 0, words)
  const text = new Uint8Array(memory, words * 8)
  return {
    begin({ lease, action, startedMs, deadlineMs }) {
      const length = Math.min(action.length, textBytes - 1)
      for (let index = 0; index < length; index++) text[index + 1] = action.charCodeAt(index)
      text[0] = length
      page[startedWord] = startedMs
      page[deadlineWord] = deadlineMs
      page[leaseWord] = Number(lease)
    },
    end() {
      page[leaseWord] = 0
      page[doneWord]! += 1
    },
    read() {
      const lease = page[leaseWord]!
      if (lease === 0) return null
      const action = Buffer.from(text.slice(1, 1 + text[0]!)).toString('latin1')
      return { lease: String(lease), action, startedMs: page[startedWord]!, deadlineMs: page[deadlineWord]! }
    },
    done: () => page[doneWord]!,
  }
}
