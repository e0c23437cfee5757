/** A dirty pool whose apps run in threads of this process: the broker, the apps' threads and their sockets, without an arbiter. */
import { rmSync } from 'node:fs'
import { createServer, type Socket } from 'node:net'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { parseDirtySpec } from '../../base/dirty-spec.ts'
import type { Settings } from '../../config/settings.ts'
import { type BrokerServer, createBrokerServer } from '../../dirty-arbiter/broker-server.ts'
import { createDeaths } from '../../dirty-arbiter/deaths.ts'
import { createStash } from '../../dirty-arbiter/stash.ts'
import { forgetSession } from '../../dirty-client/dirty.ts'
import { createOverseer, type Overseer } from '../../dirty-worker/overseer.ts'
import type { DirtyAppFacts } from '../../ipc/messages.ts'
import { nowMs } from '../../ipc/pulse.ts'
import type { Log } from '../../log/error-log.ts'
import { autoWorkers } from '../../os/cgroup.ts'
import { makeRuntimeFolder, removeAtExit } from '../../os/runtime-folder.ts'
import { hearFrames } from '../../wire/frames.ts'
import { brokerSocket, socketVariable, threadSocket, workerSocket } from '../../wire/socket-path.ts'
import { type AppPool, openAppPool } from '../dirty/app-pool.ts'
import { lookAtApp } from '../dirty/dirty-look.ts'

export interface ThreadPoolOptions {
  readonly apps: readonly { readonly name: string; readonly spec: string }[]
  /** Those that begin with `dirty`, `stash` and `bootTimeout` count. */
  readonly settings: Settings
  /** The file of the threads' image. */
  readonly threadPath: string
  readonly log: Log
}

export interface ThreadPool {
  /** Where `dirty(app, { socket })` calls it. */
  readonly socket: string
  /**
   * What has begun is finished within the grace, then ended; no thread, socket or timer of it is left.
   *
   * @param graceMs null: as the settings say
   */
  close(graceMs: number | null): Promise<void>
}

const mib = 2 ** 20
const farewellMs = 100
/** Questions about calls are short. */
const questionMaxBytes = 64 * 1024

/** @throws MON_APP_NOT_FOUND, MON_APP_IMPORT, MON_DIRTY_LOAD, MON_DIRTY_RESERVED, MON_BOOT_FAILED: then nothing is left of it */
export async function openThreadPool(options: ThreadPoolOptions): Promise<ThreadPool> {
  const facts = await Promise.all(options.apps.map(({ name, spec }) => lookAtApp({ entryPath: options.threadPath, app: name, spec })))
  const parts = openParts(options, facts)
  try {
    await Promise.all([parts.server.listen(), parts.listen()])
    parts.open()
    await Promise.all(parts.pools.map(({ opened }) => opened.promise))
  } catch (error) {
    await parts.close(0)
    throw error
  }
  return { socket: parts.socket, close: parts.close }
}

interface Parts {
  readonly socket: string
  readonly server: BrokerServer
  readonly pools: readonly AppPool[]
  listen(): Promise<void>
  open(): void
  close(graceMs: number | null): Promise<void>
}

