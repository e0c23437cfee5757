/** What makes a dirty worker: a socket for calls, and a pool of threads for each of its apps. */
import { unlinkSync } from 'node:fs'
import { createServer, type Socket } from 'node:net'
import { join } from 'node:path'
import { createActor } from 'xstate'
import { isStuck, lanesMaxOf } from '../../machines/thread-pool-rules.ts'
import { MonocerosError } from '../base/errors.ts'
import { createJobs, type Jobs } from '../dirty-worker/jobs.ts'
import type { OrderToWorker } from '../ipc/messages.ts'
import { nowMs } from '../ipc/pulse.ts'
import { standBack } from '../os/nice.ts'
import { createThreads } from '../threads/threads.ts'
import { readFrames } from '../wire/frames.ts'
import { type DrainOrder, graceMsOf } from '../worker/drain.ts'
import { cannotBootFacts } from './cannot-boot.ts'
import { type Deferred, deferred, within } from './deferred.ts'
import { startDirtyLane } from './dirty-lanes.ts'
import { lookAtApp } from './dirty-look.ts'
import { threadPoolChart } from './thread-pool-chart.ts'
import { runWorker, type WorkerEntry, type WorkerParts } from './worker.ts'
import { showPhase } from './worker-chart.ts'
import type { WorkerScope } from './worker-scope.ts'
import { prepareWorker } from './worker-setup.ts'

export const runDirtyWorker = (entry: WorkerEntry): Promise<void> => runWorker(entry, 'dirty-worker', dirtyParts)

const memoryLookMs = 1_000
/** Longer than a lease is kept without a call. */
const quietMs = 150
const mib = 2 ** 20

interface Pool {
  readonly app: string
  send(
    event:
      | { type: 'open' }
      | { type: 'close'; reason: string }
      | { type: 'lane.overdue'; lane: number; blockedMs: number }
      | { type: 'lane.kill'; lane: number; reason: string },
  ): void
  isStuck(): boolean
  readonly opened: Deferred<void>
  readonly closed: Deferred<void>
}

