/** The arbiter's charts with their effects: the only place where both meet. */
import { isatty } from 'node:tty'
import { fromCallback, fromPromise } from 'xstate'
import { arbiterMachine, type LoadAnswer } from '../../../machines/arbiter.ts'
import { listenerMachine } from '../../../machines/listener.ts'
import { type ChildOrder, type HandleInput, workerHandleMachine } from '../../../machines/worker-handle.ts'
import { supervise } from '../../arbiter/supervision.ts'
import { MonocerosError } from '../../base/errors.ts'
import type { EventName } from '../../log/events.ts'
import { childTold } from '../child-told.ts'
import { guarded } from '../guarded.ts'
import type { ArbiterEntry } from './arbiter.ts'
import { supervisionHost } from './arbiter-children.ts'
import { prepare, readCandidate, settleDirty } from './arbiter-generations.ts'
import { tellChild } from './arbiter-news.ts'
import { settleRemotes } from './arbiter-remotes.ts'
import type { ArbiterScope } from './arbiter-scope.ts'
import { causeBehind } from './causes.ts'

export function arbiterChart(scope: ArbiterScope, entry: ArbiterEntry, actor: Parameters<typeof supervisionHost>[2]) {
  const { listeners } = scope
  const handles = workerHandleMachine.provide({
    actors: {
      childProcess: fromCallback<ChildOrder, HandleInput>(({ input, receive, sendBack }) => {
        const supervision = supervise(input, supervisionHost(scope, entry, actor), (event) =>
          scope.recorder.because(causeBehind(scope, event, input), () => sendBack(event)),
        )
        receive((order) => supervision.obey(order))
      }),
    },
    actions: guarded(scope, {
      note({ context }, { event, facts }) {
        const { slot, age, generation, pid } = context
        scope.log.child({ slot, age, gen: generation }).event(event as EventName, { childPid: pid, ...facts })
        const told = childTold('worker', context, event)
        if (told?.what === 'ended') scope.counts.end(told.child.cause)
        tellChild(scope.news, told)
      },
    }),
  })
  const listener = listenerMachine.provide({
    actors: { bind: fromPromise(({ input }) => listeners.bind(input.id, input.tries)) },
    actions: guarded(scope, {
      note: (_, { event, facts }) => scope.log.event(event as EventName, facts),
      release: (_, { id }) => listeners.release(id),
    }),
  })
  return arbiterMachine.provide({
    actors: {
      prepare: fromPromise(({ signal }) => told(scope, prepare(scope, entry, signal))),
      loadConfig: fromPromise<LoadAnswer>(({ signal }) => readCandidate(scope, entry, signal)),
      workerHandle: handles,
      listener,
    },
    actions: guarded(scope, {
      note: (_, { event, facts }) => scope.log.event(event as EventName, facts),
      letGo: (_, { age }) => scope.roster.letGo(age),
      announceReady: ({ context }) => {
        const addresses = scope.addresses()
        scope.log.event('arbiter.ready', { workers: context.target, address: addresses.join(' ') || 'no address', ...hint(scope) })
        scope.news.tell('ready', { workers: context.target, addresses })
        void scope.runHook('whenReady')
      },
      announceScale: (_, { from, to }) => {
        scope.log.event('arbiter.scaled', { from, to })
        scope.workersWanted = to
        void scope.runHook('nworkersChanged', to, from)
      },
      announceCommit(_, { generation, workers }) {
        scope.commit(generation, workers)
        settleDirty(scope)
        scope.sidecars?.settle('reload')
        void settleRemotes(scope)
      },
      announceRollback(_, { problem }) {
        scope.rollBack(problem)
        settleDirty(scope)
        scope.sidecars?.settle('rollback')
      },
    }),
  })
}

/** Who waits for the start learns what kept it, and not only the sentence. */
async function told<T>({ news }: ArbiterScope, work: Promise<T>): Promise<T> {
  try {
    return await work
  } catch (error) {
    if (error instanceof MonocerosError) news.tell('boot:failed', error.toData())
    throw error
  }
}

/** For who sits before it; a service manager knows the signals. */
function hint({ host }: ArbiterScope): { advice?: string } {
  if (!host.ownsProcess || !isatty(2)) return {}
  return { advice: `Ctrl-C stops it; kill -HUP ${process.pid} reloads app and configuration, and loses no request` }
}
