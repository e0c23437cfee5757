/** The arbiter's sidecars: which there shall be, one after the other, and what a start, a reload and a stop mean to them. */
import { resolve } from 'node:path'
import { isDeepStrictEqual } from 'node:util'
import { type ActorRefFrom, createActor } from 'xstate'
import type { SidecarStopReason, sidecarMachine } from '../../../machines/sidecar.ts'
import { MonocerosError } from '../../base/errors.ts'
import { statePath } from '../../base/state-path.ts'
import type { SidecarSetting } from '../../config/kinds/sidecar.ts'
import type { Settings } from '../../config/settings.ts'
import type { SidecarView } from '../../ipc/snapshot.ts'
import { residentBytes } from '../../os/proc.ts'
import { findIdentity } from '../../os/user.ts'
import { createGuard } from '../../sidecars/guard.ts'
import { superviseCommand } from '../../sidecars/supervise-command.ts'
import { deferred } from '../deferred.ts'
import type { ArbiterScope, GenerationRecord } from './arbiter-scope.ts'
import { sidecarChart } from './sidecar-chart.ts'

export interface Sidecars {
  /**
   * Starts what is new in that record, one after the other, and starts anew what is another there; what it has no more is
   * kept. Settles when all are ready. @throws MON_SIDECAR_FAILED
   */
  start(record: GenerationRecord): Promise<void>
  /** A reload has ended, well or not: they become those of the generation that serves, as soon as no other needs them. */
  settle(reason: 'reload' | 'rollback'): void
  /** A worker is gone: perhaps it was the last that may need one which the present generation does not have. */
  sweep(): void
  watchWorker(pid: number): void
  forgetWorker(pid: number): void
  /** The last that was started ends first. */
  stop(isQuick: boolean): Promise<void>
  force(): void
  views(): SidecarView[]
}

interface Kept {
  readonly setting: SidecarSetting
  readonly actor: ActorRefFrom<typeof sidecarMachine>
  /** Null when it is ready for the first time, else why it will not be. */
  readonly settled: Promise<string | null>
  readonly stopped: Promise<void>
  readonly view: { startedAt: number | null; stateSince: number }
}

const overtaken = 'a newer reload was asked for'
/** What workers may take beyond their grace. */
const workersPatienceMs = 5_000

