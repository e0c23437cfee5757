/** The worker's chart with its effects. */
import { fromPromise } from 'xstate'
import { type BootFailure, type Drain, workerMachine } from '../../../machines/worker.ts'
import { MonocerosError, problemOf } from '../../base/errors.ts'
import { slotName } from '../../base/slot-name.ts'
import { readPulse } from '../../ipc/pulse.ts'
import type { EventName } from '../../log/events.ts'
import { setTitle } from '../../os/title.ts'
import { shutdownPatienceMs } from '../../worker/drain.ts'
import { guarded } from '../guarded.ts'
import type { Program } from './worker-program.ts'
import type { WorkerScope } from './worker-scope.ts'
import type { Traffic } from './worker-traffic.ts'
import { watchOwnWear } from './worker-wear.ts'

/** How a worker finishes what it has. */
export interface Leaving {
  leave(order: Drain): void
  hasten(order: Drain): void
  drained(): ReturnType<Traffic['drained']>
}

export function workerChart(scope: WorkerScope, traffic: Leaving, program: Program) {
  const { log, pulse, channel } = scope
  let leftMs = 0
  return workerMachine.provide({
    actors: {
      load: fromPromise(program.load),
      startUp: fromPromise(program.startUp),
      open: fromPromise(program.open),
      finish: fromPromise(async () => {
        const drained = await traffic.drained()
        const reader = readPulse(pulse.memory)
        channel.send({ type: 'drained', ...drained, counters: reader.counters(), tallies: reader.tallies() })
      }),
      shutDown: fromPromise(({ input: order }) => program.shutDown(shutdownPatienceMs(order, performance.now() - leftMs))),
    },
    actions: guarded(scope, {
      note: (_, { event, facts }) => log.event(event as EventName, facts),
      tellReady() {
        pulse.setPhase('serving')
        showPhase(scope, null)
        channel.send({ type: 'ready', readyMs: Math.round(performance.now()) })
        if (scope.role === 'worker') watchOwnWear(scope)
      },
      tellFailed: (_, failure) => tellFailed(scope, failure),
      leaveAcceptSet({ context }) {
        // Stop accepting before telling the arbiter: it may spawn our successor at once, and both would accept.
        traffic.leave(context.drain)
        leftMs = performance.now()
        if (context.drain.isQuick) program.interrupt()
        pulse.setPhase('draining')
        showPhase(scope, 'draining')
        const { failure } = context
        channel.send({ type: 'draining', problem: failure === null ? null : problemOf(failure.error) })
      },
      hasten(_, order) {
        traffic.hasten(order)
        if (order.isQuick) program.interrupt()
      },
    }),
  })
}

export function showPhase({ boot, role, who, apps }: WorkerScope, phase: string | null): void {
  const what = boot.dirty === undefined ? boot.name : apps.join(',')
  setTitle(`monoceros: ${role} [${what}] ${slotName(who.slot)}${phase === null ? '' : ` (${phase})`}`)
}

function tellFailed({ channel }: WorkerScope, { error, exitCode }: BootFailure): void {
  const named = error instanceof MonocerosError ? error : new MonocerosError('MON_BOOT_FAILED', { problem: problemOf(error) }, error)
  channel.send({ type: 'failed', exitCode, error: named.toData() })
}
