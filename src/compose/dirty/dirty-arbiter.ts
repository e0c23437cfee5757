/** The whole life inside the dirty arbiter, in order: it keeps the dirty workers, and says who may call which. */
import { rmSync } from 'node:fs'
import { type ActorRefFrom, createActor } from 'xstate'
import type { arbiterMachine } from '../../../machines/arbiter.ts'
import { problemOf } from '../../base/errors.ts'
import type { Settings } from '../../config/settings.ts'
import { channelToArbiter } from '../../ipc/channel.ts'
import type { OrderToWorker } from '../../ipc/messages.ts'
import type { Level } from '../../log/level.ts'
import type { Signal } from '../../os/signals.ts'
import { beatFd } from '../../os/spawn.ts'
import { startVitals } from '../../worker/vitals.ts'
import { askForBoot } from '../ask-for-boot.ts'
import { openRemotes } from '../remotes.ts'
import { allowCalls, dirtyArbiterChart } from './dirty-arbiter-chart.ts'
import { answerPool, passOn, scaleDown, tellOfPool } from './dirty-arbiter-pool.ts'
import { createDirtyScope, type DirtyScope } from './dirty-arbiter-scope.ts'

export interface DirtyArbiterEntry {
  readonly workerPath: string
  readonly watchdogUrl: URL
  onSignal(listener: (signal: Signal) => void): void
}

export type DirtyArbiterActor = ActorRefFrom<typeof arbiterMachine>

export async function runDirtyArbiter(entry: DirtyArbiterEntry): Promise<void> {
  const channel = channelToArbiter(process)
  const boot = await askForBoot(channel)
  const remotes = await openRemotes(boot.settings as unknown as Settings, boot.name, (event, facts) => scope.log.event(event, facts))
  const scope: DirtyScope = createDirtyScope(boot, channel, remotes)
  const { current } = scope.generations
  allowCalls(scope, current.apps)
  scope.showPhase('booting')
  const actor: DirtyArbiterActor = createActor(dirtyArbiterChart(scope, entry.workerPath), {
    input: { first: current.facts, listeners: [] },
    inspect: scope.recorder.inspect(),
  })
  scope.retireSpent = (age) => actor.send({ type: 'worker.spent', age })
  const parent = watchParent(scope, entry, actor)
  actor.subscribe({
    complete: () => void leave(scope, parent, actor.getSnapshot().output?.exitCode ?? 0),
    error(error) {
      scope.log.event('chart.failed', { problem: problemOf(error) }, error)
      void leave(scope, parent, 1)
    },
  })
  channel.onMessage((order: OrderToWorker) => hearOrder(scope, actor, order))
  entry.onSignal((signal) => hearSignal(scope, actor, signal))
  actor.start()
  tellOfPool(scope, actor)
}

function watchParent(scope: DirtyScope, entry: DirtyArbiterEntry, actor: DirtyArbiterActor): { isThere: boolean } {
  const { pulse, settings, who, generations } = scope
  const parent = { isThere: true }
  const vitals = startVitals(
    pulse,
    entry.watchdogUrl,
    { memory: pulse.memory, beatFd, timeoutMs: settings.timeout * 1_000, graceMs: generations.current.facts.graceMs, who },
    () => {
      vitals.answer()
      parent.isThere = false
      scope.log.event('worker.orphaned')
      actor.send({ type: 'stop', reason: 'orphaned', isQuick: false })
    },
  )
  return parent
}

function hearOrder(scope: DirtyScope, actor: DirtyArbiterActor, order: OrderToWorker): void {
  switch (order.type) {
    case 'drain':
      scope.channel.send({ type: 'draining', problem: null })
      scope.pulse.setPhase('draining')
      scope.showPhase('draining')
      // No worker takes another call: who waits for one would wait for the grace of those that run.
      scope.server.broker.close()
      actor.send({ type: 'stop', reason: order.reason, isQuick: order.isQuick })
      break
    case 'force':
      actor.send({ type: 'force' })
      break
    case 'reopen':
      scope.log.reopen()
      scope.recorder.reopen()
      for (const row of scope.roster.rows()) row.send({ type: 'reopen' })
      break
    case 'level':
      scope.level = order.level as Level
      scope.log.setLevel(scope.level)
      for (const row of scope.roster.rows()) row.send(order)
      break
    case 'ask':
      scope.channel.send({ type: 'answer', id: order.id, answer: answerPool(scope, actor, order.question) })
      break
    case 'ask-worker':
      void passOn(scope, order)
      break
    case 'reload':
      scope.generations.offer(order.settings as unknown as Settings, order.apps, order.reload)
      actor.send({ type: 'reload' })
      break
    default:
      break
  }
}

/** Until then the arbiter has heard a signal that was meant for all. */
const familyMs = 500

function hearSignal(scope: DirtyScope, actor: DirtyArbiterActor, signal: Signal): void {
  switch (signal) {
    case 'SIGTTIN':
      actor.send({ type: 'scale', by: 1 })
      break
    case 'SIGTTOU': {
      const { reason } = scaleDown(scope, actor, 1)
      if (reason !== null) scope.log.event('arbiter.signal-ignored', { signal, why: reason })
      break
    }
    case 'SIGTERM':
    case 'SIGINT':
    case 'SIGQUIT':
      // Service managers tell the whole family: then the arbiter says when it is our turn, after those that still call.
      setTimeout(() => scope.channel.send({ type: 'recycle', reason: signal, served: scope.roster.totals().served }), familyMs)
      break
    case 'SIGUSR1':
      scope.log.reopen()
      scope.recorder.reopen()
      break
    default:
      break
  }
}

async function leave(scope: DirtyScope, parent: { readonly isThere: boolean }, exitCode: number): Promise<void> {
  scope.server.close()
  scope.roster.stop()
  scope.channel.send({ type: 'drained', tookMs: 0, cutRequests: 0, counters: scope.roster.totals() })
  // Its arbiter would do it, and is gone.
  if (!parent.isThere) rmSync(scope.folder, { recursive: true, force: true })
  await Promise.all([scope.log.flush(), scope.remotes.flush(), scope.recorder.flush()])
  process.exit(exitCode)
}
