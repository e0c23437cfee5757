/**
 * OTP's restart intensity with a back-off behind it: up to `restartsMax` restarts within `periodMs` are immediate, then
 * each further one waits from 100 ms, doubling to 30 s. A quiet period forgives everything.
 */
export interface RestartWindow {
  readonly atMs: readonly number[]
  readonly backoffs: number
  readonly quietFromMs: number
}

export const restartsMax = 10
export const periodMs = 10_000
export const backoffFromMs = 100
export const backoffToMs = 30_000

export const freshWindow: RestartWindow = { atMs: [], backoffs: 0, quietFromMs: 0 }

/** Counts one restart at `atMs`; `dice` (0…1) is its jitter. `delayMs` is how long to wait before it. */
export function countRestart(window: RestartWindow, atMs: number, dice: number): { window: RestartWindow; delayMs: number } {
  const isForgiven = atMs - window.quietFromMs > periodMs
  const recent = window.atMs.filter((past) => atMs - past < periodMs)
  const backoffs = isForgiven ? 0 : window.backoffs
  if (backoffs === 0 && recent.length < restartsMax) {
    return { window: { atMs: [...recent, atMs], backoffs: 0, quietFromMs: atMs }, delayMs: 0 }
  }
  const fullMs = Math.min(backoffToMs, backoffFromMs * 2 ** backoffs)
  const delayMs = Math.round(fullMs * (0.5 + dice / 2))
  return { window: { atMs: [...recent, atMs], backoffs: Math.min(backoffs + 1, 20), quietFromMs: atMs + delayMs }, delayMs }
}
