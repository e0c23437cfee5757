/** The arbiter's chart of its dirty arbiter with its effects. */
import { fromCallback } from 'xstate'
import { keeperMachine } from '../../../machines/keeper.ts'
import { type ChildOrder, type HandleEvent, type HandleInput, workerHandleMachine } from '../../../machines/worker-handle.ts'
import type { ChildTold } from '../../ipc/child-news.ts'
import type { Log } from '../../log/error-log.ts'
import type { EventName } from '../../log/events.ts'
import { childTold } from '../child-told.ts'
import { guarded } from '../guarded.ts'

export interface KeeperHost {
  supervise(input: HandleInput, report: (event: HandleEvent) => void): { obey(order: ChildOrder): void }
  onReady(): void
  /** What its process tells those who look from outside; null: nothing. */
  onChild(told: ChildTold | null): void
  /** The first dirty arbiter did not get ready. */
  onFailed(problem: string): void
  onStopped(): void
}

/** What the chart of a child notes, told of a dirty arbiter. */
export const dirtyEvents = {
  'worker.ready': 'dirty.ready',
  // None stands by.
  'worker.promoted': 'dirty.ready',
  'worker.boot-failed': 'dirty.boot-failed',
  'worker.boot-timeout': 'dirty.boot-timeout',
  'worker.recycle': 'dirty.recycle',
  'worker.draining': 'dirty.draining',
  'worker.drained': 'dirty.drained',
  'worker.grace-over': 'dirty.grace-over',
  'worker.timeout': 'dirty.timeout',
  // It has no job, and gives no beats of one.
  'worker.hung': 'dirty.timeout',
  'worker.frozen': 'dirty.frozen',
  'worker.gone': 'dirty.gone',
  'worker.died': 'dirty.died',
} as const satisfies Readonly<Record<string, EventName>>

export function keeperChart(scope: { readonly log: Log }, host: KeeperHost) {
  const handle = workerHandleMachine.provide({
    actors: {
      childProcess: fromCallback<ChildOrder, HandleInput>(({ input, receive, sendBack }) => {
        const supervision = host.supervise(input, sendBack)
        receive((order) => supervision.obey(order))
      }),
    },
    actions: guarded(scope, {
      note({ context }, { event, facts }) {
        scope.log.event(dirtyEvents[event as keyof typeof dirtyEvents], { childPid: context.pid, ...facts })
        host.onChild(childTold('dirty-arbiter', context, event))
      },
    }),
  })
  return keeperMachine.provide({
    actors: { handle },
    actions: guarded(scope, {
      note: (_, { event, facts }) => scope.log.event(event as EventName, { ...facts }),
      tellReady: () => host.onReady(),
      tellFailed: (_, { problem }) => host.onFailed(problem),
      tellStopped: () => host.onStopped(),
    }),
  })
}
