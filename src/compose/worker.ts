/** Joins the worker chart to its effects: the whole life inside a worker process, in order. */
import { createActor } from 'xstate'
import { problemOf } from '../base/errors.ts'
import { exitCodes } from '../base/exit-codes.ts'
import { type Channel, channelToArbiter } from '../ipc/channel.ts'
import type { BootOrder, FactFromWorker, OrderToWorker } from '../ipc/messages.ts'
import { readPulse } from '../ipc/pulse.ts'
import { refuseDebugger, type Signal } from '../os/signals.ts'
import { beatFd, killGroup } from '../os/spawn.ts'
import { watchSlowRequests } from '../worker/slow-requests.ts'
import { startVitals } from '../worker/vitals.ts'
import { createWishes, type Wishes } from '../worker/wishes.ts'
import { showPhase, workerChart } from './worker-chart.ts'
import { createProgram, type Program } from './worker-program.ts'
import { createWorkerScope, type WorkerScope } from './worker-scope.ts'
import { createTraffic, type Traffic } from './worker-traffic.ts'

/** How long the last hook may take where no drain bounds it. */
const exitPatienceMs = 1_000

export interface WorkerEntry {
  readonly watchdogUrl: URL
  readonly threadPath: string
  /** Tells of the signals that came since the process started, and of those to come. */
  onSignal(listener: (signal: Signal) => void): void
}

export async function runWorker(entry: WorkerEntry): Promise<void> {
  if (process.send === undefined) {
    process.stderr.write('monoceros: a worker is started by its arbiter: run `monoceros ./app.js`\n')
    process.exit(exitCodes.usage.code)
  }
  // Nothing of ours holds the loop, so that a program that will never serve is seen to be over; until it runs, this does.
  const heldOpen = setInterval(() => undefined, 60_000)
  const channel = channelToArbiter(process)
  const boot = await askForBoot(channel)
  const scope = createWorkerScope(boot, channel)
  const { settings, log, pulse } = scope
  const graceMs = settings.gracefulTimeout * 1_000
  const wishes = createWishes(channel.send)
  const traffic = createTraffic(scope, wishes)
  const program = await programOf(scope, traffic, wishes, entry, () => {
    clearInterval(heldOpen)
    refuseDebugger() // for the last time: one that is opened from now on is the app's
  })
  showPhase(boot, 'booting')

  const actor = createActor(workerChart(scope, traffic, program))
  actor.subscribe({
    complete: () => void leave(scope, program, actor.getSnapshot().output?.failure?.exitCode ?? 0),
    error: (error) => {
      log.event('chart.failed', { problem: problemOf(error) }, error)
      void leave(scope, program, 1)
    },
  })

  const vitals = startVitals(
    pulse,
    entry.watchdogUrl,
    { memory: pulse.memory, beatFd, timeoutMs: settings.timeout * 1_000, graceMs, who: scope.who },
    () => {
      vitals.answer()
      log.event('worker.orphaned')
      // Nobody is left to end what the app has started. Last: the exit handlers before it have written the logs.
      process.once('exit', () => killGroup(process.pid))
      actor.send({ type: 'drain', graceMs, isQuick: false, reason: 'orphaned' })
    },
  )
  const reopen = () => {
    log.reopen()
    scope.accessLog?.reopen()
  }
  channel.onMessage((order, handle) => {
    if (order.type === 'drain') actor.send(order)
    else if (order.type === 'door') wishes.answer(order, handle)
    else if (order.type === 'reopen') reopen()
  })
  entry.onSignal((signal) => {
    if (signal === 'SIGUSR1') reopen()
    // What else may come is meant for the arbiter, and was sent to the whole family.
    else if (/^SIG(TERM|INT|QUIT)$/.test(signal)) actor.send({ type: 'drain', graceMs, isQuick: signal === 'SIGQUIT', reason: signal })
  })
  tellLastWords(scope)
  // Threads answer for what takes too long; what is slow there is a stream, or its client.
  if (settings.workerClass !== 'gthread')
    watchSlowRequests(readPulse(pulse.memory), settings.timeout * 1_000, (request) => log.event('request.slow', { ...request }))
  actor.start()
}

async function programOf(scope: WorkerScope, traffic: Traffic, wishes: Wishes, entry: WorkerEntry, onImport: () => void): Promise<Program> {
  if (scope.settings.workerClass !== 'gthread') return createProgram(scope, traffic, wishes, onImport)
  // Loaded late: other workers need none of it.
  const { createThreadsProgram } = await import('./worker-threads.ts')
  return createThreadsProgram(scope, traffic, wishes, entry.threadPath)
}

/** The arbiter answers `hello`: what it sent before the loop turns could be lost while modules are still being loaded. */
function askForBoot(channel: Channel<FactFromWorker, OrderToWorker>): Promise<BootOrder> {
  return new Promise((resolve) => {
    // Until the watchdog runs, this is how its death is seen; it may have come before we could listen for it.
    const alone = () => process.exit()
    if (!process.connected) alone()
    process.once('disconnect', alone)
    channel.onMessage((order) => {
      if (order.type !== 'boot') return
      process.off('disconnect', alone)
      resolve(order.boot)
    })
    channel.send({ type: 'hello' })
  })
}

function tellLastWords(scope: WorkerScope): void {
  const reader = readPulse(scope.pulse.memory)
  process.on('uncaughtExceptionMonitor', (error, origin) => {
    scope.log.event('worker.uncaught', { origin, requests: reader.requests(10).list }, error)
  })
  process.on('exit', () => {
    scope.log.flushSync()
    scope.accessLog?.flushSync()
  })
}

async function leave(scope: WorkerScope, program: Program, exitCode: number): Promise<void> {
  await Promise.race([program.exit(), new Promise((resolve) => setTimeout(resolve, exitPatienceMs))])
  await Promise.all([scope.log.flush(), scope.accessLog?.flush()])
  // A thread in native code would hold up an orderly exit for as long as it takes.
  if (program.isStuck === true) {
    scope.channel.send({ type: 'stuck', problem: 'it ended itself, as a thread of it was stuck in native code' })
    setImmediate(() => killGroup(process.pid))
    return
  }
  process.exit(exitCode)
}
