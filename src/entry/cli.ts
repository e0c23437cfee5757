#!/usr/bin/env node
/**
 * Who starts me: a person, a service manager or a container, as `monoceros`.
 * I expect: the command line; perhaps descriptors named by `fd://N`.
 * I own: the listening sockets, the pid file, every worker process.
 * I end: when I am told to; whoever started me notices, and my workers see it on their beat pipes.
 * Exit codes: 0 as asked · 1 failed · 2 wrong command line · 3 nothing got ready · 4 the app could not be loaded.
 */
import { fileURLToPath } from 'node:url'
import { runSubCommand } from '../compose/cli/sub-commands.ts'
import { endBy, onSignal, refuseDebugger, type Signal } from '../os/signals.ts'

// Before anything else is loaded: without a handler SIGUSR1 opens a debugger port and the others end the process.
const signals: readonly Signal[] = ['SIGUSR1', 'SIGTERM', 'SIGINT', 'SIGQUIT', 'SIGHUP', 'SIGTTIN', 'SIGTTOU', 'SIGUSR2', 'SIGWINCH']
const early: Signal[] = []
// Until the arbiter listens nothing has been started that would have to be stopped in order.
let hear = (signal: Signal): void => void (/^SIG(TERM|INT|QUIT)$/.test(signal) ? endBy(signal) : early.push(signal))
for (const signal of signals) onSignal(signal, () => hear(signal))
refuseDebugger()

const argv = process.argv.slice(2)
// What is asked once and answered loads no arbiter.
const answered = await runSubCommand(argv)
process.exitCode = answered ?? (await serve())
process.exit()

async function serve(): Promise<number> {
  const { runCli } = await import('../compose/cli/cli.ts')
  return runCli({
    argv,
    workerPath: fileURLToPath(new URL('./worker.js', import.meta.url)),
    probeUrl: new URL('./probe.js', import.meta.url),
    dirtyPath: fileURLToPath(new URL('./dirty-arbiter.js', import.meta.url)),
    packageUrl: new URL('../../../package.json', import.meta.url),
    onSignal(listener) {
      hear = listener
      for (const signal of early.splice(0)) listener(signal)
    },
  })
}
