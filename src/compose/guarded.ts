import { problemOf } from '../base/errors.ts'
import type { Log } from '../log/error-log.ts'

/** An action that throws would end its chart for good, and with it what the chart cares for: it is told instead. */
export function guarded<Actions extends object>(from: { readonly log: Log }, actions: Actions): Actions {
  const safe = Object.entries(actions).map(([name, act]) => {
    const guardedAct = (...args: unknown[]): void => {
      try {
        act(...args)
      } catch (error) {
        from.log.event('chart.failed', { problem: `${name}: ${problemOf(error)}` }, error)
      }
    }
    return [name, guardedAct]
  })
  return Object.fromEntries(safe) as Actions
}
