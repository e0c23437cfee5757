/** The user's program in a worker of class job: a function that works until it is told to end. No listener is bound for it. */
import type { Server } from 'node:net'
import { type AppHooks, hooksOf } from '../../app/adopt.ts'
import { exportedJob } from '../../app/exported-job.ts'
import { findApp } from '../../app/find.ts'
import { holdSignals } from '../../app/held-signals.ts'
import { installListenTrap, type TrappedListen } from '../../app/listen-trap.ts'
import { importApp } from '../../app/load.ts'
import { parseAppSpec } from '../../app/spec.ts'
import { MonocerosError, problemOf } from '../../base/errors.ts'
import { type JobDrain, startJobDrain } from '../../jobs/drain.ts'
import { createRun } from '../../jobs/run.ts'
import { createTracked } from '../../jobs/tracked.ts'
import { createAppLogger } from '../../log/app-logger.ts'
import { graceMsOf } from '../../worker/drain.ts'
import type { Wishes } from '../../worker/wishes.ts'
import { asyncClass } from '../../worker/worker-class.ts'
import { deferred, within } from '../deferred.ts'
import { answerAppMetrics } from './app-metrics-answer.ts'
import { jobContext } from './job-context.ts'
import type { EndOrder, WorkerParts } from './worker.ts'
import type { WorkerScope } from './worker-scope.ts'
import { prepareWorker } from './worker-setup.ts'
import type { Traffic } from './worker-traffic.ts'

const requestsToldMax = 20

