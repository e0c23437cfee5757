/** The user's program in a worker of class gthread: its threads have it, the main thread has the connections. */
import { createActor } from 'xstate'
import { isStuck, lanesMaxOf } from '../../../machines/thread-pool-rules.ts'
import { MonocerosError, problemOf } from '../../base/errors.ts'
import { childAutopsy } from '../../ipc/child-autopsy.ts'
import { nowMs } from '../../ipc/pulse.ts'
import type { ServerFacts, ThreadOrders } from '../../lanes/thread-control.ts'
import { createDispatcher } from '../../threads/dispatcher.ts'
import { findOverdue } from '../../threads/overdue.ts'
import { createPressure } from '../../threads/pressure.ts'
import { createThreads } from '../../threads/threads.ts'
import type { Wishes } from '../../worker/wishes.ts'
import { asyncClass } from '../../worker/worker-class.ts'
import { cannotBootFacts } from '../cannot-boot.ts'
import { deferred, within } from '../deferred.ts'
import { answerAboutThreads, type LookedAt } from '../thread-looks.ts'
import { threadPoolChart } from '../thread-pool-chart.ts'
import { answerAppMetrics } from './app-metrics-answer.ts'
import { type LaneLife, type LanesHost, startLane } from './worker-lanes.ts'
import type { Program } from './worker-program.ts'
import type { WorkerScope } from './worker-scope.ts'
import { prepareWorker } from './worker-setup.ts'
import { createThreadDoors } from './worker-thread-doors.ts'
import type { Traffic } from './worker-traffic.ts'

/** How often the pool looks after its threads. */
const lookMs = 100
const tellMs = 1_000
/** Less than the arbiter waits, so that one thread that is stuck does not cost what the others tell. */
const metricsPatienceMs = 300
/** A heap this full on two looks in a row is about to meet its limit. */
const heapFullShare = 0.85
/** What V8 must be able to move out of the young generation at once: with less room it gives up, however small the heap. */
const heapRoomBytes = 8 * 2 ** 20

