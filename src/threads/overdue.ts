/** Finds the requests that keep their thread for too long, and tells a blocked thread from a handler that only waits. */
import type { Exchange } from './exchange.ts'
import type { Lane } from './lane.ts'

export type Overdue =
  /** Its loop stands still: only its end frees it. */
  | { readonly what: 'blocked'; readonly blockedMs: number }
  /** Its loop turns: these requests hang. */
  | { readonly what: 'hung'; readonly exchanges: readonly Exchange[] }

/** A thread stamps ten times a second; one that did so lately turns. */
const turningMs = 600

/**
 * A request is overdue when its handler was waited for, without a sign of life, for `timeoutMs`. While a client does not send
 * its body, or does not read its answer, it is the client that is waited for. A thread may also be blocked by what the app does
 * after its answers: whatever it is given next would wait for it.
 */
export function findOverdue(lane: Lane, timeoutMs: number, nowMs: number): Overdue | null {
  if (timeoutMs === 0) return null
  const begun = lane.held()
  const silentMs = nowMs - lane.vitals.read().stampMs
  const isBlocked = silentMs > turningMs
  const isLate = (exchange: Exchange) => nowMs - exchange.movedMs > timeoutMs && (isBlocked || exchange.isHandlersTurn)
  const late = begun.filter(isLate)
  if (late.length === 0 && !(isBlocked && silentMs > timeoutMs)) return null
  if (isBlocked) return { what: 'blocked', blockedMs: Math.round(silentMs) }
  const hung = late.filter((exchange) => !exchange.isOver)
  return hung.length === 0 ? null : { what: 'hung', exchanges: hung }
}
