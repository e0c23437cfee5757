/**
 * Cuts what a sidecar prints into lines for the log, and gives out only so many a second: one that floods is read all the
 * same, so that it is never held up, and what is too much is counted instead of kept.
 */
import { StringDecoder } from 'node:string_decoder'

export type OutputStream = 'stdout' | 'stderr'

export interface Output {
  take(stream: OutputStream, chunk: Buffer): void
  /** What came last, for whoever asks why it ended. */
  lastLines(): string[]
  /** Its streams have ended: what has no line end yet is a line too. */
  end(): void
}

export interface OutputOptions {
  onLine(stream: OutputStream, line: string): void
  onDropped(count: number): void
  /** Every line, those included that are not given out. */
  onSeen(line: string): void
  /** While somebody waits for a line, all of them are read. */
  isAwaited(): boolean
  readonly linesPerSecondMax?: number
  now?(): number
}

const lineMax = 8_192
const lastMax = 5
const lastLineMax = 300
const tellAfterMs = 1_000
const newline = 0x0a

export function createOutput({ onLine, onDropped, onSeen, isAwaited, linesPerSecondMax = 500, now = Date.now }: OutputOptions): Output {
  /** What was left out of reached into a line. */
  const onCut = () => drop(1)
  const streams = { stdout: createPart(onCut), stderr: createPart(onCut) }
  let last: string[] = []
  let second = 0
  let told = 0
  let dropped = 0
  let timer: NodeJS.Timeout | undefined

  function turnSecond(): void {
    const present = Math.floor(now() / 1_000)
    if (present !== second) told = 0
    second = present
  }

  function drop(count: number): void {
    dropped += count
    timer ??= setTimeout(tellDropped, tellAfterMs).unref()
  }

  function tellDropped(): void {
    clearTimeout(timer)
    timer = undefined
    if (dropped === 0) return
    const count = dropped
    dropped = 0
    onDropped(count)
  }

  function tell(stream: OutputStream, line: string): void {
    if (line.trim() === '') return
    onSeen(line)
    last = [...last, line.slice(0, lastLineMax)].slice(-lastMax)
    if (told >= linesPerSecondMax) {
      drop(1)
      return
    }
    told++
    onLine(stream, line)
  }

  return {
    take(stream, chunk) {
      turnSecond()
      const at = streams[stream]
      // Beyond what is told this second nobody reads the lines but who waits for one: they are only counted.
      if (told >= linesPerSecondMax && !isAwaited()) {
        drop(countLines(chunk))
        at.skip(chunk)
        return
      }
      const lines = at.read(chunk).split('\n')
      at.rest = lines.pop() ?? ''
      for (const line of lines) for (const piece of pieces(line)) tell(stream, piece)
      while (at.rest.length >= lineMax) {
        tell(stream, at.rest.slice(0, lineMax))
        at.rest = at.rest.slice(lineMax)
      }
    },
    lastLines: () => last,
    end() {
      for (const stream of ['stdout', 'stderr'] as const) {
        const rest = streams[stream].read(Buffer.alloc(0))
        streams[stream].rest = ''
        if (rest !== '') tell(stream, rest)
      }
      tellDropped()
    },
  }
}

/** One stream, which may stand within a line, or within a character. */
function createPart(onCut: () => void) {
  let decoder = new StringDecoder('utf8')
  let isInSkipped = false
  const part = {
    rest: '',
    read(chunk: Buffer): string {
      const from = isInSkipped ? chunk.indexOf(newline) + 1 : 0
      if (isInSkipped && from === 0) return ''
      if (isInSkipped) onCut()
      isInSkipped = false
      return part.rest + decoder.write(from === 0 ? chunk : chunk.subarray(from))
    },
    skip(chunk: Buffer): void {
      part.rest = ''
      decoder = new StringDecoder('utf8')
      isInSkipped = chunk.at(-1) !== newline
    },
  }
  return part
}

function pieces(line: string): string[] {
  const whole = line.endsWith('\r') ? line.slice(0, -1) : line
  if (whole.length <= lineMax) return [whole]
  return Array.from({ length: Math.ceil(whole.length / lineMax) }, (_, at) => whole.slice(at * lineMax, (at + 1) * lineMax))
}

function countLines(chunk: Buffer): number {
  let count = 0
  for (let at = chunk.indexOf(newline); at !== -1; at = chunk.indexOf(newline, at + 1)) count++
  return count
}
