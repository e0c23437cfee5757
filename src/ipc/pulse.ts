/**
 * The memory that a worker's main thread shares with its watchdog thread: the loop's stamp, the counters and the
 * requests in flight. Readable whatever the main loop does. One writer (the main thread), one reader.
 */

import { bucketOf, type Durations, durationBuckets } from '../base/durations.ts'
import type { LoopFigures } from './loop-meter.ts'
import type { Counters, RequestInFlight, Tallies } from './messages.ts'

const counterNames = [
  'accepted', 'connections', 'active', 'served', 'aborted', 'status1xx', 'status2xx', 'status3xx', 'status4xx', 'status5xx',
] as const // biome-ignore format: one line reads better
export type CounterName = (typeof counterNames)[number]

/** Offsets in 8-byte words; counters follow, then the start times of the ring. */
const stampWord = 0
const phaseWord = 1
/** How long the loop stood still the last time it stood still for long. */
const gapWord = 2
/** The last figures of the loop. */
const heapWord = 3
const utilizationWord = 4
const lagWord = 5
/** When the job of a worker beat last; 0: no beat is waited for. */
const beatWord = 6
const countersWord = 7
/** How many requests ended with each status; 0: nothing was sent. */
const statusesWord = countersWord + counterNames.length
const statusesMax = 1_000
/** For each class of status, 0 first: the sum of durations and their buckets. */
const durationsWord = statusesWord + statusesMax
const durationWords = 1 + durationBuckets
const statusClasses = 6
/** The same of how long requests waited for a thread. */
const waitsWord = durationsWord + statusClasses * durationWords
const ringWord = waitsWord + durationWords
const ringSlots = 256
const textBytes = 192
const textOffset = (ringWord + ringSlots) * 8

const pulseBytes = textOffset + ringSlots * textBytes

/** What the main thread is at; a blocked loop is told with it. */
export const phases = [
  'starting',
  'importing the app',
  'running onStartup',
  'opening',
  'serving',
  'draining',
  'running onShutdown',
  'in a job that has neither called ctx.ready() nor returned',
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
  /** A sign of life of the job; from the first on the next is waited for, until `unbeat`. */
  beat(): void
  unbeat(): void
  setFigures(figures: LoopFigures): void
  add(counter: CounterName, by: number): void
  get(counter: CounterName): number
  /** Notes and counts a request in flight, begun at `startedMs` of `nowMs()`; returns its place, or -1 when the ring is full (it is then only counted). */
  begin(method: string, url: string, startedMs: number): number
  /** Counts how it ended; status 0: nothing was sent. */
  end(place: number, status: number, isWhole: boolean, tookMs: number): void
  /** Counts that one had to wait for a thread. */
  waited(waitedMs: number): void
}

const wordOf = Object.fromEntries(counterNames.map((name, index) => [name, countersWord + index])) as Record<CounterName, number>
// Every request writes these: a word looked up by its name costs ten times as much as the write.
const { active: activeWord, served: servedWord, aborted: abortedWord, status1xx: statusWord } = wordOf

/** A shorter silence is no gap, only a busy loop. */
const gapMinMs = 500

export function createPulse(): Pulse {
  const memory = new SharedArrayBuffer(pulseBytes)
  const words = new Float64Array(memory, 0, ringWord + ringSlots)
  const bytes = new Uint8Array(memory)
  const free = Array.from({ length: ringSlots }, (_, index) => ringSlots - 1 - index)
  words[stampWord] = nowMs()
  return {
    memory,
    stamp: () => {
      const now = nowMs()
      const gapMs = now - words[stampWord]!
      if (gapMs >= gapMinMs) words[gapWord] = gapMs
      words[stampWord] = now
    },
    setPhase: (phase) => {
      // First: the silence of one phase must not be taken for the next one's.
      words[stampWord] = nowMs()
      if (words[beatWord] !== 0) words[beatWord] = nowMs()
      words[phaseWord] = phases.indexOf(phase)
    },
    beat: () => {
      words[beatWord] = nowMs()
    },
    unbeat: () => {
      words[beatWord] = 0
    },
    setFigures({ heapBytes, utilization, lagMs }) {
      words[heapWord] = heapBytes
      words[utilizationWord] = utilization
      words[lagWord] = lagMs
    },
    add: (counter, by) => {
      words[wordOf[counter]]! += by
    },
    get: (counter) => words[wordOf[counter]] ?? 0,
    begin(method, url, startedMs) {
      words[activeWord]! += 1
      const place = free.pop()
      if (place === undefined) return -1
      const offset = textOffset + place * textBytes
      const start = offset + 1
      let end = writeText(bytes, start, method, textBytes - 2)
      bytes[end++] = space
      end = writeText(bytes, end, url, offset + textBytes - end)
      bytes[offset] = end - start
      words[ringWord + place] = startedMs
      return place
    },
    end(place, status, isWhole, tookMs) {
      words[activeWord]! -= 1
      words[servedWord]! += 1
      if (!isWhole) words[abortedWord]! += 1
      const statusClass = statusClassOf(status)
      if (status !== 0) words[statusWord + statusClass - 1]! += 1
      words[statusesWord + (status < statusesMax ? status : 0)]! += 1
      countDuration(durationsWord + statusClass * durationWords, tookMs)
      if (place === -1) return
      words[ringWord + place] = 0
      free.push(place)
    },
    waited: (waitedMs) => countDuration(waitsWord, waitedMs),
  }

  function countDuration(from: number, durationMs: number): void {
    words[from]! += durationMs
    words[from + 1 + bucketOf(durationMs)]! += 1
  }
}

