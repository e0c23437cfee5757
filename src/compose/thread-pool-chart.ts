/** The charts of a worker's threads with their effects. */
import { fromCallback } from 'xstate'
import { type LaneEvent, type LaneInput, type LaneOrder, laneMachine } from '../../machines/lane.ts'
import { threadPoolMachine } from '../../machines/thread-pool.ts'
import type { Log } from '../log/error-log.ts'
import type { EventName } from '../log/events.ts'
import { guarded } from './guarded.ts'

export interface PoolHost {
  /** Starts the thread behind a lane. */
  startLane(input: LaneInput, report: (event: LaneEvent) => void): { obey(order: LaneOrder): void; forget(): void }
  onOpen(): void
  onCannotOpen(problem: string): void
  onClosed(): void
  wantSuccessor(reason: string): void
}

export function threadPoolChart(scope: { readonly log: Log }, host: PoolHost) {
  const lane = laneMachine.provide({
    actors: {
      thread: fromCallback<LaneOrder, LaneInput>(({ input, receive, sendBack }) => {
        const life = host.startLane(input, sendBack)
        receive((order) => life.obey(order))
        return life.forget
      }),
    },
    actions: guarded(scope, {
      note: ({ context }, { event, facts }) => scope.log.event(event as EventName, { thread: context.lane, ...facts }),
    }),
  })
  return threadPoolMachine.provide({
    actors: { lane },
    actions: guarded(scope, {
      note: (_, { event, facts }) => scope.log.event(event as EventName, { ...facts }),
      tellOpen: () => host.onOpen(),
      tellFailed: (_, { problem }) => host.onCannotOpen(problem),
      tellClosed: () => host.onClosed(),
      wantSuccessor: (_, { reason }) => host.wantSuccessor(reason),
    }),
  })
}