async function dirtyParts(scope: WorkerScope, entry: WorkerEntry): Promise<WorkerParts> {
  const { boot, settings, log, pulse, channel } = scope
  const dirty = boot.dirty ?? { folder: '', apps: [] }
  const path = join(dirty.folder, `worker-${boot.slot}-${process.pid}.sock`)
  const pools: Pool[] = []
  const revoked = new Set<string>()
  const share = deferred<Extract<OrderToWorker, { type: 'share' }>>()
  let hasExited = false
  let drained: Deferred<{ tookMs: number; cutRequests: number }> | null = null
  let drainTimer: NodeJS.Timeout | undefined
  let quietTimer: NodeJS.Timeout | undefined
  let drainedFromMs = 0

  const jobs: Jobs = createJobs({
    cancelGraceMs: settings.dirtyCancelGrace * 1_000,
    timeoutMs: settings.dirtyTimeout * 1_000,
    frameMaxBytes: settings.dirtyFrameMax * mib,
    nowMs,
    onLeaseOver(lease) {
      if (revoked.delete(lease)) channel.send({ type: 'lease.over', lease })
    },
    onJobDone() {
      pulse.add('served', 1)
      const { dirtyMaxCalls } = settings
      if (dirtyMaxCalls > 0 && jobs.done >= dirtyMaxCalls) scope.recycle(`${jobs.done} calls served`)
      endDrainIfIdle()
    },
    onForced: (job, why) =>
      log.event('dirty.call-forced', { app: job.head.app, action: job.head.action, why, ageMs: Math.round(nowMs() - job.startedMs) }),
  })

  const server = createServer((socket: Socket) => {
    const caller = jobs.connect(socket)
    const reader = readFrames(settings.dirtyFrameMax * mib, caller.onFrame, caller.onTooLarge)
    socket.on('data', reader.push)
  })

  function openPool(app: string, spec: string, count: number): Pool {
    const opened = deferred()
    const closed = deferred()
    let serving = 0
    let bootError: MonocerosError | null = null
    const threads = createThreads({ entryPath: entry.threadPath, threadsMax: lanesMaxOf(count), heapMaxMib: 0 })
    const actor = createActor(
      threadPoolChart(scope, {
        startLane(input, report) {
          const life = startDirtyLane(
            input,
            {
              app,
              spec,
              log,
              threads,
              jobs,
              onCannotOpen({ error }) {
                bootError ??= MonocerosError.fromData(error)
                if (serving > 0) log.event('thread.cannot-boot', { app, ...cannotBootFacts(error) })
              },
              onServing(by) {
                serving += by
                channel.send({ type: 'capacity', app, count: serving })
              },
              end(lane, why, reason, ageMs) {
                if (why === 'overdue') actor.send({ type: 'lane.overdue', lane, blockedMs: ageMs })
                else actor.send({ type: 'lane.kill', lane, reason })
              },
            },
            report,
          )
          return { obey: life.obey, forget: () => undefined }
        },
        onOpen: opened.resolve,
        onCannotOpen: (problem) => opened.reject(bootError ?? new MonocerosError('MON_BOOT_FAILED', { problem: `${app}: ${problem}` })),
        onClosed: closed.resolve,
        wantSuccessor: scope.recycle,
      }),
      {
        input: { min: count, max: count, bootTimeoutMs: settings.bootTimeout * 900, graceMs: scope.graceMs },
        inspect: scope.recorder.inspect(app),
      },
    )
    actor.start()
    actor.send({ type: 'open' })
    return { app, send: (event) => actor.send(event), isStuck: () => isStuck(actor.getSnapshot().context), opened, closed }
  }

  /** A holder may have sent a call before it was told to give its lease back. */
  function endDrainIfIdle(): void {
    clearTimeout(quietTimer)
    if (drained === null || jobs.running > 0) return
    quietTimer = setTimeout(() => {
      clearTimeout(drainTimer)
      drained?.resolve({ tookMs: Math.round(performance.now() - drainedFromMs), cutRequests: 0 })
    }, quietMs)
  }

  function drainFor(order: DrainOrder): void {
    clearTimeout(drainTimer)
    drainTimer = setTimeout(
      () => drained?.resolve({ tookMs: Math.round(performance.now() - drainedFromMs), cutRequests: jobs.running }),
      Math.min(2 ** 31 - 1, graceMsOf(order)),
    )
    endDrainIfIdle()
  }

  function watchMemory(): void {
    const { dirtyMemoryLimit } = settings
    if (dirtyMemoryLimit === 0) return
    setInterval(() => {
      const usedMib = Math.round(process.memoryUsage.rss() / mib)
      if (usedMib > dirtyMemoryLimit) scope.recycle(`it uses ${usedMib} MiB of memory`)
    }, memoryLookMs).unref()
  }

  /** The dirty arbiter shares the apps out once their classes have said how many workers each wants: the first worker asks them. */
  async function callRoll(): Promise<Extract<OrderToWorker, { type: 'share' }>> {
    const looks = dirty.apps.map(({ name, spec }) => lookAtApp({ entryPath: entry.threadPath, app: name, spec }))
    channel.send({ type: 'apps', apps: await Promise.all(looks) })
    return share.promise
  }

  const exit = async () => {
    if (hasExited) return
    hasExited = true
    await scope.runHook('dirtyWorkerExit')
  }

  return {
    hear(order: OrderToWorker) {
      if (order.type === 'share') share.resolve(order)
      if (order.type !== 'revoke') return
      revoked.add(order.lease)
      jobs.revoke(order.lease, order.isHolderGone)
    },
    traffic: {
      leave(order) {
        drainedFromMs = performance.now()
        drained = deferred()
        drainFor(order)
      },
      hasten: drainFor,
      drained: () => drained?.promise ?? Promise.resolve({ tookMs: 0, cutRequests: 0 }),
    },
    program: {
      get isStuck() {
        return pools.some((pool) => pool.isStuck())
      },
      async load() {
        // Before any thread is there: those that come inherit it.
        standBack(settings.dirtyNice)
        await prepareWorker(scope, 'dirtyPostFork')
        pulse.setPhase('importing the app')
        const { apps, threads } = boot.dirtyThreads === undefined ? await callRoll() : { ...dirty, threads: boot.dirtyThreads }
        scope.apps = apps.map(({ name }) => name)
        showPhase(scope, 'booting')
        for (const { name, spec } of apps) pools.push(openPool(name, spec, threads[name] ?? settings.dirtyThreads))
        await Promise.all(pools.map(({ opened }) => opened.promise))
        channel.send({ type: 'loaded', kind: 'dirty', loadMs: Math.round(performance.now()) })
      },
      async startUp() {
        pulse.setPhase('running onStartup')
        await scope.runHook('dirtyWorkerInit')
      },
      async open() {
        pulse.setPhase('opening')
        await new Promise<void>((resolve, reject) => {
          server.once('error', reject)
          server.listen(path, resolve)
        })
        watchMemory()
      },
      interrupt: () => undefined,
      async shutDown(patienceMs) {
        pulse.setPhase('running onShutdown')
        const steps = async () => {
          for (const pool of pools) pool.send({ type: 'close', reason: 'stop' })
          await Promise.all(pools.map(({ closed }) => closed.promise))
          await exit()
        }
        await within(patienceMs, steps())
      },
      async exit() {
        await exit()
        try {
          unlinkSync(path)
        } catch {
          // It never listened, or the folder is gone with its arbiter.
        }
      },
    },
  }
}
