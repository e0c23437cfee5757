/** One end of a lane that is hammered: it sends its records as fast as it can, and holds what comes against what should. */
import type { MessagePort } from 'node:worker_threads'
import { type Line, openLine } from '../../../src/lanes/line.ts'

export interface End {
  readonly outgoing: SharedArrayBuffer
  readonly incoming: SharedArrayBuffer
  readonly bell: MessagePort
  readonly freight: MessagePort
  /** What this end sends follows from it, and what comes from the other's. */
  readonly seed: number
  readonly otherSeed: number
  readonly count: number
}

export interface Verdict {
  readonly received: number
  readonly problems: readonly string[]
}

const heldMaxBytes = 4 * 2 ** 20

/** A small generator, the same on both ends. */
function numbers(seed: number): () => number {
  let state = seed
  return () => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0
    return state
  }
}

interface Expected {
  readonly kind: number
  readonly form: 'none' | 'bytes' | 'latin1' | 'utf8'
  readonly payload: Buffer
  /** Its payload is not asked for. */
  readonly isIgnored: boolean
}

function* sequence(seed: number): Generator<Expected, never> {
  const next = numbers(seed)
  for (;;) {
    const dice = next() >>> 8
    const form = (['none', 'bytes', 'latin1', 'utf8'] as const)[dice % 4]!
    // Most are short; some fit the ring only just, and some go by freight.
    const size = [0, 40, 700, 16_384, 16_385, 50_000][(dice >>> 4) % 24] ?? (dice >>> 4) % 900
    const fill = (dice >>> 2) & 0x3f
    const text = form === 'utf8' ? 'ä€' : String.fromCharCode(0x80 + fill)
    const payload =
      form === 'none' ? Buffer.alloc(0) : form === 'bytes' ? Buffer.alloc(size, fill) : Buffer.from(text.repeat(size / 4), form)
    yield { kind: 1 + (dice % 100), form, payload, isIgnored: dice % 11 === 0 }
  }
}

/** Settles when as many records have come as were to come. */
export async function hammer({ outgoing, incoming, bell, freight, seed, otherSeed, count }: End): Promise<Verdict> {
  const problems: string[] = []
  let received = 0
  const awaited = sequence(otherSeed)
  let resolve!: () => void
  const whenAllCame = new Promise<void>((done) => {
    resolve = done
  })
  const line: Line = openLine({
    outgoing,
    incoming,
    bell,
    freight,
    onRecord(record) {
      const { kind, form, payload, isIgnored } = awaited.next().value
      const index = received++
      const isHeadRight =
        record.kind === kind && record.slot === index % 4_096 && record.stamp === index && record.a === -index && record.b === ~index
      if (!isHeadRight) problems.push(`record ${index} came as ${JSON.stringify(record)}`)
      else if (!isIgnored) {
        const isText = form === 'latin1' || form === 'utf8'
        const bytes = isText ? Buffer.from(line.textOf(record), 'latin1') : line.bytesOf(record)
        if (!bytes.equals(payload)) problems.push(`the payload of record ${index} (${form}, ${payload.length} bytes) changed`)
      }
      if (received === count) resolve()
    },
  })

  const pace = numbers(seed ^ 0x5555)
  let index = 0
  for (const { kind, form, payload } of sequence(seed)) {
    if (index === count) break
    const words = [kind, index % 4_096, index, -index, ~index] as const
    if (form === 'none') line.send(...words)
    else if (form === 'bytes') line.sendBytes(...words, payload)
    else line.sendText(...words, payload.toString(form), form)
    index++
    // Bursts of all lengths; within one nothing is read, as in a handler that blocks.
    if ((pace() >>> 8) % 24 === 0) {
      line.ring()
      do await new Promise(setImmediate)
      while (line.heldBytes > heldMaxBytes)
    }
  }
  line.ring()
  await whenAllCame
  return { received, problems: problems.slice(0, 5) }
}
