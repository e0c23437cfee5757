/** The chart of a sidecar with its effects. */
import { fromCallback } from 'xstate'
import { type SidecarEvent, type SidecarOrder, sidecarMachine } from '../../../machines/sidecar.ts'
import type { Log } from '../../log/error-log.ts'
import type { EventName } from '../../log/events.ts'
import { guarded } from '../guarded.ts'

export interface SidecarHost {
  supervise(report: (event: SidecarEvent) => void): { obey(order: SidecarOrder): void }
  onReady(): void
  onFailed(problem: string): void
  onStopped(): void
}

export function sidecarChart(scope: { readonly log: Log }, host: SidecarHost) {
  return sidecarMachine.provide({
    actors: {
      command: fromCallback<SidecarOrder, { name: string; age: number }>(({ receive, sendBack }) => {
        const supervision = host.supervise(sendBack)
        receive((order) => supervision.obey(order))
      }),
    },
    actions: guarded(scope, {
      note({ context: { name, age, pid } }, { event, facts }) {
        scope.log.child({ age }).event(event as EventName, { sidecar: name, childPid: pid, ...facts })
      },
      tellReady: () => host.onReady(),
      tellFailed: (_, { problem }) => host.onFailed(problem),
      tellStopped: () => host.onStopped(),
    }),
  })
}
