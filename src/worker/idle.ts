/** When a connection may be closed because it is idle, and not over a request that its client has just sent. */

/** How long a client may be silent that has had its answer, and one whose request is still to come. */
export interface Patience {
  readonly keptMs: number
  readonly unheardMs: number
}

const patienceMs = 2_000
/** A turn of the loop longer than this may have left unread what came meanwhile. */
const shortTurnMs = 20

/** A connection whose keep-alive is short, or is none, has that for an answered client only: a new one must be heard first. */
export const patienceFor = (keepaliveMs: number): Patience => ({ keptMs: Math.min(patienceMs, keepaliveMs), unheardMs: patienceMs })
export const noPatience: Patience = { keptMs: 0, unheardMs: 0 }

/**
 * Calls `look` again and again, and says whether everything that has come was read just before. Timers run before sockets
 * are read: after a blocked turn a connection would be closed over the request it has waiting.
 *
 * @returns a function that ends it
 */
export function keepLooking(everyMs: number, look: (isAllRead: boolean) => void): () => void {
  let isOver = false
  const timer = setInterval(() => {
    const firedMs = performance.now()
    setImmediate(() => {
      if (!isOver) look(performance.now() - firedMs < shortTurnMs)
    })
  }, everyMs)
  return () => {
    isOver = true
    clearInterval(timer)
  }
}
