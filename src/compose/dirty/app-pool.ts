/** The threads of one dirty app in this process, behind their chart: the same in a dirty worker and in a pool of threads. */
import { createActor } from 'xstate'
import { isStuck, lanesMaxOf } from '../../../machines/thread-pool-rules.ts'
import { MonocerosError, problemOf } from '../../base/errors.ts'
import type { Overseer } from '../../dirty-worker/overseer.ts'
import type { Autopsy } from '../../ipc/messages.ts'
import type { Log } from '../../log/error-log.ts'
import { createThreads } from '../../threads/threads.ts'
import { cannotBootFacts } from '../cannot-boot.ts'
import type { ChildRecorder } from '../child-recorder.ts'
import { type Deferred, deferred } from '../deferred.ts'
import { threadPoolChart } from '../thread-pool-chart.ts'
import { type DirtyLane, startDirtyLane } from './dirty-lanes.ts'

export interface AppPoolOptions {
  readonly app: string
  readonly spec: string
  /** How many threads run it. */
  readonly count: number
  readonly threadPath: string
  readonly heapMaxMib: number
  /** Of the threads; without it that of this process. */
  readonly env?: NodeJS.ProcessEnv
  readonly frameMaxBytes: number
  /** Upper limit of any call; 0 = none. */
  readonly timeoutMs: number
  /** Each call that ends is told, and not only counted. */
  readonly isCounted: boolean
  readonly bootTimeoutMs: number
  readonly graceMs: number
}

export interface AppPoolHost {
  readonly log: Log
  readonly overseer: Overseer
  /** Of a thread: unique in this process. */
  nextPlace(): number
  /** Where the thread of a place listens. */
  pathOf(place: number): string
  onPlace(place: number, state: 'open' | 'leaving' | 'gone'): void
  onAutopsy(autopsy: Autopsy): void
  /** Only the end of the process ends what is stuck in it. */
  wantSuccessor(reason: string): void
  readonly recorder: Pick<ChildRecorder, 'inspect'>
}

export interface AppPool {
  readonly app: string
  /** Settles when its threads have loaded the app. @throws MonocerosError why they cannot */
  readonly opened: Deferred<void>
  readonly closed: Deferred<void>
  isStuck(): boolean
  /** Its threads take no more calls; settles when none runs. */
  seeOff(): Promise<unknown>
  /** Each thread finishes what it has, and ends; `closed` tells when. */
  close(reason: string): void
  /** Ends its threads now, whatever they do. */
  kill(reason: string): void
  /** The thread of a place is to go when another is ready in its stead. */
  recycle(place: number, reason: string): void
  lanes(): readonly DirtyLane[]
}

export function openAppPool(options: AppPoolOptions, host: AppPoolHost): AppPool {
  const { app, spec, count } = options
  const { log, overseer } = host
  const opened = deferred()
  const closed = deferred()
  const lanes = new Map<number, DirtyLane>()
  let bootError: MonocerosError | null = null
  const threads = createThreads({
    entryPath: options.threadPath,
    threadsMax: lanesMaxOf(count),
    heapMaxMib: options.heapMaxMib,
    ...(options.env === undefined ? {} : { env: options.env }),
  })
  const actor = createActor(
    threadPoolChart(host, {
      startLane(input, report) {
        const place = host.nextPlace()
        const life = startDirtyLane(
          input,
          {
            orders: {
              app,
              spec,
              path: host.pathOf(place),
              frameMaxBytes: options.frameMaxBytes,
              timeoutMs: options.timeoutMs,
              isCounted: options.isCounted,
            },
            place,
            log,
            threads,
            overseer,
            onCannotOpen({ error }) {
              bootError ??= MonocerosError.fromData(error)
              if (lanes.size > 0) log.event('thread.cannot-boot', { app, ...cannotBootFacts(error) })
            },
            onAutopsy: host.onAutopsy,
            onPlace(state) {
              if (state === 'open') lanes.set(place, life)
              else if (state === 'gone') lanes.delete(place)
              host.onPlace(place, state)
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
      wantSuccessor: host.wantSuccessor,
    }),
    {
      input: { min: count, max: count, bootTimeoutMs: options.bootTimeoutMs, graceMs: options.graceMs },
      inspect: host.recorder.inspect(app),
    },
  )
  // Nobody else hears of it, and XState would throw it at the whole process.
  actor.subscribe({ error: (error) => log.event('chart.failed', { problem: problemOf(error) }, error) })
  actor.start()
  actor.send({ type: 'open' })
  return {
    app,
    opened,
    closed,
    isStuck: () => isStuck(actor.getSnapshot().context),
    seeOff: () => Promise.all([...lanes.values()].map((lane) => lane.seeOff())),
    close: (reason) => actor.send({ type: 'close', reason }),
    kill(reason) {
      for (const { thread } of lanes.values()) actor.send({ type: 'lane.kill', lane: thread, reason })
    },
    recycle(place, reason) {
      const lane = lanes.get(place)?.thread
      if (lane !== undefined) actor.send({ type: 'lane.recycle', lane, reason })
    },
    lanes: () => [...lanes.values()],
  }
}
