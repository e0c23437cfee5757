import type { RequestInFlight } from '../ipc/messages.ts'
import type { PulseReader } from '../ipc/pulse.ts'

const sweepMs = 1_000

/** Tells once of each request that has become older than the limit. */
export function watchSlowRequests(pulse: PulseReader, limitMs: number, tell: (request: RequestInFlight) => void): void {
  if (limitMs === 0) return
  let sweptMs = performance.now()
  setInterval(() => {
    const now = performance.now()
    const sinceMs = now - sweptMs
    sweptMs = now
    // It crossed the limit since the last sweep: later sweeps find it older than that.
    for (const request of pulse.requests(256).list) if (request.ageMs > limitMs && request.ageMs - limitMs <= sinceMs) tell(request)
  }, sweepMs).unref()
}
