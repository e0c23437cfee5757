/** What each signal means to the arbiter (Gunicorn's meanings), in every phase of its life. */
import { problemOf } from '../base/errors.ts'
import type { Signal } from '../os/signals.ts'
import { reopenLogs } from './arbiter-logs.ts'
import type { ArbiterScope } from './arbiter-scope.ts'

interface Told {
  send(
    event: { type: 'reload' } | { type: 'scale'; by: number } | { type: 'stop'; reason: string; isQuick: boolean } | { type: 'force' },
  ): void
}

export function hearSignals(entry: { onSignal(listener: (signal: Signal) => void): void }, scope: ArbiterScope, actor: Told): void {
  let interrupts = 0
  entry.onSignal((signal) => {
    const { log } = scope
    log.event('arbiter.signal', { signal })
    switch (signal) {
      case 'SIGTERM':
        return actor.send({ type: 'stop', reason: 'SIGTERM', isQuick: false })
      case 'SIGINT':
        interrupts++
        if (interrupts === 1) return actor.send({ type: 'stop', reason: 'SIGINT (once more to kill)', isQuick: true })
        log.event('arbiter.forced')
        return actor.send({ type: 'force' })
      case 'SIGQUIT':
        return actor.send({ type: 'stop', reason: 'SIGQUIT', isQuick: true })
      case 'SIGHUP':
        return actor.send({ type: 'reload' })
      case 'SIGTTIN':
        return actor.send({ type: 'scale', by: 1 })
      case 'SIGTTOU':
        return actor.send({ type: 'scale', by: -1 })
      case 'SIGUSR1':
        return reopenLogs(scope)
      default:
        return log.event('arbiter.signal-ignored', { signal, why: 'it means nothing here' })
    }
  })
  // Hooks may leave timers and promises behind; what they throw there must not end the service.
  const onUncaught = (error: unknown) => scope.log.event('arbiter.uncaught', { problem: problemOf(error) }, error)
  process.on('uncaughtException', onUncaught)
  process.on('unhandledRejection', onUncaught)
}
