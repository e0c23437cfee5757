/** Why a worker may have to be replaced although it does its work: what it weighs, and how long it has been at it. */

export interface WearLimits {
  /** Resident set size; 0: no limit. */
  readonly memoryMaxBytes: number
  /** From when it is ready; 0: no limit. */
  readonly lifetimeMs: number
}

export interface WearHost {
  residentBytes(): number
  /** It is worn: asked for a successor, for this reason. */
  recycle(reason: string): void
  /** It is over its limit from the start: a successor would be, too, and there would be no end to it. */
  onHopeless(memoryBytes: number): void
}

const lookMs = 1_000
/** Node fires a timer that is longer than this at once. */
const timerMaxMs = 2 ** 31 - 1
const mibBytes = 2 ** 20

/** Called when the worker is ready. Looks until it has found a reason; nothing of it holds the loop. */
export function watchWear({ memoryMaxBytes, lifetimeMs }: WearLimits, host: WearHost): void {
  if (lifetimeMs > 0) {
    const reason = `ready for ${Math.round(lifetimeMs) / 1_000} s`
    setTimeout(host.recycle, Math.min(lifetimeMs, timerMaxMs), reason).unref()
  }
  if (memoryMaxBytes === 0) return
  const firstBytes = host.residentBytes()
  if (firstBytes > memoryMaxBytes) {
    host.onHopeless(firstBytes)
    return
  }
  const timer = setInterval(() => {
    const bytes = host.residentBytes()
    if (bytes <= memoryMaxBytes) return
    clearInterval(timer)
    host.recycle(`${Math.ceil(bytes / mibBytes)} MiB of memory, over its limit of ${memoryMaxBytes / mibBytes}`)
  }, lookMs).unref()
}
