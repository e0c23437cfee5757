/** What makes a dirty worker: a socket for calls, and a pool of threads for each of its apps. */
import { unlinkSync } from 'node:fs'
import { createServer, type Socket } from 'node:net'
import { join } from 'node:path'
import { createOverseer } from '../../dirty-worker/overseer.ts'
import { childAutopsy } from '../../ipc/child-autopsy.ts'
import type { OrderToWorker } from '../../ipc/messages.ts'
import { nowMs } from '../../ipc/pulse.ts'
import { standBack } from '../../os/nice.ts'
import { hearFrames } from '../../wire/frames.ts'
import { threadSocket, workerSocket } from '../../wire/socket-path.ts'
import { type DrainOrder, graceMsOf } from '../../worker/drain.ts'
import { type Deferred, deferred, within } from '../deferred.ts'
import { answerAboutThreads } from '../thread-looks.ts'
import { runWorker, type WorkerEntry, type WorkerParts } from '../worker/worker.ts'
import { showPhase } from '../worker/worker-chart.ts'
import type { WorkerScope } from '../worker/worker-scope.ts'
import { prepareWorker } from '../worker/worker-setup.ts'
import { type AppPool, openAppPool } from './app-pool.ts'
import { lookAtApp } from './dirty-look.ts'

export const runDirtyWorker = (entry: WorkerEntry): Promise<void> => runWorker(entry, 'dirty-worker', dirtyParts)

const memoryLookMs = 1_000
/** Questions about calls are short. */
const questionMaxBytes = 64 * 1024
const mib = 2 ** 20

async function dirtyParts(scope: WorkerScope, entry: WorkerEntry): Promise<WorkerParts> {
  const { boot, settings, log, pulse, channel } = scope
  const dirty = boot.dirty ?? { folder: '', apps: [] }
  const path = join(dirty.folder, workerSocket(boot.slot, process.pid))
  const pools: AppPool[] = []
  const share = deferred<Extract<OrderToWorker, { type: 'share' }>>()
  let hasExited = false
  let drained: Deferred<{ tookMs: number; cutRequests: number }> | null = null
  let drainTimer: NodeJS.Timeout | undefined
  let drainedFromMs = 0
  let places = 0

  const overseer = createOverseer({
    cancelGraceMs: settings.dirtyCancelGrace * 1_000,
    nowMs,
    onServed(calls) {
      pulse.add('served', calls)
      const { dirtyMaxCalls } = settings
      const served = pulse.get('served')
      // With 1 the dirty arbiter knows it from the end of the only lease.
      if (dirtyMaxCalls > 1 && served >= dirtyMaxCalls) scope.recycle(`${served} calls served`)
    },
    onLeaseOver: (lease) => channel.send({ type: 'lease.over', lease }),
    onForced: ({ app }, { action, startedMs }, why) =>
      log.event('dirty.call-forced', { app, action, why, ageMs: Math.round(nowMs() - startedMs) }),
  })

  const server = createServer((socket: Socket) => {
    hearFrames(socket, questionMaxBytes, (frame) => overseer.onFrame(socket, frame))
  })

  const openPool = (app: string, spec: string, count: number): AppPool =>
    openAppPool(
      {
        ...{ app, spec, count, threadPath: entry.threadPath, heapMaxMib: settings.dirtyThreadMemoryLimit },
        frameMaxBytes: settings.dirtyFrameMax * mib,
        timeoutMs: settings.dirtyTimeout * 1_000,
        isCounted: settings.dirtyMaxCalls > 0,
        bootTimeoutMs: settings.bootTimeout * 900,
        graceMs: scope.graceMs,
      },
      {
        log,
        overseer,
        nextPlace: () => ++places,
        pathOf: (place) => join(dirty.folder, threadSocket(boot.slot, process.pid, place)),
        onPlace: (place, state) => channel.send({ type: 'place', place, app, state }),
        onAutopsy: (autopsy) =>
          channel.send({ type: 'autopsy', autopsy: childAutopsy('dirty-worker', { input: boot, pid: process.pid }, autopsy, false) }),
        wantSuccessor: scope.recycle,
        recorder: scope.recorder,
      },
    )

  const tookMs = () => Math.round(performance.now() - drainedFromMs)

  function drainFor(order: DrainOrder): void {
    clearTimeout(drainTimer)
    const giveUp = () => drained?.resolve({ tookMs: tookMs(), cutRequests: overseer.running })
    drainTimer = setTimeout(giveUp, Math.min(2 ** 31 - 1, graceMsOf(order)))
  }

  async function seeAllOff(): Promise<void> {
    await Promise.all(pools.map((pool) => pool.seeOff()))
    clearTimeout(drainTimer)
    drained?.resolve({ tookMs: tookMs(), cutRequests: 0 })
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

  /** Of what it had loaded for any slot, the rest goes. */
  function takeSlot({ slot, apps }: Extract<OrderToWorker, { type: 'promoted' }>): void {
    scope.who.slot = slot
    scope.apps = apps
    showPhase(scope, null)
    for (const pool of pools) if (!apps.includes(pool.app)) pool.close('not of this slot')
  }

  const exit = async () => {
    if (hasExited) return
    hasExited = true
    await scope.runHook('dirtyWorkerExit')
  }

  return {
    hear(order: OrderToWorker) {
      if (order.type === 'share') share.resolve(order)
      if (order.type === 'promoted') takeSlot(order)
      if (order.type !== 'revoke') return
      overseer.revoke(order.place, order.lease, order.isHolderGone)
    },
    traffic: {
      leave(order) {
        drainedFromMs = performance.now()
        drained = deferred()
        drainFor(order)
        void seeAllOff()
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
      answer: (question) =>
        answerAboutThreads(
          pools.flatMap((pool) => pool.lanes()),
          question,
        ),
      async shutDown(patienceMs) {
        pulse.setPhase('running onShutdown')
        const steps = async () => {
          for (const pool of pools) pool.close('stop')
          await Promise.all(pools.map(({ closed }) => closed.promise))
          await exit()
        }
        await within(patienceMs, steps())
      },
      async exit() {
        overseer.stop()
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
