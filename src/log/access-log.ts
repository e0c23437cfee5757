import type { AccessEntry } from './access-atoms.ts'
import { compileAccessFormat } from './access-format.ts'
import { type OnProblem, Sink } from './sink.ts'

export type { AccessEntry } from './access-atoms.ts'
export { checkAccessFormat, compileAccessFormat, defaultAccessFormat } from './access-format.ts'

export interface AccessLogOptions {
  /** `-` is stdout; null: nowhere but to `hear`. */
  readonly destination: string | null
  /** A format of Gunicorn's atoms, or `json`. */
  readonly format: string
  /** Hears that the log cannot be written, or that lines were lost: give it the error log's `event`. */
  readonly onProblem: OnProblem
  /** Hears each line too, without its newline. */
  readonly hear?: ((line: string) => void) | null
}

export interface AccessLog {
  write(entry: AccessEntry): void
  /** Opens the file again by its name, after a rotation; stdout stays. */
  reopen(): void
  /** For exit paths: waits until all lines are written, at most `boxMs` (500). */
  flush(boxMs?: number): Promise<void>
  /** For exit paths that cannot wait; blocks for at most 200 ms. */
  flushSync(): void
  readonly dropped: number
}

const gatherBytes = 32_768
const gatherMs = 250

/** The access log of this process. Never throws, never stops the loop; lines are gathered for up to 250 ms. */
export function createAccessLog({ destination, format, onProblem, hear = null }: AccessLogOptions): AccessLog {
  const sink = destination === null ? null : new Sink({ destination, usual: 1, gatherBytes, gatherMs, onProblem })
  let lost = 0
  const lineOf = compileAccessFormat(format)
  // What a client sends is escaped to ASCII. To count the bytes of a line costs nearly as much as to write it.
  const isAscii = Buffer.byteLength(format) === format.length
  return {
    write(entry) {
      try {
        const line = lineOf(entry)
        sink?.write(`${line}\n`, isAscii ? line.length + 1 : undefined)
        hear?.(line)
      } catch {
        lost++ // a request that cannot be described costs its line, never its process
      }
    },
    reopen: () => sink?.reopen(),
    flush: (boxMs) => sink?.flush(boxMs) ?? Promise.resolve(),
    flushSync: () => sink?.flushSync(),
    get dropped() {
      return lost + (sink?.dropped ?? 0)
    },
  }
}
