/**
 * The memory that a worker's main thread shares with its watchdog thread: the loop's stamp, the counters and the
 * requests in flight. Readable whatever the main loop does. One writer (the main thread), one reader.
 */
import type { Counters, RequestInFlight } from './messages.ts'

const counterNames = [
  'accepted', 'connections', 'active', 'served', 'aborted', 'status1xx', 'status2xx', 'status3xx', 'status4xx', 'status5xx',
] as const // biome-ignore format: one line reads better
export type CounterName = (typeof counterNames)[number]

/** Offsets in 8-byte words; counters follow, then the start times of the ring. */
const stampWord = 0
const phaseWord = 1
const countersWord = 2
const ringWord = countersWord + counterNames.length
const ringSlots = 256
const textBytes = 192
const textOffset = (ringWord + ringSlots) * 8

export const pulseBytes = textOffset + ringSlots * textBytes

/** What the main thread is at; a blocked loop is told with it. */
export const phases = [
  'starting',
  'importing the app',
  'running onStartup',
  'opening',
  'serving',
  'draining',
  'running onShutdown',
] as const
export type Phase = (typeof phases)[number]

/** Milliseconds of a clock that all threads of a process share. */
export const nowMs = (): number => {
  const [seconds, nanoseconds] = process.hrtime()
  return seconds * 1_000 + nanoseconds / 1e6
}

export interface Pulse {
  readonly memory: SharedArrayBuffer
  stamp(): void
  setPhase(phase: Phase): void
  add(counter: CounterName, by: number): void
  get(counter: CounterName): number
  /** Notes a request in flight and returns its place, or -1 when the ring is full (it is then only counted). */
  begin(method: string, url: string): number
  end(place: number): void
}

export function createPulse(): Pulse {
  const memory = new SharedArrayBuffer(pulseBytes)
  const words = new Float64Array(memory, 0, ringWord + ringSlots)
  const texts = Buffer.from(memory)
  const free = Array.from({ length: ringSlots }, (_, index) => ringSlots - 1 - index)
  const indexOf = Object.fromEntries(counterNames.map((name, index) => [name, countersWord + index])) as Record<CounterName, number>
  words[stampWord] = nowMs()
  return {
    memory,
    stamp: () => {
      words[stampWord] = nowMs()
    },
    setPhase: (phase) => {
      // First: the silence of one phase must not be taken for the next one's.
      words[stampWord] = nowMs()
      words[phaseWord] = phases.indexOf(phase)
    },
    add: (counter, by) => {
      words[indexOf[counter]]! += by
    },
    get: (counter) => words[indexOf[counter]] ?? 0,
    begin(method, url) {
      const place = free.pop()
      if (place === undefined) return -1
      const offset = textOffset + place * textBytes
      const length = texts.write(`${method} ${url}`, offset + 2, textBytes - 2, 'latin1')
      texts.writeUInt16LE(length, offset)
      words[ringWord + place] = nowMs()
      return place
    },
    end(place) {
      if (place === -1) return
      words[ringWord + place] = 0
      free.push(place)
    },
  }
}

export interface PulseReader {
  silentMs(): number
  phase(): Phase
  counters(): Counters
  requests(max: number): { readonly list: readonly RequestInFlight[]; readonly oldestMs: number }
}

export function readPulse(memory: SharedArrayBuffer): PulseReader {
  const words = new Float64Array(memory, 0, ringWord + ringSlots)
  const texts = Buffer.from(memory)
  return {
    silentMs: () => nowMs() - (words[stampWord] ?? 0),
    phase: () => phases[words[phaseWord] ?? 0] ?? 'starting',
    counters: () => Object.fromEntries(counterNames.map((name, index) => [name, words[countersWord + index] ?? 0])) as unknown as Counters,
    requests(max) {
      const now = nowMs()
      const found: RequestInFlight[] = []
      for (let place = 0; place < ringSlots; place++) {
        const startedMs = words[ringWord + place] ?? 0
        if (startedMs === 0) continue
        const offset = textOffset + place * textBytes
        const text = texts.toString('latin1', offset + 2, offset + 2 + texts.readUInt16LE(offset))
        const space = text.indexOf(' ')
        // The query stays out of the log: it is where tokens and names are.
        const path = text.slice(space + 1).split('?', 1)[0] ?? ''
        found.push({ method: text.slice(0, space), path, ageMs: Math.round(now - startedMs) })
      }
      found.sort((a, b) => b.ageMs - a.ageMs)
      return { list: found.slice(0, max), oldestMs: found[0]?.ageMs ?? 0 }
    },
  }
}
