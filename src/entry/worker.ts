/**
 * Who starts me: the arbiter, for one slot.
 * I expect: an IPC channel, the beat pipe as descriptor 4, the listeners from 5 on; the rest comes as the answer to `hello`.
 * I own: my connections, the app or the threads that run it, the watchdog thread.
 * I end: when I am told to drain, when my parent is gone, or killed with my process group; the arbiter reaps me.
 * Exit codes: 0 as asked · 1 internal · 3 not ready · 4 the app could not be loaded.
 */
import { fileURLToPath } from 'node:url'
import { onSignal, refuseDebugger, type Signal } from '../os/signals.ts'

// Before anything else is loaded: without a handler SIGUSR1 opens a debugger port, TTIN and TTOU stop the process and the others end it.
const signals: readonly Signal[] = ['SIGUSR1', 'SIGTERM', 'SIGINT', 'SIGQUIT', 'SIGHUP', 'SIGTTIN', 'SIGTTOU', 'SIGUSR2']
const early: Signal[] = []
let hear = (signal: Signal): void => void early.push(signal)
for (const signal of signals) onSignal(signal, () => hear(signal))
refuseDebugger()

const { runHttpWorker } = await import('../compose/worker/worker-parts.ts')
await runHttpWorker({
  watchdogUrl: new URL('./watchdog.js', import.meta.url),
  threadPath: fileURLToPath(new URL('./thread.js', import.meta.url)),
  onSignal(listener) {
    hear = listener
    for (const signal of early.splice(0)) listener(signal)
  },
})
