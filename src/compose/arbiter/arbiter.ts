/** Joins the arbiter's charts to their effects: the whole life of the arbiter process, in order. */
import { createActor } from 'xstate'
import { problemOf } from '../../base/errors.ts'
import type { ResolvedConfig } from '../../config/chain.ts'
import { removePidFile } from '../../os/pid-file.ts'
import { refuseDebugger, type Signal } from '../../os/signals.ts'
import { setTitle } from '../../os/title.ts'
import { arbiterChart } from './arbiter-chart.ts'
import { openControl } from './arbiter-control.ts'
import type { DirtyKeeper } from './arbiter-dirty.ts'
import { closeDoors } from './arbiter-doors.ts'
import { settleRemotes } from './arbiter-remotes.ts'
import { type ArbiterActor, type ArbiterScope, createArbiterScope } from './arbiter-scope.ts'
import { hearSignals } from './arbiter-signals.ts'

export interface ArbiterEntry {
  readonly workerPath: string
  readonly dirtyPath: string
  /** The thread image that looks into this process. */
  readonly probeUrl: URL
  readonly version: string
  /** Reads the whole configuration again, as the start did. */
  readConfig(): Promise<ResolvedConfig>
  /** Tells of the signals that came since the process started, and of those to come. */
  onSignal(listener: (signal: Signal) => void): void
}

/** Serves until it is told to stop. @returns the exit code of the process */
export async function runArbiter(config: ResolvedConfig, entry: ArbiterEntry): Promise<number> {
  refuseDebugger()
  const scope = createArbiterScope(config, entry.version)
  await settleRemotes(scope)
  scope.log.event('arbiter.starting', { version: entry.version, node: process.versions.node })
  setTitle(`monoceros: arbiter [${scope.name}]`)

  const first = scope.current
  const actor: ArbiterActor = createActor(
    arbiterChart(scope, entry, () => actor),
    { input: { first: first.facts, listeners: first.listeners }, inspect: scope.recorder.inspect() },
  )
  scope.actor = actor
  scope.isServing = () => actor.getSnapshot().hasTag('takes-traffic')
  const done = ended(actor, scope)
  hearSignals(entry, scope, actor)
  actor.start()
  const control = openControl(scope, entry)
  const exitCode = await done
  const last = finish(scope, entry, exitCode, actor.getSnapshot().context.stop.isQuick)
  // To the very end one can see what is waited for.
  await last
  const { close } = await control
  close()
  return last
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

async function finish(scope: ArbiterScope, entry: ArbiterEntry, exitCode: number, isQuick: boolean): Promise<number> {
  scope.roster.stop()
  scope.gauges.stop()
  const kept = [scope.dirty, scope.sidecars].filter((one) => one !== null)
  if (kept.length > 0) await stopKept(kept, scope, entry, isQuick)
  const { pidfile } = scope.current.config.settings
  if (pidfile !== null && scope.hasPidFile) removePidFile(pidfile)
  const lastHooks = Promise.all(scope.farewells).then(() => scope.runHook('onExit'))
  await Promise.race([lastHooks, impatience(scope, entry)])
  closeDoors(scope)
  const { served } = scope.roster.totals()
  scope.log.event('arbiter.stopped', { served })
  await Promise.all([scope.log.flush(), scope.remotes?.flush(), scope.recorder.flush()])
  return exitCode
}

/**
 * Last of all that runs, the dirty pool and then the sidecars: workers that drain may still need an answer. INT is quick, a
 * second one waits for nothing.
 */
async function stopKept(
  kept: readonly Pick<DirtyKeeper, 'stop' | 'force'>[],
  scope: ArbiterScope,
  entry: ArbiterEntry,
  isQuick: boolean,
): Promise<void> {
  let isQuickNow = isQuick
  let present = kept[0]
  entry.onSignal((signal) => {
    scope.log.event('arbiter.signal', { signal })
    if (!/^SIG(INT|QUIT)$/.test(signal)) return
    if (isQuickNow) {
      scope.log.event('arbiter.forced')
      for (const one of kept) one.force()
    } else {
      isQuickNow = true
      void present?.stop(true)
    }
  })
  for (const one of kept) {
    present = one
    await one.stop(isQuickNow)
  }
}

/** All workers are gone: the last hooks alone may not keep the arbiter for longer than them, nor when it is told to go again. */
function impatience(scope: ArbiterScope, entry: ArbiterEntry): Promise<void> {
  return new Promise((resolve) => {
    const giveUp = () => {
      scope.log.event('hook.failed', { hook: 'onExit', problem: 'it was not waited for any longer' })
      resolve()
    }
    setTimeout(giveUp, scope.current.facts.graceMs)
    entry.onSignal((signal) => {
      if (/^SIG(TERM|INT|QUIT)$/.test(signal)) giveUp()
    })
  })
}
