/** The charts of the dirty arbiter with their effects: an arbiter's life without listeners, its workers' calls brokered. */
import { fromCallback, fromPromise } from 'xstate'
import { arbiterMachine, type LoadAnswer } from '../../../machines/arbiter.ts'
import { type ChildOrder, type HandleInput, workerHandleMachine } from '../../../machines/worker-handle.ts'
import { supervise } from '../../arbiter/supervision.ts'
import { removeLeftSockets } from '../../dirty-arbiter/left-sockets.ts'
import type { EventName } from '../../log/events.ts'
import { giveTo } from '../../os/runtime-folder.ts'
import { findIdentity } from '../../os/user.ts'
import type { Death } from '../../wire/kinds.ts'
import { childTold } from '../child-told.ts'
import { guarded } from '../guarded.ts'
import { appsOf, dirtySupervisionHost, expectWorkers, promote, retirePlaces } from './dirty-arbiter-children.ts'
import type { AppSpecs } from './dirty-arbiter-generations.ts'
import type { DirtyScope } from './dirty-arbiter-scope.ts'

export function dirtyArbiterChart(scope: DirtyScope, workerPath: string) {
  const handles = workerHandleMachine.provide({
    actors: {
      childProcess: fromCallback<ChildOrder, HandleInput>(({ input, receive, sendBack }) => {
        const supervision = supervise(input, dirtySupervisionHost(scope, workerPath), sendBack)
        const { slot, age, generation } = input
        const apps = appsOf(scope, generation, slot)
        scope.children.set(age, {
          ...{ generation, slot, spawnSlot: slot, supervision, apps, pid: 0 },
          ...{ places: new Map(), isReady: false, hasFailed: false },
        })
        expectWorkers(scope)
        receive((order) => {
          // First: no call is sent to a worker that has begun to leave.
          if (order.type === 'drain') retirePlaces(scope, age)
          supervision.obey(order)
          // After it: from here on the supervision knows the slot.
          if (order.type === 'promote') promote(scope, age, order.slot)
        })
      }),
    },
    actions: guarded(scope, {
      note({ context }, { event, facts }) {
        const { slot, age, generation, pid } = context
        const told = childTold('dirty-worker', context, event)
        if (told !== null) scope.channel.send({ type: 'child', told })
        scope.log.child({ slot, age, gen: generation }).event(event as EventName, { childPid: pid, ...facts })
        const { how, exitCode, signal } = facts as Partial<Death>
        if (pid !== null && how !== undefined && exitCode !== undefined && signal !== undefined)
          scope.deaths.tell(pid, { how, exitCode, signal })
      },
    }),
  })
  return arbiterMachine.provide({
    actors: {
      prepare: fromPromise(() => openBroker(scope)),
      loadConfig: fromPromise<LoadAnswer>(async () => loadNext(scope)),
      workerHandle: handles,
    },
    actions: guarded(scope, {
      note: (_, { event, facts }) => scope.log.event(event as EventName, facts),
      letGo: (_, { age }) => scope.roster.letGo(age),
      announceReady() {
        scope.showPhase(null)
        scope.pulse.setPhase('serving')
        scope.channel.send({ type: 'ready', readyMs: Math.round(performance.now()) })
      },
      announceScale(_, { from, to }) {
        scope.workersWanted = to
        scope.log.event('arbiter.scaled', { from, to })
      },
      announceCommit(_, { generation, workers }) {
        scope.generations.commit(generation)
        scope.level = null
        scope.log.setLevel(scope.generations.current.settings.loglevel)
        scope.workersWanted = workers
        allowCalls(scope, scope.generations.current.apps)
        scope.log.event('reload.done', { generation })
        scope.channel.send({ type: 'reloaded', reload: scope.generations.current.reload, problem: null })
      },
      announceRollback(_, { problem }) {
        const reload = scope.generations.candidate?.reload
        scope.generations.rollBack()
        allowCalls(scope, scope.generations.current.apps)
        scope.log.event('reload.rolled-back', { problem })
        if (reload !== undefined) scope.channel.send({ type: 'reloaded', reload, problem })
      },
    }),
  })
}

async function openBroker({ server, settings, socketPath, folder }: DirtyScope): Promise<void> {
  // Those of a pool whose dirty arbiter was killed, and its workers with it.
  void removeLeftSockets(folder)
  await server.listen()
  giveTo(findIdentity(settings.user, settings.group, 'settings'), socketPath)
}

export function allowCalls({ server }: DirtyScope, apps: AppSpecs): void {
  server.broker.setApps(apps.map(({ name }) => name))
}

function loadNext(scope: DirtyScope): LoadAnswer {
  const next = scope.generations.take()
  if (next === null) return { ok: false, problem: 'there is nothing new' }
  // Until it is committed there are callers of both.
  const both = new Map([...scope.generations.current.apps, ...next.apps].map((app) => [app.name, app]))
  allowCalls(scope, [...both.values()])
  return { ok: true, candidate: { ...next.facts, opens: [], closes: [] } }
}
