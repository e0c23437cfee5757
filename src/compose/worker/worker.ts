/** Joins the worker chart to its effects: the whole life inside a worker process, HTTP or dirty, in order. */
import { createActor } from 'xstate'
import { problemOf } from '../../base/errors.ts'
import { exitCodes } from '../../base/exit-codes.ts'
import type { Settings } from '../../config/settings.ts'
import { channelToArbiter } from '../../ipc/channel.ts'
import type { OrderToWorker } from '../../ipc/messages.ts'
import { readPulse } from '../../ipc/pulse.ts'
import type { Question } from '../../ipc/questions.ts'
import type { Level } from '../../log/level.ts'
import { refuseDebugger, type Signal } from '../../os/signals.ts'
import { beatFd, killGroup } from '../../os/spawn.ts'
import { watchSlowRequests } from '../../worker/slow-requests.ts'
import { startVitals } from '../../worker/vitals.ts'
import { askForBoot } from '../ask-for-boot.ts'
import { openRemotes } from '../remotes.ts'
import { type Leaving, showPhase, workerChart } from './worker-chart.ts'
import type { Program } from './worker-program.ts'
import { createWorkerScope, type WorkerRole, type WorkerScope } from './worker-scope.ts'

/** How long the last hook may take where no drain bounds it. */
const exitPatienceMs = 1_000

export interface WorkerEntry {
  readonly watchdogUrl: URL
  readonly threadPath: string
  /** Tells of the signals that came since the process started, and of those to come. */
  onSignal(listener: (signal: Signal) => void): void
}

/** The worker ends unasked; what is under way has `graceMs`. */
export interface EndOrder {
  readonly graceMs: number
  readonly exitCode: number
  readonly problem: string
}

/** What makes a worker of one kind or the other. */
export interface WorkerParts {
  readonly program: Program
  readonly traffic: Leaving
  /** Orders that only its kind understands. */
  hear?(order: OrderToWorker, handle: unknown): void
  /** Is told how to end the worker, by a kind that may come to its end. */
  onEnd?(end: (order: EndOrder) => void): void
  /** The stack of its last sign of life, where it gives any beside that of the loop. */
  lastBeat?(): readonly string[]
}

/**
 * @param partsOf is called once the settings have come; it calls back when the app is about to be imported in this thread
 */
export async function runWorker(
  entry: WorkerEntry,
  role: WorkerRole,
  partsOf: (scope: WorkerScope, entry: WorkerEntry, onImport: () => void) => Promise<WorkerParts>,
): Promise<void> {
  if (process.send === undefined) {
    process.stderr.write('monoceros: a worker is started by its arbiter: run `monoceros ./app.js`\n')
    process.exit(exitCodes.usage.code)
  }
  // Nothing of ours holds the loop, so that a program that will never serve is seen to be over; until it runs, this does.
  const heldOpen = setInterval(() => undefined, 60_000)
  const channel = channelToArbiter(process)
  const boot = await askForBoot(channel)
  const remotes = await openRemotes(boot.settings as unknown as Settings, boot.name, (event, facts) => scope.log.event(event, facts))
  const scope: WorkerScope = createWorkerScope(boot, channel, role, remotes)
  const { settings, log, pulse } = scope
  const { graceMs } = scope
  const { program, traffic, hear, onEnd, lastBeat } = await partsOf(scope, entry, () => {
    clearInterval(heldOpen)
    refuseDebugger() // for the last time: one that is opened from now on is the app's
  })
  showPhase(scope, 'booting')

  const actor = createActor(workerChart(scope, traffic, program), { inspect: scope.recorder.inspect() })
  actor.subscribe({
    complete: () => void leave(scope, program, actor.getSnapshot().output?.failure?.exitCode ?? 0),
    error: (error) => {
      log.event('chart.failed', { problem: problemOf(error) }, error)
      void leave(scope, program, 1)
    },
  })

  onEnd?.(({ graceMs: leftMs, exitCode, problem }) =>
    actor.send({ type: 'end', graceMs: leftMs, isQuick: false, reason: problem, failure: { exitCode, error: problem } }),
  )

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
  if (lastBeat !== undefined) vitals.tellLastBeat(lastBeat)
  const reopen = () => {
    log.reopen()
    scope.accessLog?.reopen()
    scope.recorder.reopen()
  }
  const answer = async (id: number, question: Question) => {
    const none = { ok: false, problem: 'this process does not know' } as const
    channel.send({ type: 'answer', id, answer: (await program.answer?.(question)) ?? none })
  }
  channel.onMessage((order, handle) => {
    if (order.type === 'drain') actor.send(order)
    else if (order.type === 'reopen') reopen()
    else if (order.type === 'level') log.setLevel(order.level as Level)
    else if (order.type === 'ask') void answer(order.id, order.question)
    else hear?.(order, handle)
  })
  entry.onSignal((signal) => {
    if (signal === 'SIGUSR1') reopen()
    // What else may come is meant for the arbiter, and was sent to the whole family.
    else if (!/^SIG(TERM|INT|QUIT)$/.test(signal)) return
    // Those that still serve may call: its successor is ready before it goes, or its own arbiter is about to say so.
    else if (role === 'dirty-worker') scope.recycle(signal)
    else actor.send({ type: 'drain', graceMs, isQuick: signal === 'SIGQUIT', reason: signal })
  })
  tellLastWords(scope)
  // Threads answer for what takes too long; what is slow there is a stream, or its client.
  if (role === 'worker' && settings.workerClass !== 'gthread')
    watchSlowRequests(readPulse(pulse.memory), settings.timeout * 1_000, (request) => log.event('request.slow', { ...request }))
  actor.start()
}

function tellLastWords(scope: WorkerScope): void {
  const reader = readPulse(scope.pulse.memory)
  process.on('uncaughtExceptionMonitor', (error, origin) => {
    const requests = reader.requests(10).list
    scope.log.event('worker.uncaught', { origin, requests }, error)
    const [only] = requests.length === 1 ? requests : []
    scope.channel.send({ type: 'uncaught', problem: problemOf(error), request: only === undefined ? null : `${only.method} ${only.path}` })
  })
  process.on('exit', () => {
    // What it has served since its last beat is lost otherwise.
    scope.channel.send({ type: 'counted', counters: reader.counters(), tallies: reader.tallies() })
    scope.remotes.flushSync()
    scope.log.flushSync()
    scope.accessLog?.flushSync()
  })
}

async function leave(scope: WorkerScope, program: Program, exitCode: number): Promise<void> {
  await Promise.race([program.exit(), new Promise((resolve) => setTimeout(resolve, exitPatienceMs))])
  await Promise.all([scope.log.flush(), scope.accessLog?.flush(), scope.remotes.flush(), scope.recorder.flush()])
  // A thread in native code would hold up an orderly exit for as long as it takes.
  if (program.isStuck === true) {
    scope.channel.send({ type: 'stuck', problem: 'it ended itself, as a thread of it was stuck in native code' })
    setImmediate(() => killGroup(process.pid))
    return
  }
  process.exit(exitCode)
}
