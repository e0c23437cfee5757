/** The arbiter's side of the dirty pool: the folder of its sockets, its dirty arbiter, and what a start, reload and stop mean to it. */
import { rmSync } from 'node:fs'
import { join } from 'node:path'
import { createActor } from 'xstate'
import type { HandleInput } from '../../../machines/worker-handle.ts'
import { createRoster } from '../../arbiter/roster.ts'
import { type Supervised, type Supervision, type SupervisionHost, supervise } from '../../arbiter/supervision.ts'
import { nameDirtyApps, parseDirtySpec } from '../../base/dirty-spec.ts'
import { type ErrorData, MonocerosError } from '../../base/errors.ts'
import { statePath } from '../../base/state-path.ts'
import { hookRows } from '../../config/sections/hooks.ts'
import { autopsyFacts } from '../../ipc/autopsy-facts.ts'
import { childAutopsy } from '../../ipc/child-autopsy.ts'
import type { BootOrder, DirtyBoot, DirtyPoolFacts } from '../../ipc/messages.ts'
import type { Question, QuestionAnswer } from '../../ipc/questions.ts'
import type { ProcessView } from '../../ipc/snapshot.ts'
import type { EventName } from '../../log/events.ts'
import type { Level } from '../../log/level.ts'
import { makeRuntimeFolder } from '../../os/runtime-folder.ts'
import { titleRoom } from '../../os/title.ts'
import { findIdentity } from '../../os/user.ts'
import { brokerSocket, socketVariable } from '../../wire/socket-path.ts'
import { cannotBootFacts } from '../cannot-boot.ts'
import { type Deferred, deferred } from '../deferred.ts'
import { frozenAfterMs } from '../frozen-after.ts'
import { withLevel } from '../with-level.ts'
import { noGauges } from '../worker-views.ts'
import { tellChild } from './arbiter-news.ts'
import type { ArbiterScope, GenerationRecord } from './arbiter-scope.ts'
import { keeperChart } from './keeper-chart.ts'

export interface DirtyKeeper {
  /** Settles when calls can be made. @throws why they cannot */
  start(): Promise<void>
  /**
   * Replaces the dirty workers; null when all of the new are ready, else the problem: then the old serve on. Apps that the
   * record does not name any more are kept, for workers of older generations that may still call them.
   */
  reload(record: GenerationRecord): Promise<string | null>
  /** It has apps that its record does not name. */
  readonly keepsOld: boolean
  /** The dirty workers become those of the generation that serves, and of it alone, where they are not. */
  settle(): void
  stop(isQuick: boolean): Promise<void>
  force(): void
  reopen(): void
  view(): DirtyView
  /** @param ofWorker one of its workers; null: the dirty arbiter itself */
  ask(question: Question, patienceMs: number, ofWorker: number | null): Promise<QuestionAnswer>
  setLevel(level: Level): void
  /** Asks for what `view` answers, and settles when it has come, or does not. */
  look(patienceMs: number): Promise<void>
  /** What tells workers where to call. */
  readonly env: Readonly<Record<string, string>>
}

export interface DirtyView {
  /** Null while there is none. */
  readonly arbiter: ProcessView | null
  /** Null until it has told. */
  readonly pool: DirtyPoolFacts | null
  /** Calls that have ended, those under a dirty arbiter that is gone included. */
  readonly calls: number
}

/** What the pool is made of, or shall be. */
interface Offer {
  readonly record: GenerationRecord
  readonly apps: DirtyBoot['apps']
}

function offerOf(record: GenerationRecord, present: DirtyBoot['apps'] = []): Offer {
  const own = appsOf(record)
  return { record, apps: [...own, ...present.filter(({ name }) => !own.some((app) => app.name === name))] }
}

const keepsOld = ({ record, apps }: Offer) => apps.length > appsOf(record).length

/** As long as a dirty arbiter may take to kill its workers, before it is killed itself. */
const forcePatienceMs = 5_000

export const hasDirtyApps = ({ config }: GenerationRecord) => config.settings.dirtyApps.length > 0

