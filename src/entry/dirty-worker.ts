/**
 * Who starts me: the dirty arbiter, for one slot.
 * I expect: an IPC channel, the beat pipe as descriptor 4, the rest comes as the answer to `hello`.
 * I own: my socket in the pool's folder, the threads of my apps and their calls, the watchdog thread.
 * I end: when I am told to drain, when my parent is gone, or killed with my process group; the dirty arbiter reaps me.
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

const { runDirtyWorker } = await import('../compose/dirty/dirty-worker.ts')
await runDirtyWorker({
  watchdogUrl: new URL('./watchdog.js', import.meta.url),
  threadPath: fileURLToPath(new URL('./dirty-thread.js', import.meta.url)),
  onSignal(listener) {
    hear = listener
    for (const signal of early.splice(0)) listener(signal)
  },
})