const space = 0x20

/** From 1 for 1xx; 0: nothing was sent. What is no status counts as 5xx. */
function statusClassOf(status: number): number {
  if (status === 0) return 0
  return status >= 100 && status < 600 ? Math.floor(status / 100) : 5
}

/** By hand, as a call into Node's own write costs twice as much as the bytes of a usual path do. Returns where it ended. */
function writeText(bytes: Uint8Array, from: number, text: string, bytesMax: number): number {
  const length = Math.min(text.length, bytesMax)
  for (let index = 0; index < length; index++) bytes[from + index] = text.charCodeAt(index)
  return from + length
}

export interface PulseReader {
  silentMs(): number
  /** Since the last beat of the job; 0 where none is waited for. */
  unbeatenMs(): number
  /** As the main thread saw it itself, once it went on; the reader’s own looks may come late on a busy machine. */
  lastGapMs(): number
  phase(): Phase
  counters(): Counters
  tallies(): Tallies
  figures(): LoopFigures
  requests(max: number): { readonly list: readonly RequestInFlight[]; readonly oldestMs: number }
}

export function readPulse(memory: SharedArrayBuffer): PulseReader {
  const words = new Float64Array(memory, 0, ringWord + ringSlots)
  const texts = Buffer.from(memory)
  return {
    silentMs: () => nowMs() - (words[stampWord] ?? 0),
    unbeatenMs: () => (words[beatWord] === 0 ? 0 : nowMs() - (words[beatWord] ?? 0)),
    lastGapMs: () => words[gapWord] ?? 0,
    phase: () => phases[words[phaseWord] ?? 0] ?? 'starting',
    counters: () => Object.fromEntries(counterNames.map((name, index) => [name, words[countersWord + index] ?? 0])) as unknown as Counters,
    figures: () => ({ heapBytes: words[heapWord] ?? 0, utilization: words[utilizationWord] ?? 0, lagMs: words[lagWord] ?? 0 }),
    tallies() {
      const statuses: Record<string, number> = {}
      for (let status = 0; status < statusesMax; status++) {
        const count = words[statusesWord + status]!
        if (count > 0) statuses[status] = count
      }
      const durations: Record<string, Durations> = {}
      for (let statusClass = 0; statusClass < statusClasses; statusClass++) {
        const counted = durationsAt(durationsWord + statusClass * durationWords)
        if (counted !== null) durations[`${statusClass}xx`] = counted
      }
      const waits = durationsAt(waitsWord)
      return { statuses, durations, ...(waits === null ? {} : { waits }) }
    },
    requests(max) {
      const now = nowMs()
      const found: RequestInFlight[] = []
      for (let place = 0; place < ringSlots; place++) {
        const startedMs = words[ringWord + place] ?? 0
        if (startedMs === 0) continue
        const offset = textOffset + place * textBytes
        const text = texts.toString('latin1', offset + 1, offset + 1 + (texts[offset] ?? 0))
        const space = text.indexOf(' ')
        // The query stays out of the log: it is where tokens and names are.
        const path = text.slice(space + 1).split('?', 1)[0] ?? ''
        found.push({ method: text.slice(0, space), path, ageMs: Math.round(now - startedMs) })
      }
      found.sort((a, b) => b.ageMs - a.ageMs)
      return { list: found.slice(0, max), oldestMs: found[0]?.ageMs ?? 0 }
    },
  }

  /** Null: there were none. */
  function durationsAt(from: number): Durations | null {
    const buckets = Array.from(words.subarray(from + 1, from + durationWords))
    return buckets.some((count) => count > 0) ? { sumMs: Math.round(words[from]! * 1_000) / 1_000, buckets } : null
  }
}
