/** The last part of the arbiter's life: its chart has ended and no worker is left. */
import { removePidFile } from '../../os/pid-file.ts'
import type { DirtyKeeper } from './arbiter-dirty.ts'
import { closeDoors } from './arbiter-doors.ts'
import type { ArbiterScope } from './arbiter-scope.ts'

/** Told to go once more: politely, quickly, or at once. */
export type Haste = 'again' | 'quick' | 'forced'

/** @param onHaste takes the one who hears of it from now on */
export type HearHaste = (listener: (haste: Haste) => void) => void

export async function finish(scope: ArbiterScope, onHaste: HearHaste, isQuick: boolean): Promise<void> {
  scope.roster.stop()
  scope.gauges.stop()
  const kept = [scope.dirty, scope.sidecars].filter((one) => one !== null)
  if (kept.length > 0) await stopKept(kept, scope, onHaste, isQuick)
  if (scope.pidFile !== null) removePidFile(scope.pidFile)
  await lastHooks(scope, onHaste)
  closeDoors(scope)
  const { served } = scope.roster.totals()
  scope.log.event('arbiter.stopped', { served })
  await Promise.all([scope.log.flush(), scope.remotes?.flush(), scope.recorder.flush()])
}

/** Last of all that runs, the dirty pool and then the sidecars: workers that drain may still need an answer. */
async function stopKept(
  kept: readonly Pick<DirtyKeeper, 'stop' | 'force'>[],
  scope: ArbiterScope,
  onHaste: HearHaste,
  isQuick: boolean,
): Promise<void> {
  let isQuickNow = isQuick
  let present = kept[0]
  onHaste((haste) => {
    if (haste === 'again') return
    if (isQuickNow || haste === 'forced') {
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
async function lastHooks(scope: ArbiterScope, onHaste: HearHaste): Promise<void> {
  let timer: NodeJS.Timeout | undefined
  const impatience = new Promise<void>((resolve) => {
    const giveUp = () => {
      scope.log.event('hook.failed', { hook: 'onExit', problem: 'it was not waited for any longer' })
      resolve()
    }
    timer = setTimeout(giveUp, scope.current.facts.graceMs)
    onHaste(giveUp)
  })
  const hooks = Promise.all(scope.farewells).then(() => scope.runHook('onExit'))
  await Promise.race([hooks, impatience])
  clearTimeout(timer)
}
