/** Whether the server should be given traffic, as /ready answers it. */
import { periodMs } from '../../../machines/restart-window.ts'
import type { ArbiterScope } from '../arbiter/arbiter-scope.ts'

export interface Readiness {
  readonly isReady: boolean
  readonly status: 'ready' | 'booting' | 'too-few-workers' | 'stopping'
  readonly ready: number
  /** As many workers as `min_ready` says, but never more than are wanted: a server scaled down stays ready. */
  readonly needed: number
  readonly wanted: number
  /** Slots that wait until they are filled again: too many workers died one after the other. */
  readonly backoffs: number
  /** They have died so often that they are no longer refilled at once, and there has been no quiet time since. */
  readonly isCrashing: boolean
}

export function readinessOf(scope: ArbiterScope): Readiness {
  const chart = scope.actor?.getSnapshot()
  const wanted = scope.workersWanted
  const needed = Math.min(scope.current.config.settings.minReady, Math.max(1, wanted))
  const ready = Object.values(chart?.context.workers ?? {}).filter(({ phase }) => phase === 'ready').length
  const backoffs = chart?.context.refills.length ?? 0
  const isStopping = chart?.hasTag('ends') === true
  const isReady = !isStopping && ready >= needed
  const status = isReady ? 'ready' : isStopping ? 'stopping' : scope.isServing() ? 'too-few-workers' : 'booting'
  return { isReady, status, ready, needed, wanted, backoffs, isCrashing: backoffs > 0 || isUnquiet(scope) }
}

function isUnquiet({ actor }: ArbiterScope): boolean {
  const window = actor?.getSnapshot().context.window
  return window !== undefined && window.backoffs > 0 && performance.now() - window.quietFromMs <= periodMs
}
