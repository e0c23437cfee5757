/** How long calls wait in the queues of the broker, which knows no clock: of each app, those that had to wait at all. */
import { bucketOf, type Durations, durationBuckets } from '../base/durations.ts'
import type { Asker } from './broker.ts'

export interface Waits {
  /** Runs `ask`; who is answered in it has not waited. */
  asked(asker: Asker, app: string, ask: () => void): void
  /** It has a lease, or does not want one any more, or cannot have one. */
  answered(asker: Asker): void
  lost(client: number): void
  of(app: string): Durations | null
}

export function createWaits(nowMs: () => number): Waits {
  const waiting = new Map<string, { readonly client: number; readonly app: string; readonly sinceMs: number }>()
  const counted = new Map<string, { sumMs: number; readonly buckets: number[] }>()
  let present: string | null = null
  const nameOf = ({ client, call }: Asker) => `${client}/${call}`

  return {
    asked(asker, app, ask) {
      present = nameOf(asker)
      ask()
      // Still so: nobody has answered.
      if (present !== null) waiting.set(present, { client: asker.client, app, sinceMs: nowMs() })
      present = null
    },
    answered(asker) {
      const name = nameOf(asker)
      if (present === name) present = null
      const one = waiting.get(name)
      if (one === undefined) return
      waiting.delete(name)
      const tookMs = nowMs() - one.sinceMs
      const of = counted.get(one.app) ?? { sumMs: 0, buckets: Array.from({ length: durationBuckets }, () => 0) }
      counted.set(one.app, of)
      of.sumMs += tookMs
      of.buckets[bucketOf(tookMs)]! += 1
    },
    lost(client) {
      for (const [name, one] of waiting) if (one.client === client) waiting.delete(name)
    },
    of: (app) => counted.get(app) ?? null,
  }
}
