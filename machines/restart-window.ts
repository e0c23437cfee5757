/**
 * OTP's restart intensity with a back-off behind it: up to `restartsMax` restarts within `periodMs` are immediate, then
 * each further one waits from 100 ms, doubling to 30 s. A quiet period forgives everything; time that went into boots
 * which failed was not quiet, or an app that takes its time to fail would be started without end.
 */
export interface RestartWindow {
  /** The last restarts, as many as may be immediate. */
  readonly atMs: readonly number[]
  readonly backoffs: number
  readonly quietFromMs: number
  /** Boots that have failed since a worker last got ready. */
  readonly failedBoots: number
}

/** An end of a worker that nobody asked for. `dice` (0…1) is the jitter of what follows. */
export interface Death {
  readonly atMs: number
  readonly dice: number
  readonly wasReady: boolean
}

export const restartsMax = 10
export const periodMs = 10_000
export const backoffFromMs = 100
export const backoffToMs = 30_000

export const freshWindow: RestartWindow = { atMs: [], backoffs: 0, quietFromMs: 0, failedBoots: 0 }

/** Counts one restart; `delayMs` is how long to wait before it. */
export function countRestart(window: RestartWindow, { atMs, dice, wasReady }: Death): { window: RestartWindow; delayMs: number } {
  const failedBoots = wasReady ? window.failedBoots : Math.min(window.failedBoots + 1, restartsMax + 1)
  const isForgiven = atMs - window.quietFromMs > periodMs && (wasReady || failedBoots === 1)
  const isRecent = (past: number, index: number) => atMs - past < periodMs || (!wasReady && window.atMs.length - index < failedBoots)
  const recent = window.atMs.filter(isRecent).length
  const backoffs = isForgiven ? 0 : window.backoffs
  const counted = { atMs: [...window.atMs, atMs].slice(-restartsMax), failedBoots }
  if (backoffs === 0 && recent < restartsMax) return { window: { ...counted, backoffs: 0, quietFromMs: atMs }, delayMs: 0 }
  const fullMs = Math.min(backoffToMs, backoffFromMs * 2 ** backoffs)
  const delayMs = Math.round(fullMs * (0.5 + dice / 2))
  return { window: { ...counted, backoffs: Math.min(backoffs + 1, 20), quietFromMs: atMs + delayMs }, delayMs }
}
