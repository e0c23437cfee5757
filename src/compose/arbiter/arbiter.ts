/** Joins the arbiter's charts to their effects: the whole life of the arbiter process, in order. */
import { createActor } from 'xstate'
import { problemOf } from '../../base/errors.ts'
import type { ResolvedConfig } from '../../config/chain.ts'
import { refuseDebugger, type Signal } from '../../os/signals.ts'
import { setTitle } from '../../os/title.ts'
import { arbiterChart } from './arbiter-chart.ts'
import { openControl } from './arbiter-control.ts'
import { finish, type HearHaste } from './arbiter-end.ts'
import { type ArbiterHost, ownProcess } from './arbiter-host.ts'
import { settleRemotes } from './arbiter-remotes.ts'
import { type ArbiterActor, type ArbiterScope, createArbiterScope } from './arbiter-scope.ts'
import { hearHaste, hearSignals } from './arbiter-signals.ts'

export interface ArbiterEntry {
  readonly workerPath: string
  readonly dirtyPath: string
  /** The thread image that looks into this process. */
  readonly probeUrl: URL
  readonly version: string
  /** Reads the whole configuration again, as the start did. */
  readConfig(): Promise<ResolvedConfig>
}

export interface ArbiterProcess extends ArbiterEntry {
  /** Tells of the signals that came since the process started, and of those to come. */
  onSignal(listener: (signal: Signal) => void): void
}

/** Serves until it is told to stop, in a process of its own. @returns the exit code of the process */
export async function runArbiter(config: ResolvedConfig, entry: ArbiterProcess): Promise<number> {
  refuseDebugger()
  const { scope, run } = await bootArbiter(config, entry, ownProcess)
  setTitle(`monoceros: arbiter [${scope.name}]`)
  return run({
    beforeStart: (actor) => hearSignals(entry, scope, actor),
    onHaste: (listener) => hearHaste(entry, scope, listener),
  })
}

export interface BootedArbiter {
  readonly scope: ArbiterScope
  /** @returns its exit code, when nothing of it is left */
  run(orders: ArbiterOrders): Promise<number>
}

/** How whoever has started it talks to it. */
export interface ArbiterOrders {
  /** Hears of the arbiter's actor before anything happens. */
  beforeStart(actor: ArbiterActor): void
  readonly onHaste: HearHaste
}

/** @throws what is wrong with the configuration, before anything was bound or started */
export async function bootArbiter(config: ResolvedConfig, entry: ArbiterEntry, host: ArbiterHost): Promise<BootedArbiter> {
  const scope = createArbiterScope(config, entry.version, host)
  await settleRemotes(scope)
  scope.log.event('arbiter.starting', { version: entry.version, node: process.versions.node })
  return {
    scope,
    async run({ beforeStart, onHaste }) {
      const first = scope.current
      const actor: ArbiterActor = createActor(
        arbiterChart(scope, entry, () => actor),
        { input: { first: first.facts, listeners: first.listeners }, inspect: scope.recorder.inspect() },
      )
      scope.actor = actor
      scope.isServing = () => actor.getSnapshot().hasTag('takes-traffic')
      const done = ended(actor, scope)
      beforeStart(actor)
      actor.start()
      const control = openControl(scope, entry)
      const exitCode = await done
      await finish(scope, onHaste, actor.getSnapshot().context.stop.isQuick)
      // To the very end one can see what is waited for.
      const { close } = await control
      close()
      return exitCode
    },
  }
}

function ended(actor: ArbiterActor, scope: ArbiterScope): Promise<number> {
  return new Promise((resolve) => {
    actor.subscribe({
      complete() {
        const { exitCode, reason } = actor.getSnapshot().output ?? { exitCode: 1, reason: '' }
        if (exitCode !== 0) scope.log.event('arbiter.failed', { problem: reason, exitCode })
        resolve(exitCode)
      },
      error(error) {
        scope.log.event('chart.failed', { problem: problemOf(error) }, error)
        // The workers see our end on their beat pipes and drain by themselves.
        resolve(1)
      },
    })
  })
}
