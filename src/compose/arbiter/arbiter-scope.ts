/** What every part of the arbiter process needs: its generations, its log, its listeners, its children and its hooks. */
import { resolve } from 'node:path'
import type { ActorRefFrom } from 'xstate'
import type { arbiterMachine } from '../../../machines/arbiter.ts'
import type { GenerationFacts, ListenerOrder } from '../../../machines/arbiter-rules.ts'
import { appName } from '../../arbiter/app-name.ts'
import { createLifeCounter, type LifeCounter } from '../../arbiter/life-counts.ts'
import { createListeners, type Listeners } from '../../arbiter/listeners.ts'
import { watchOwnGauges } from '../../arbiter/own-gauges.ts'
import { createRoster, type Roster } from '../../arbiter/roster.ts'
import { parseAddress } from '../../base/address.ts'
import { MonocerosError, problemOf } from '../../base/errors.ts'
import { createHearing } from '../../base/hearing.ts'
import type { ResolvedConfig } from '../../config/chain.ts'
import type { ArbiterFacts, Hooks } from '../../config/hook-types.ts'
import type { Settings } from '../../config/settings.ts'
import { createHistory, type History } from '../../flight-recorder/history.ts'
import type { ListenerView } from '../../ipc/snapshot.ts'
import type { Log, LogTap } from '../../log/error-log.ts'
import type { Level } from '../../log/level.ts'
import { openable } from '../../log/log-file.ts'
import { autoWorkers } from '../../os/cgroup.ts'
import { reusePortProblem } from '../../os/reuse-port.ts'
import { findIdentity } from '../../os/user.ts'
import { hookLog } from '../hook-log.ts'
import type { Remotes } from '../remotes.ts'
import type { DirtyKeeper } from './arbiter-dirty.ts'
import type { ArbiterHost } from './arbiter-host.ts'
import type { News, ReloadOutcome } from './arbiter-news.ts'
import { type ArbiterRecorder, createArbiterRecorder } from './arbiter-recorder.ts'
import type { Sidecars } from './arbiter-sidecars.ts'

/** A configuration and what the charts know of it. */
export interface GenerationRecord {
  readonly config: ResolvedConfig
  readonly facts: GenerationFacts
  /** Empty when `bind` was not given: then workers say what they listen to. */
  readonly listeners: readonly ListenerOrder[]
  /** Settings that it was to have otherwise, and that only a start can change. */
  readonly fixed: readonly string[]
}

export type ArbiterActor = ActorRefFrom<typeof arbiterMachine>

export interface ArbiterScope {
  readonly host: ArbiterHost
  readonly name: string
  readonly version: string
  readonly startedIn: string
  /** Milliseconds since the epoch. */
  readonly startedAt: number
  /** A reload may replace it: ask for it each time. */
  readonly log: Log
  /** Of each log that this process opens. */
  readonly tap: { hear: LogTap['hear'] }
  /** Null until it is opened. */
  remotes: Remotes | null
  readonly listeners: Listeners
  readonly roster: Roster
  /** The steps of every chart of every process. */
  readonly history: History
  readonly recorder: ArbiterRecorder
  readonly counts: LifeCounter
  /** Who waits for the outcome of the reload under way, or of the next. */
  readonly reloadWaiters: Set<(outcome: ReloadOutcome) => void>
  /** Given at run time, for the present generation. */
  level: Level | null
  /** Of this process. */
  readonly gauges: ReturnType<typeof watchOwnGauges>
  /** Null until it is started. */
  actor: ArbiterActor | null
  readonly current: GenerationRecord
  workersWanted: number
  /** False while it boots, and from the moment it was told to stop. */
  isServing(): boolean
  /** Null when there are no dirty apps. */
  dirty: DirtyKeeper | null
  /** Null when there are none. */
  sidecars: Sidecars | null
  /** The pid file that was written; null: none. */
  pidFile: string | null
  /** Where the arbiter itself answers. */
  readonly doors: Set<{ close(): void }>
  dashboardUrl: string | null
  readonly news: News
  recordOf(generation: number): GenerationRecord
  /** @throws MON_LOG_FILE when a log cannot be written there, MON_REUSE_PORT when that setting cannot be had */
  add(config: ResolvedConfig, fixed?: readonly string[]): GenerationRecord
  commit(generation: number, workers: number): void
  rollBack(problem: string): void
  /** Where the workers serve. */
  addresses(): string[]
  listenerViews(): ListenerView[]
  facts(): ArbiterFacts
  /** Calls a hook and waits for it; one that throws is reported and goes no further. */
  runHook(name: keyof Hooks, ...more: unknown[]): Promise<void>
  /** The same with the hooks of a generation that may not be the present one yet, or no more. */
  runHookOf(generation: number, name: keyof Hooks, ...more: unknown[]): Promise<void>
  /** Hooks about workers that are gone, which the arbiter's own end waits for. */
  readonly farewells: Set<Promise<void>>
}

