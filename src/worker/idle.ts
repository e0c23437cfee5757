/** When a connection may be closed because it is idle, and not over a request that its client has just sent. */

/** An idle client may be about to send: it is given this long, or its keep-alive if that is shorter. */
const patienceMs = 2_000
/** A turn of the loop longer than this may have left unread what came meanwhile. */
const shortTurnMs = 20

export const idlePatienceMs = (keepaliveMs: number): number => Math.min(patienceMs, keepaliveMs)

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
