import type { ReloadOutcome } from './arbiter-news.ts'
import type { ArbiterActor, ArbiterScope } from './arbiter-scope.ts'

/** Settles with the outcome of the reload under way, or of the next: of whichever ends first. */
export function reloadOutcome(scope: ArbiterScope): Promise<ReloadOutcome> {
  return new Promise((resolve) => {
    const settle = (outcome: ReloadOutcome) => {
      scope.reloadWaiters.delete(settle)
      watching?.unsubscribe()
      resolve(outcome)
    }
    scope.reloadWaiters.add(settle)
    const watching = (scope.actor as ArbiterActor | null)?.subscribe((snapshot) => {
      if (snapshot.hasTag('ends')) settle({ ok: false, problem: 'the server was told to stop' })
    })
  })
}