export function createArbiterScope(config: ResolvedConfig, version: string, host: ArbiterHost): ArbiterScope {
  const { settings } = config
  const startedIn = process.cwd()
  if (host.ownsProcess) process.chdir(settings.chdir)
  checkLogs(settings)
  const tap: ArbiterScope['tap'] = { hear: null }
  let log = host.openLog(settings, tap)
  const identity = findIdentity(settings.user, settings.group, 'settings')
  const listeners = createListeners({
    umask: settings.umask,
    owner: { uid: identity.uid, gid: identity.gid },
    onProblem: (error) => scope.news.tell('boot:failed', error.toData()),
  })
  const records = new Map<number, GenerationRecord>()
  const history = createHistory()
  let nextGeneration = 1
  let currentGeneration = 1

  function tellReload(outcome: ReloadOutcome): void {
    const waiters = [...scope.reloadWaiters]
    scope.reloadWaiters.clear()
    for (const wake of waiters) wake(outcome)
    scope.news.tell('reload', outcome)
  }

  const scope: ArbiterScope = {
    host,
    name: settings.procName ?? appName(settings.app ?? '', settings.chdir),
    version,
    startedIn,
    startedAt: Date.now(),
    get log() {
      return log
    },
    tap,
    remotes: null,
    listeners,
    roster: createRoster(),
    history,
    recorder: createArbiterRecorder({ settings, history, onInspect: host.inspect, log: () => log }),
    counts: createLifeCounter(),
    reloadWaiters: new Set(),
    level: null,
    gauges: watchOwnGauges(),
    actor: null,
    workersWanted: 0,
    dirty: null,
    sidecars: null,
    isServing: () => false,
    pidFile: null,
    doors: new Set(),
    dashboardUrl: null,
    news: createHearing((name, error) => log.event('news.failed', { name, problem: problemOf(error) }, error)),
    farewells: new Set(),
    get current() {
      return scope.recordOf(currentGeneration)
    },
    recordOf: (generation) => records.get(generation) as GenerationRecord,
    add(next, fixed = []) {
      checkLogs(next.settings)
      checkReusePort(next)
      const record: GenerationRecord = {
        config: next,
        facts: factsOf(next, nextGeneration++),
        listeners: next.isBindGiven && !next.settings.reusePort ? ordersOf(next, listeners, host) : [],
        fixed,
      }
      records.set(record.facts.generation, record)
      return record
    },
    commit(generation, workers) {
      const before = scope.current.config.settings
      currentGeneration = generation
      scope.counts.reload()
      for (const old of records.keys()) if (old !== generation) records.delete(old)
      scope.workersWanted = workers
      const { config, fixed } = scope.current
      const { settings } = config
      if (before.errorlog !== settings.errorlog || before.logFormat !== settings.logFormat) {
        log.event('log.moved', { destination: settings.errorlog })
        void log.close()
        log = host.openLog(settings, tap)
      }
      scope.level = null
      log.setLevel(settings.loglevel)
      log.event('reload.done', { generation })
      tellReload({ ok: true, generation, ...(fixed.length === 0 ? {} : { needsRestart: fixed }) })
    },
    rollBack(problem) {
      for (const other of records.keys()) if (other !== currentGeneration) records.delete(other)
      log.event('reload.rolled-back', { problem })
      tellReload({ ok: false, problem })
    },
    addresses: () => (scope.current.config.settings.reusePort ? [...scope.current.config.settings.bind] : listeners.addresses()),
    listenerViews() {
      const { reusePort, bind } = scope.current.config.settings
      // Each worker binds it for itself.
      return reusePort ? bind.map((address) => ({ address, fd: -1, type: 'tcp' })) : listeners.views()
    },
    facts: () => ({
      pid: process.pid,
      name: scope.name,
      workers: scope.workersWanted,
      generation: currentGeneration,
      address: scope.addresses(),
      dashboard: scope.dashboardUrl,
      log: hookLog(log),
    }),
    runHook: (name, ...more) => scope.runHookOf(currentGeneration, name, ...more),
    async runHookOf(generation, name, ...more) {
      const { hooks } = (records.get(generation) ?? scope.current).config
      try {
        await (hooks[name] as ((...args: unknown[]) => unknown) | undefined)?.(scope.facts(), ...more)
      } catch (error) {
        log.event('hook.failed', { hook: name, problem: problemOf(error) }, error)
      }
    },
  }
  scope.workersWanted = scope.add(config).facts.workers
  return scope
}