export function createThreadsProgram(
  scope: WorkerScope,
  traffic: Traffic,
  wishes: Wishes,
  threadPath: string,
): Program & { readonly isStuck: boolean } {
  const { boot, settings, log, pulse, channel } = scope
  const timeoutMs = settings.timeout * 1_000
  // When every thread is stuck, it takes the timeout to see it, and then others may take as long to get ready as is allowed.
  const waitMaxMs = timeoutMs === 0 ? 0 : timeoutMs + settings.bootTimeout * 1_000
  const dispatcher = createDispatcher({ queueMax: settings.threadQueueMax, waitMaxMs, nowMs, onWaited: pulse.waited })
  const threads = createThreads({
    entryPath: threadPath,
    threadsMax: lanesMaxOf(settings.threads),
    heapMaxMib: settings.threadMemoryLimit,
  })
  const doors = createThreadDoors(scope, traffic, wishes, dispatcher)
  const lives = new Map<number, LaneLife>()
  const opened = deferred()
  const closed = deferred()
  let kind: string | null = null
  let exportedServer: ServerFacts | null = null
  let bootError: MonocerosError | null = null
  let interrupted: Promise<void> | undefined
  let hasExited = false

  const ordersFor = (lane: number): ThreadOrders => ({
    lane,
    spec: settings.app ?? '',
    name: boot.name,
    facts: { pid: process.pid, ppid: boot.arbiterPid, slot: boot.slot, age: boot.age, generation: boot.generation },
    concurrency: settings.threadConcurrency,
    keepaliveMs: settings.keepalive * 1_000,
    isFastResponse: settings.fastResponse,
    isBodyCounted: scope.accessLog !== null,
  })

  const host = (): LanesHost => ({
    log,
    threads,
    dispatcher,
    isHeadKept: scope.accessLog !== null || scope.hooks.postRequest !== undefined,
    onAutopsy: (autopsy) =>
      scope.channel.send({ type: 'autopsy', autopsy: childAutopsy('worker', { input: scope.boot, pid: process.pid }, autopsy, false) }),
    ordersFor,
    addressOf: doors.addressOf,
    listen: doors.listen,
    onOpened(answer) {
      if (kind !== null) return
      kind = answer.kind
      exportedServer = answer.server
      channel.send({ type: 'loaded', kind, loadMs: answer.loadMs })
    },
    onCannotOpen({ error }, tellOfThread) {
      if (kind === null) bootError ??= MonocerosError.fromData(error)
      else {
        tellOfThread('thread.cannot-boot', cannotBootFacts(error))
      }
    },
  })

  const pool = createActor(
    threadPoolChart(scope, {
      startLane(input, report) {
        const life = startLane(input, host(), report)
        lives.set(input.lane, life)
        return {
          obey: life.obey,
          forget() {
            if (lives.get(input.lane) === life) lives.delete(input.lane)
          },
        }
      },
      onOpen: opened.resolve,
      onCannotOpen: (problem) =>
        opened.reject(bootError ?? new MonocerosError('MON_BOOT_FAILED', { problem: `a thread could not start: ${problem}` })),
      onClosed: closed.resolve,
      wantSuccessor: scope.recycle,
    }),
    {
      input: {
        min: settings.threadsMin === 0 ? settings.threads : settings.threadsMin,
        max: settings.threads,
        // Before the arbiter's patience is over: what a thread was at while it booted is told from here.
        bootTimeoutMs: settings.bootTimeout * 900,
        graceMs: settings.gracefulTimeout * 1_000,
      },
      inspect: scope.recorder.inspect(),
    },
  )
  pool.subscribe({ error: (error) => log.event('chart.failed', { problem: problemOf(error) }, error) })

  const pressure = createPressure()
  const fullLooks = new Map<number, number>()
  function look(): void {
    const now = nowMs()
    dispatcher.sweep()
    for (const { lane } of lives.values()) {
      const overdue = findOverdue(lane, timeoutMs, now)
      if (overdue?.what === 'blocked') {
        const event = { type: 'lane.overdue', lane: lane.number, blockedMs: overdue.blockedMs } as const
        const { method, url } = lane.held().find((exchange) => !exchange.isOver)?.req ?? {}
        scope.recorder.because(method === undefined ? null : `${method} ${url?.split('?', 1)[0]}`, () => pool.send(event))
      } else if (overdue?.what === 'hung') {
        for (const exchange of overdue.exchanges) {
          const { method, url } = exchange.req
          log.event('request.hung', {
            thread: lane.number,
            method,
            path: url?.split('?', 1)[0],
            ageMs: Math.round(now - exchange.startedMs),
          })
          lane.giveUp(exchange, 504)
        }
        pool.send({ type: 'lane.recycle', lane: lane.number, reason: 'a request hung in it' })
      }
      if (lane.isLeaving) continue
      watchWear(lane, now)
    }
    const isSaturated = pressure.look(dispatcher.isSaturated, now)
    if (isSaturated !== null) pool.send({ type: 'pressure', isSaturated })
  }

  /** Why a thread may have to be replaced although it does its work. */
  function watchWear(lane: LaneLife['lane'], now: number): void {
    const { heapBytes, heapMaxBytes } = lane.vitals.read()
    const isFull = heapMaxBytes > 0 && heapBytes > Math.min(heapMaxBytes * heapFullShare, heapMaxBytes - heapRoomBytes)
    const looks = isFull ? (fullLooks.get(lane.number) ?? 0) + 1 : 0
    fullLooks.set(lane.number, looks)
    if (looks >= 2)
      pool.send({
        type: 'lane.recycle',
        lane: lane.number,
        reason: `its heap is at ${Math.round((heapBytes / heapMaxBytes) * 100)} % of its limit`,
      })
    const { threadMaxRequests, threadIdleTimeout } = settings
    if (threadMaxRequests > 0 && lane.handled >= spread(threadMaxRequests, lane.number)) {
      pool.send({ type: 'lane.recycle', lane: lane.number, reason: `${lane.handled} requests served` })
    }
    if (settings.threadsMin > 0 && lane.inFlight === 0 && now - lane.idleSinceMs > threadIdleTimeout * 1_000) {
      pool.send({ type: 'lane.idle', lane: lane.number })
    }
  }

  /** Up to a tenth more, another share for each thread: they would all be replaced at once. */
  const spread = (count: number, lane: number) => count + Math.floor((count / 10) * ((lane % settings.threads) / settings.threads))

  let told = ''
  function tell(): void {
    const facts = [...lives.values()].map(({ lane, utilization }) => ({
      thread: lane.number,
      isLeaving: lane.isLeaving,
      inFlight: lane.inFlight,
      handled: lane.handled,
      utilization: Math.round(utilization() * 100) / 100,
      heapBytes: lane.vitals.read().heapBytes,
    }))
    const text = JSON.stringify(facts.map(({ heapBytes: _, ...rest }) => rest))
    if (text === told) return
    told = text
    channel.send({ type: 'threads', threads: facts, waiting: dispatcher.waiting })
  }

  const appMetrics = () =>
    Promise.all([...lives].map(async ([thread, life]) => ({ thread, metrics: await life.appMetrics(metricsPatienceMs) })))

  const exit = async () => {
    if (hasExited) return
    hasExited = true
    await scope.runHook('workerExit')
  }

  return {
    get isStuck() {
      return isStuck(pool.getSnapshot().context)
    },
    async load() {
      await prepareWorker(scope)
      traffic.serveAs(asyncClass)
      pulse.setPhase('importing the app')
      pool.start()
      pool.send({ type: 'open' })
      await opened.promise
      setInterval(look, lookMs)
      setInterval(tell, tellMs)
    },
    async startUp() {
      pulse.setPhase('running onStartup')
      await scope.runHook('postWorkerInit')
    },
    async open() {
      pulse.setPhase('opening')
      if (exportedServer === null) return
      await doors.openExported(exportedServer)
    },
    interrupt() {
      interrupted ??= scope.runHook('workerInt')
    },
    async shutDown(patienceMs) {
      pulse.setPhase('running onShutdown')
      const steps = async () => {
        await interrupted
        pool.send({ type: 'close', reason: 'stop' })
        await closed.promise
        await exit()
      }
      await within(patienceMs, steps())
    },
    exit,
    answer: async (question) => (await answerAppMetrics(question, appMetrics)) ?? answerAboutThreads(looksOf(lives.values()), question),
  }
}

const looksOf = (lives: Iterable<LaneLife>): LookedAt[] =>
  [...lives].map((life) => ({ thread: life.lane.number, requests: life.requests, stack: life.stack }))