export function createDirtyKeeper(scope: ArbiterScope, entryPath: string, first: GenerationRecord): DirtyKeeper {
  const { settings } = first.config
  const folder = makeRuntimeFolder(findIdentity(settings.user, settings.group, 'settings'))
  const roster = createRoster()
  /** What a dirty arbiter is started with, and what it goes back to. */
  let offer = offerOf(first)
  let proven = offer
  let supervision: Supervision | null = null
  let lastError: ErrorData | null = null
  let hasServed = false
  let bornWith: Offer | null = null
  const started = deferred()
  const stopped = deferred()
  let reloading: (Deferred<string | null> & { readonly reload: number }) | null = null
  let reloads = 0
  let pool: DirtyPoolFacts | null = null
  let pastCalls = 0

  const tell = (child: Supervised, event: EventName, facts: Readonly<Record<string, unknown>>) =>
    scope.log.event(event, { childPid: child.pid, ...facts })

  const host: SupervisionHost = {
    entryPath,
    args: ['dirty-arbiter', titleRoom],
    roster,
    beforeSpawn: () => scope.runHook('onDirtyStarting'),
    spawnFacts: (input) => ({
      boot: bootOf(input),
      fds: [],
      env: { ...process.env, [socketVariable]: join(folder, brokerSocket) },
      cwd: offer.record.config.settings.chdir,
      execPath: scope.host.execPath,
      output: scope.host.output,
      frozenMs: frozenAfterMs(offer.record.config.settings),
    }),
    onBooting(child) {
      tell(child, 'dirty.booting', {})
      // Its calls may need a sidecar until it is gone.
      scope.sidecars?.watchWorker(child.pid ?? 0)
    },
    onLoaded: () => undefined,
    onFailed(child, error) {
      lastError = error
      scope.news.tell('boot:failed', error)
      // While the server starts it is told as the reason why it does not; the stack was told by the dirty arbiter itself.
      const { stack: _, ...data } = error
      if (hasServed) tell(child, 'dirty.cannot-boot', cannotBootFacts(data))
    },
    onBlocked(child, blockedMs, autopsy) {
      tell(child, 'worker.blocked', { ...(autopsy === null ? {} : autopsyFacts(autopsy)), blockedMs })
      if (autopsy !== null) scope.news.tell('autopsy', childAutopsy('dirty-arbiter', child, { ...autopsy, blockedMs }, true))
    },
    onAutopsy(child, autopsy) {
      tell(child, 'worker.autopsy', autopsyFacts(autopsy))
      scope.news.tell('autopsy', childAutopsy('dirty-arbiter', child, autopsy, false))
    },
    onInnerAutopsy: (autopsy) => scope.news.tell('autopsy', autopsy),
    onThreads: () => undefined,
    onDoorWanted: () => undefined,
    onTransitions: scope.recorder.take,
    onDirty(_, fact) {
      // One that was overtaken by a newer one is answered too.
      if (fact.type === 'pool') pool = fact.pool
      if (fact.type === 'child') tellChild(scope.news, fact.told)
      if (fact.type === 'reloaded' && fact.reload === reloading?.reload) endReload(fact.problem)
    },
    onGone(child) {
      scope.sidecars?.forgetWorker(child.pid ?? 0)
      pastCalls += pool?.calls ?? 0
      pool = null
      endReload('the dirty arbiter ended')
    },
  }

  function endReload(problem: string | null): void {
    reloading?.resolve(problem)
    reloading = null
  }

  async function reload(next: Offer): Promise<string | null> {
    endReload('a newer reload was asked for')
    offer = next
    const number = ++reloads
    const under = { ...deferred<string | null>(), reload: number }
    reloading = under
    const news = { settings: next.record.config.settings as unknown as Record<string, unknown>, apps: next.apps }
    supervision?.send({ type: 'reload', reload: number, ...news })
    const problem = await under.promise
    if (problem === null) proven = next
    else if (offer === next) offer = proven
    return problem
  }

  function bootOf({ slot, age, generation }: HandleInput): BootOrder {
    const { record, apps } = offer
    const { config } = record
    bornWith = offer
    const inDirty = new Set(hookRows.filter((row) => row.process === 'dirty-worker').map((row) => row.name as string))
    return {
      slot,
      age,
      generation,
      arbiterPid: process.pid,
      name: scope.name,
      settings: withLevel(config.settings, record === scope.current ? scope.level : null),
      listeners: [],
      isBindGiven: true,
      hookFile: config.file,
      hookNames: Object.keys(config.hooks).filter((name) => inDirty.has(name)),
      maxRequests: 0,
      dirty: { folder, apps },
    }
  }

  const actor = createActor(
    keeperChart(scope, {
      supervise(input, report) {
        supervision = supervise(input, host, (event) => {
          // A signal to the whole family has reached it first: its turn comes when the workers are gone.
          if (event.type === 'child.recycle' && !scope.isServing()) return
          report(event)
        })
        return supervision
      },
      onChild: (told) => tellChild(scope.news, told),
      onReady() {
        hasServed = true
        started.resolve()
        // One that was started since has been born with it.
        if (bornWith === offer) endReload(null)
      },
      onFailed(problem) {
        started.reject(
          lastError === null
            ? new MonocerosError('MON_BOOT_FAILED', { problem: `the dirty arbiter: ${problem}` })
            : MonocerosError.fromData(lastError),
        )
      },
      onStopped: stopped.resolve,
    }),
    {
      input: { bootTimeoutMs: settings.bootTimeout * 1_000, graceMs: settings.dirtyGracefulTimeout * 1_000 },
      inspect: scope.recorder.inspect('dirty-arbiter'),
    },
  )

  return {
    env: { [socketVariable]: join(folder, brokerSocket) },
    start() {
      actor.start()
      return started.promise
    },
    reload: (record) => reload(offerOf(record, offer.apps)),
    get keepsOld() {
      return keepsOld(proven)
    },
    settle() {
      // They may have been replaced before the HTTP workers could not be.
      const isSettled = (one: Offer) => one.record === scope.current && !keepsOld(one)
      if (!isSettled(proven) && !(reloading !== null && isSettled(offer))) void reload(offerOf(scope.current))
    },
    async stop(isQuick) {
      if (actor.getSnapshot().status === 'active') {
        actor.send({ type: 'stop', isQuick })
        await stopped.promise
      }
      roster.stop()
      rmSync(folder, { recursive: true, force: true })
    },
    force() {
      // Its workers lead groups of their own, and would finish their calls first if it were only killed.
      supervision?.send({ type: 'force' })
      setTimeout(() => actor.send({ type: 'force' }), forcePatienceMs).unref()
    },
    view() {
      const [row] = roster.rows()
      const calls = pastCalls + (pool?.calls ?? 0)
      if (row === undefined) return { arbiter: null, pool, calls }
      const { pid, startedAt, gauges } = row
      const state = statePath(actor.getSnapshot().children['child']?.getSnapshot().value ?? 'booting')
      return { arbiter: { pid, startedAt, state, stateSince: startedAt, ...(gauges ?? noGauges) }, pool, calls }
    },
    async ask(question, patienceMs, ofWorker) {
      if (supervision === null) return { ok: false, problem: 'there is no dirty arbiter at the moment' }
      return supervision.ask(question, patienceMs, ofWorker ?? undefined)
    },
    async look(patienceMs) {
      const answer = await supervision?.ask({ kind: 'pool' }, patienceMs)
      if (answer?.ok === true) pool = answer.value as DirtyPoolFacts
    },
    setLevel: (level) => supervision?.send({ type: 'level', level }),
    reopen: () => supervision?.send({ type: 'reopen' }),
  }
}

function appsOf({ config }: GenerationRecord): DirtyBoot['apps'] {
  const specs = config.settings.dirtyApps.flatMap((text) => {
    const parsed = parseDirtySpec(text)
    return parsed.ok ? [parsed.spec] : [] // the configuration has been checked
  })
  return [...nameDirtyApps(specs)].map(([name, spec]) => ({
    name,
    spec: spec.given === null ? spec.text : spec.text.slice(spec.given.length + 1),
  }))
}