function checkLogs({ errorlog, accesslog, flightRecorder, chdir }: Settings): void {
  for (const path of [errorlog, accesslog, flightRecorder]) {
    const problem = path === null || path === '-' ? null : openable(resolve(chdir, path))
    if (problem !== null) throw new MonocerosError('MON_LOG_FILE', { path, problem })
  }
}

function checkReusePort({ settings, isBindGiven }: ResolvedConfig): void {
  if (!settings.reusePort) return
  const problem = reusePortProblem() ?? (isBindGiven ? null : 'it needs to know the address: give one with -b')
  if (problem !== null) throw new MonocerosError('MON_REUSE_PORT', { problem })
  for (const text of settings.bind) {
    const parsed = parseAddress(text)
    if (!parsed.ok || parsed.address.kind !== 'tcp') throw new MonocerosError('MON_REUSE_PORT', { problem: `${text} is not HOST:PORT` })
    if (parsed.address.port === 0)
      throw new MonocerosError('MON_REUSE_PORT', { problem: `port 0 (${text}) would be another one in each worker` })
  }
}

function factsOf({ settings }: ResolvedConfig, generation: number): GenerationFacts {
  return {
    generation,
    workers: settings.workers === 'auto' ? autoWorkers() : settings.workers,
    unavailableMax: settings.reloadMaxUnavailable,
    bootTimeoutMs: settings.bootTimeout * 1_000,
    graceMs: settings.gracefulTimeout * 1_000,
  }
}

function ordersOf({ settings }: ResolvedConfig, listeners: Listeners, { ownsProcess }: ArbiterHost): ListenerOrder[] {
  let anyPorts = 0
  const ids = settings.bind.flatMap((text) => {
    const parsed = parseAddress(text)
    if (!parsed.ok) return [] // the configuration has been checked
    const { address } = parsed
    const isAnyPort = address.kind === 'tcp' && address.port === 0
    // A process of its own is in that folder.
    const placed = address.kind === 'unix' && !ownsProcess ? { ...address, path: resolve(settings.chdir, address.path) } : address
    return [{ id: listeners.idOf(placed, 'bind', isAnyPort ? anyPorts++ : 0), address: text }]
  })
  // The same address twice is one listener.
  return ids.filter((order, index) => ids.findIndex((other) => other.id === order.id) === index)
}