export function createSidecars(scope: ArbiterScope, first: Settings): Sidecars {
  const guard = createGuard({
    title: `monoceros: guard [${scope.name}]`,
    patienceMs: Math.max(first.gracefulTimeout, first.dirtyGracefulTimeout) * 1_000 + workersPatienceMs,
    onReplaced: (signal, pid) => scope.log.event('sidecar.guard-replaced', { signal, childPid: pid }),
  })
  // A reload may be the first to want any.
  const dirtyArbiter = scope.dirty?.view().arbiter ?? null
  for (const { pid } of [...scope.roster.rows(), ...(dirtyArbiter === null ? [] : [dirtyArbiter])]) guard.watchWorker(pid)
  /** In the order in which they were started. */
  let kept: Kept[] = []
  let turn: Promise<unknown> = Promise.resolve()
  let overtake = deferred()
  /** What a commit has left to the old workers. */
  let leftovers: readonly Kept[] = []
  let stopping: { isQuick: boolean } | null = null

  /** Changes that are under way, or wait for their turn. */
  let turns = 0

  /** One change after the other; one that waits gives up when another is asked for. */
  function inTurn<T>(work: (isOvertaken: Promise<void>) => Promise<T>): Promise<T> {
    overtake.resolve()
    overtake = deferred()
    const mine = overtake.promise
    turns++
    const next = turn.then(() => work(mine)).finally(() => turns--)
    turn = next.catch(() => undefined)
    return next
  }

  function launch(setting: SidecarSetting, settings: Settings, isAwaited: boolean): Kept {
    const { name, restart, bootTimeout, gracefulTimeout } = setting
    const settled = deferred<string | null>()
    const stopped = deferred()
    const view: Kept['view'] = { startedAt: null, stateSince: Date.now() }
    let lastLines: readonly string[] = []
    const of = (pid: number) => ({ sidecar: name, childPid: pid })
    const host = {
      setting,
      guard,
      cwd: resolve(settings.chdir, setting.cwd ?? '.'),
      identity: identityOf(settings),
      onBooting(pid: number) {
        view.startedAt = Date.now()
        scope.log.event('sidecar.booting', of(pid))
      },
      onLine: (pid: number, stream: string, line: string) => scope.log.event('sidecar.output', { ...of(pid), stream, line }),
      onDropped: (pid: number, count: number) => scope.log.event('sidecar.output-dropped', { ...of(pid), count }),
      onLate: (pid: number, seen: object) => scope.log.event('sidecar.autopsy', { ...of(pid), ...seen }),
      onGone(lines: readonly string[]) {
        view.startedAt = null
        lastLines = lines
      },
    }
    const actor = createActor(
      sidecarChart(scope, {
        supervise: (report) => superviseCommand(host, report),
        onReady: () => settled.resolve(null),
        onFailed: (problem) => settled.resolve(lastLines.length === 0 ? problem : `${problem}; the last it said: ${lastLines.join(' | ')}`),
        onStopped() {
          settled.resolve('it was told to stop')
          stopped.resolve()
        },
      }),
      {
        input: { name, restart, bootTimeoutMs: bootTimeout * 1_000, graceMs: gracefulTimeout * 1_000, isAwaited },
        inspect: scope.recorder.inspect(),
      },
    )
    let state = ''
    actor.subscribe((snapshot) => {
      const present = statePath(snapshot.value)
      if (present !== state) view.stateSince = Date.now()
      state = present
    })
    const one: Kept = { setting, actor, settled: settled.promise, stopped: stopped.promise, view }
    kept = [...kept, one]
    actor.start()
    return one
  }

  async function remove(one: Kept, reason: SidecarStopReason): Promise<void> {
    one.actor.send({ type: 'stop', reason, isQuick: stopping?.isQuick ?? false })
    await one.stopped
    kept = kept.filter((other) => other !== one)
  }

  /** Null when it is ready. */
  async function tryOne(setting: SidecarSetting, settings: Settings, isOvertaken: Promise<void>): Promise<string | null> {
    const one = launch(setting, settings, true)
    const problem = await Promise.race([one.settled, isOvertaken.then(() => overtaken)])
    if (problem !== null) await remove(one, 'rollback')
    return problem
  }

  function reload({ config: { settings } }: GenerationRecord): Promise<string | null> {
    let isOver = false
    return inTurn(async (isOvertaken) => {
      void isOvertaken.then(() => {
        isOver = true
      })
      for (const setting of settings.sidecars) {
        await Promise.resolve()
        if (isOver || stopping !== null) return overtaken
        const present = kept.find((one) => one.setting.name === setting.name)
        if (present !== undefined && isDeepStrictEqual(present.setting, setting)) continue
        // It holds what its successor needs: a port, a lock, a file. One ends before the other begins.
        if (present !== undefined) await remove(present, 'reload')
        const problem = await tryOne(setting, settings, isOvertaken)
        if (problem !== null) return `${setting.name}: ${problem}`
      }
      return null
    })
  }

  const isWanted = (one: Kept) => scope.current.config.settings.sidecars.some((setting) => isDeepStrictEqual(setting, one.setting))
  const isOldThere = () => scope.roster.rows().some(({ generation }) => generation < scope.current.facts.generation)

  async function clear(reason: SidecarStopReason): Promise<void> {
    const isNeeded = (one: Kept) => isWanted(one) || (isOldThere() && leftovers.includes(one))
    for (const one of kept.filter((other) => !isNeeded(other)).reverse()) await remove(one, reason)
  }

  return {
    async start(record) {
      const problem = await reload(record)
      if (problem !== null) throw new MonocerosError('MON_SIDECAR_FAILED', { problem })
    },
    settle(reason) {
      const { settings } = scope.current.config
      const isComplete = () => settings.sidecars.every(({ name }) => kept.some((one) => one.setting.name === name && isWanted(one)))
      if (turns === 0 && isComplete() && kept.every(isWanted)) return
      void inTurn(async () => {
        if (stopping !== null) return
        if (reason === 'reload') leftovers = kept.filter((one) => !isWanted(one))
        await clear(reason)
        for (const setting of settings.sidecars)
          if (!kept.some((one) => one.setting.name === setting.name)) launch(setting, settings, false)
      })
    },
    sweep() {
      if (isOldThere() || kept.every(isWanted)) return
      turn = turn.then(() =>
        stopping === null && scope.actor?.getSnapshot().matches({ ready: 'steady' }) === true ? clear('reload') : undefined,
      )
    },
    watchWorker: guard.watchWorker,
    forgetWorker: guard.forget,
    async stop(isQuick) {
      stopping = { isQuick: isQuick || (stopping?.isQuick ?? false) }
      if (stopping.isQuick)
        for (const { actor } of kept) if (actor.getSnapshot().matches('draining')) actor.send({ type: 'stop', reason: 'stop', isQuick })
      overtake.resolve()
      await turn
      for (const one of [...kept].reverse()) await remove(one, 'stop')
      await guard.close()
    },
    force() {
      for (const { actor } of kept) actor.send({ type: 'force' })
    },
    views: () =>
      kept.map(({ setting: { name, command, args, restart }, actor, view }) => {
        const { context, value } = actor.getSnapshot()
        const pid = view.startedAt === null ? null : context.pid
        const memoryBytes = pid === null ? 0 : residentBytes(pid)
        return {
          name,
          command: [command, ...args].join(' '),
          restart,
          pid,
          memoryBytes,
          state: statePath(value),
          restarts: Math.max(0, context.age - 1),
          ...view,
        }
      }),
  }
}

/** As the workers; who may not change it, is not asked to. */
function identityOf({ user, group }: Settings): { uid: number | null; gid: number | null } {
  const { uid, gid } = findIdentity(user, group, 'settings')
  const isSame = (uid === null || uid === process.geteuid?.()) && (gid === null || gid === process.getegid?.())
  return isSame ? { uid: null, gid: null } : { uid, gid }
}