function openParts({ apps, settings, threadPath, log }: ThreadPoolOptions, facts: readonly DirtyAppFacts[]): Parts {
  const folder = makeRuntimeFolder({ uid: null, gid: null })
  // Where this process is ended without a word to the pool.
  const removeFolder = removeAtExit(folder)
  const [socket, workerPath] = [join(folder, brokerSocket), join(folder, workerSocket(0, process.pid))]
  const pathOf = (place: number) => join(folder, threadSocket(0, process.pid, place))
  const pools: AppPool[] = []
  const poolOf = new Map<number, AppPool>()
  const questioners = new Set<Socket>()
  let places = 0
  let closing: Promise<void> | null = null

  const stash = createStash({ entriesMax: settings.stashEntriesMax, bytesMax: settings.stashBytesMax * mib }, () => performance.now())
  for (const table of facts.flatMap(({ stashes }) => stashes)) stash.ensure(table)

  const overseer: Overseer = createOverseer({
    cancelGraceMs: settings.dirtyCancelGrace * 1_000,
    nowMs,
    onServed(_, { place, page }) {
      const { dirtyMaxCalls } = settings
      // With 1 the broker tells, when the only lease is over.
      if (dirtyMaxCalls > 1 && page.done() >= dirtyMaxCalls) poolOf.get(place)?.recycle(place, `${page.done()} calls served`)
    },
    onLeaseOver: (lease) => server.broker.release(lease),
    onForced: ({ app }, { action, startedMs }, why) =>
      log.event('dirty.call-forced', { app, action, why, ageMs: Math.round(nowMs() - startedMs) }),
  })

  const server = createBrokerServer({
    path: socket,
    welcome: () => ({ timeoutMs: settings.dirtyTimeout * 1_000, frameMaxBytes: settings.dirtyFrameMax * mib }),
    queueMax: settings.dirtyQueueMax,
    stash,
    deaths: createDeaths(),
    addressOf: (place) => ({ path: pathOf(place), workerPath, place }),
    revoke: (place, lease, isHolderGone) => overseer.revoke(place, lease, isHolderGone),
    onSpent: (place) => poolOf.get(place)?.recycle(place, 'it has had its call'),
  })
  server.broker.setApps(apps.map(({ name }) => name))

  const questions = createServer((one) => {
    questioners.add(one)
    one.once('close', () => questioners.delete(one))
    hearFrames(one, questionMaxBytes, (frame) => overseer.onFrame(one, frame))
  })

  /** As many as would run it in processes: workers that have it, times threads. */
  function countOf({ workers, threads }: DirtyAppFacts, spec: string): number {
    const parsed = parseDirtySpec(spec)
    const all = settings.dirtyWorkers === 'auto' ? autoWorkers() : settings.dirtyWorkers
    const having = Math.min(all, (parsed.ok ? parsed.spec.workers : null) ?? workers ?? all)
    return having * (settings.dirtyMaxCalls === 1 ? 1 : (threads ?? settings.dirtyThreads))
  }

  function openApp(app: string, spec: string, count: number): AppPool {
    const { broker } = server
    const open = new Set<number>()
    const expect = () => broker.setComing(app, open.size < count)
    const pool: AppPool = openAppPool(
      {
        ...{ app, spec, count, threadPath, heapMaxMib: settings.dirtyThreadMemoryLimit },
        env: { ...process.env, [socketVariable]: socket },
        frameMaxBytes: settings.dirtyFrameMax * mib,
        timeoutMs: settings.dirtyTimeout * 1_000,
        isCounted: settings.dirtyMaxCalls > 1,
        bootTimeoutMs: settings.bootTimeout * 1_000,
        graceMs: settings.dirtyGracefulTimeout * 1_000,
      },
      {
        log,
        overseer,
        nextPlace: () => ++places,
        pathOf,
        onPlace(place, state) {
          if (state === 'open') {
            poolOf.set(place, pool)
            open.add(place)
            if (settings.dirtyMaxCalls === 1) broker.setSingle(place, place)
          } else open.delete(place)
          expect()
          if (state === 'open') broker.setCapacity(place, app, 1)
          else if (state === 'leaving') broker.retireWorker(place)
          else {
            poolOf.delete(place)
            broker.loseWorker(place)
            broker.forgetProcess(place)
            rmSync(pathOf(place), { force: true })
          }
        },
        onAutopsy: () => undefined,
        // There is no other process: the pool goes on with the threads that it has.
        wantSuccessor: () => undefined,
        // Its log tells of them; there is nobody who would ask for a recording.
        recorder: { inspect: () => () => undefined },
      },
    )
    return pool
  }

  async function closeAll(graceMs: number | null): Promise<void> {
    server.broker.close()
    const hadCalls = overseer.running > 0
    for (const pool of pools) pool.close('stop')
    const kill = () => {
      for (const pool of pools) pool.kill('the pool closes')
    }
    const timer = graceMs === null ? undefined : setTimeout(kill, Math.min(graceMs, 2 ** 31 - 1))
    await Promise.all(pools.map(({ closed }) => closed.promise))
    clearTimeout(timer)
    // Callers of what was cut ask how its thread has ended, and there is nobody who would answer after us.
    if (hadCalls) await sleep(farewellMs)
    overseer.stop()
    server.close()
    questions.close()
    for (const one of questioners) one.destroy()
    forgetSession(socket)
    removeFolder()
  }

  return {
    socket,
    server,
    pools,
    listen: () =>
      new Promise((resolve, reject) => {
        questions.once('error', reject)
        questions.listen(workerPath, resolve)
      }),
    open() {
      for (const [index, { name, spec }] of apps.entries()) pools.push(openApp(name, spec, countOf(facts[index]!, spec)))
    },
    close: (graceMs) => (closing ??= closeAll(graceMs)),
  }
}