/** @param web is for what the job listens to itself, such as a health port: it is shared among the workers */
export function createJobParts(scope: WorkerScope, web: Traffic, wishes: Wishes, onImport: () => void): WorkerParts {
  const { boot, settings, log, pulse, channel, graceMs } = scope
  const spec = settings.app ?? ''
  let hooks: AppHooks = {}
  let job: (context: unknown) => unknown = () => undefined
  let end: (order: EndOrder) => void = () => undefined
  let drain: JobDrain | null = null
  let cutCount = 0
  let isEndTold = false
  let isReady = false
  const over = deferred<never>()
  let hasExited = false
  let interrupted: Promise<void> | undefined
  const logger = createAppLogger(log)
  const heldSignals = holdSignals(['SIGTERM', 'SIGINT'], (error, signal) =>
    log.event('app.signal-handler-failed', { signal, problem: problemOf(error) }, error),
  )
  const tracked = createTracked({
    pulse,
    onCounted: scope.remotes.onRequest,
    onSettled(settled) {
      if (boot.maxRequests > 0 && settled >= boot.maxRequests) scope.recycle(`${settled} jobs done`)
    },
  })
  const facts = { slot: boot.slot, age: boot.age, generation: boot.generation, name: boot.name }
  const run = createRun((self) => job(jobContext(facts, self, tracked, logger, beat)), {
    onFailed(error) {
      const problem = problemOf(error)
      log.event('job.failed', { problem }, error)
      end({ graceMs, exitCode: 1, problem: `its job failed: ${problem}` })
    },
  })

  /** Where it beat last. */
  const place: { stack?: string } = {}

  function beat(): void {
    if (!run.isRunning) return
    pulse.beat()
    Error.captureStackTrace(place, beat)
  }

  async function onListen(listen: TrappedListen): Promise<void> {
    try {
      const granted = await wishes.bind(listen.wish)
      if (listen.isCancelled()) (granted.handle as { close(): void }).close()
      else await web.openAt(listen.server as Server, [granted])
    } catch (error) {
      listen.fail(Object.assign(new Error(problemOf(error)), { code: 'EADDRINUSE', syscall: 'listen' }))
    }
  }

  /** What is still awaited cannot come any more: nothing is left that could bring it about. */
  function onNothingLeft(): void {
    over.reject(startFailed('it awaits what never comes: nothing is left on the event loop'))
    if (isReady && drain === null) {
      isEndTold = true
      log.event('job.over', { isRunning: run.isRunning })
      end({ graceMs, exitCode: 0, problem: 'its job came to its end' })
    }
    drain?.giveUp()
  }

  const startFailed = (problem: string, error?: unknown) => new MonocerosError('MON_APP_JOB_START', { spec, problem }, error)
  const unlessOver = (step: () => Promise<void>) => () => Promise.race([step(), over.promise])

  function tellCut(why: string): void {
    const requests = tracked.inFlight()
    const { isRunning } = run
    cutCount = requests.length
    // That the function alone is left was told with the end of the job.
    if (requests.length === 0 && isEndTold) return
    log.event('job.cut', { why, count: requests.length, isRunning, requests: requests.slice(0, requestsToldMax) })
  }

  function onGraceOver(grace: number): boolean {
    tellCut(`after the grace of ${grace} ms`)
    // The function does not heed its signal: the process is ended from outside, and shown before.
    if (run.isRunning) return false
    tracked.cut()
    return true
  }

  function onHopeless(): void {
    tellCut('as nothing is left on the event loop')
    tracked.cut()
  }

  /** Jobs that are begun by the last ones are waited for, too. */
  async function finished(): Promise<void> {
    await run.done
    await tracked.idle()
  }

  const exit = async () => {
    if (hasExited) return
    hasExited = true
    await scope.runHook('workerExit')
  }

  return {
    lastBeat: () =>
      (place.stack ?? '')
        .split('\n')
        .slice(1)
        .map((line) => line.trim()),
    onEnd(listener) {
      end = listener
    },
    hear(order, handle) {
      if (order.type === 'door') wishes.answer(order, handle)
    },
    traffic: {
      leave(order) {
        web.leave(order)
        drain = startJobDrain(order, { finished, onGraceOver, onHopeless, graceMsOf })
        run.end(order.reason)
      },
      hasten(order) {
        web.hasten(order)
        drain?.hasten(order)
      },
      async drained() {
        const [ofJobs, ofWeb] = await Promise.all([drain?.done, web.drained()])
        return { tookMs: Math.max(ofJobs?.tookMs ?? 0, ofWeb.tookMs), cutRequests: cutCount + ofWeb.cutRequests }
      },
    },
    program: {
      load: unlessOver(async () => {
        const startedMs = performance.now()
        await prepareWorker(scope)
        web.serveAs(asyncClass)
        pulse.setPhase('importing the app')
        const parsed = parseAppSpec(spec)
        if (!parsed.ok) throw parsed.error
        const found = await findApp(parsed.spec.module, process.cwd())
        if (!found.ok) throw found.error
        // PM2's habit: a program that sends `ready` to its parent is ready.
        process.send = ((message: unknown) => {
          if (message === 'ready') run.ready()
          return true
        }) as NonNullable<typeof process.send>
        installListenTrap((listen) => void onListen(listen))
        onImport()
        process.on('beforeExit', onNothingLeft)
        const namespace = await importApp(found.file, { cwd: process.cwd(), spec })
        hooks = hooksOf(namespace)
        job = await exportedJob(namespace, parsed.spec)
        channel.send({ type: 'loaded', kind: 'job', loadMs: Math.round(performance.now() - startedMs) })
      }),
      startUp: unlessOver(async () => {
        pulse.setPhase('running onStartup')
        try {
          await hooks.onStartup?.({ ...scope.facts(), name: boot.name })
        } catch (error) {
          throw new MonocerosError('MON_APP_STARTUP', { spec, problem: problemOf(error) }, error)
        }
        await scope.runHook('postWorkerInit')
      }),
      open: unlessOver(async () => {
        pulse.setPhase('in a job that has neither called ctx.ready() nor returned')
        try {
          await run.start()
        } catch (error) {
          throw startFailed(problemOf(error), error)
        }
        isReady = true
        void run.done.then(pulse.unbeat)
      }),
      interrupt() {
        interrupted ??= scope.runHook('workerInt')
      },
      async shutDown(patienceMs) {
        pulse.setPhase('running onShutdown')
        const steps = async () => {
          await interrupted
          await hooks.onShutdown?.({ ...scope.facts(), name: boot.name })
          await exit()
          // Last: many a program's own handler ends the process.
          await heldSignals.release(heldSignals.has('SIGTERM') ? 'SIGTERM' : 'SIGINT')
        }
        await within(patienceMs, steps())
      },
      exit,
      answer: async (question) => (await answerAppMetrics(question)) ?? { ok: false, problem: 'it runs in no thread' },
    },
  }
}
