/** What each signal means to the arbiter (Gunicorn's meanings), in every phase of its life. */
import { problemOf } from '../../base/errors.ts'
import type { Signal } from '../../os/signals.ts'
import type { Haste } from './arbiter-end.ts'
import { reopenLogs } from './arbiter-logs.ts'
import type { ArbiterScope } from './arbiter-scope.ts'

type Order = { type: 'reload' } | { type: 'scale'; by: number } | { type: 'stop'; reason: string; isQuick: boolean } | { type: 'force' }

interface Told {
  send(order: Order): void
  getSnapshot(): { can(order: Order): boolean }
}

export function hearSignals(entry: { onSignal(listener: (signal: Signal) => void): void }, scope: ArbiterScope, actor: Told): void {
  let interrupts = 0
  const tell = (signal: Signal, order: Order) => {
    if (actor.getSnapshot().can(order)) scope.recorder.because(signal, () => actor.send(order))
    else scope.log.event('arbiter.signal-ignored', { signal, why: 'shutting down' })
  }
  entry.onSignal((signal) => {
    const { log } = scope
    // A terminal sends it to its foreground group with every resize.
    if (signal === 'SIGWINCH') return log.event('arbiter.resized')
    log.event('arbiter.signal', { signal })
    switch (signal) {
      case 'SIGTERM':
        return tell(signal, { type: 'stop', reason: 'SIGTERM', isQuick: false })
      case 'SIGINT':
        interrupts++
        if (interrupts === 1) return tell(signal, { type: 'stop', reason: 'SIGINT (once more to kill)', isQuick: true })
        log.event('arbiter.forced')
        return tell(signal, { type: 'force' })
      case 'SIGQUIT':
        return tell(signal, { type: 'stop', reason: 'SIGQUIT', isQuick: true })
      case 'SIGHUP':
        return tell(signal, { type: 'reload' })
      case 'SIGTTIN':
        return tell(signal, { type: 'scale', by: 1 })
      case 'SIGTTOU':
        return tell(signal, { type: 'scale', by: -1 })
      case 'SIGUSR1':
        return reopenLogs(scope)
      default:
        return log.event('arbiter.signal-ignored', { signal, why: 'this version has no binary upgrade; HUP reloads app and configuration' })
    }
  })
  // Hooks may leave timers and promises behind; what they throw there must not end the service.
  const onUncaught = (error: unknown) => scope.log.event('arbiter.uncaught', { problem: problemOf(error) }, error)
  process.on('uncaughtException', onUncaught)
  process.on('unhandledRejection', onUncaught)
}

/** What they mean when the last worker is gone. */
export function hearHaste(
  entry: { onSignal(listener: (signal: Signal) => void): void },
  { log }: ArbiterScope,
  listener: (haste: Haste) => void,
): void {
  entry.onSignal((signal) => {
    log.event('arbiter.signal', { signal })
    if (signal === 'SIGTERM') listener('again')
    else if (/^SIG(INT|QUIT)$/.test(signal)) listener('quick')
  })
}
