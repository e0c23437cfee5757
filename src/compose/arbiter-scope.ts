/** What every part of the arbiter process needs: its generations, its log, its listeners, its children and its hooks. */
import type { GenerationFacts, ListenerOrder } from '../../machines/arbiter-rules.ts'
import { appName } from '../arbiter/app-name.ts'
import { createListeners, type Listeners } from '../arbiter/listeners.ts'
import { createRoster, type Roster } from '../arbiter/roster.ts'
import { parseAddress } from '../base/address.ts'
import { problemOf } from '../base/errors.ts'
import type { ResolvedConfig } from '../config/chain.ts'
import type { ArbiterFacts, Hooks } from '../config/hook-types.ts'
import { createErrorLog, type Log } from '../log/error-log.ts'
import { autoWorkers } from '../os/cgroup.ts'
import { findIdentity, type Identity } from '../os/user.ts'
import { hookLog } from './hook-log.ts'

/** A configuration and what the charts know of it. */
export interface GenerationRecord {
  readonly config: ResolvedConfig
  readonly facts: GenerationFacts
  /** Empty when `bind` was not given: then workers say what they listen to. */
  readonly listeners: readonly ListenerOrder[]
}

export interface ArbiterScope {
  readonly name: string
  readonly startedIn: string
  readonly log: Log
  readonly listeners: Listeners
  readonly roster: Roster
  readonly identity: Identity
  readonly current: GenerationRecord
  workersWanted: number
  hasPidFile: boolean
  recordOf(generation: number): GenerationRecord
  add(config: ResolvedConfig): GenerationRecord
  commit(generation: number): void
  rollBack(problem: string): void
  facts(): ArbiterFacts
  runHook(name: keyof Hooks, ...more: unknown[]): Promise<void>
}

export function createArbiterScope(config: ResolvedConfig): ArbiterScope {
  const { settings } = config
  const startedIn = process.cwd()
  if (settings.chdir !== null) process.chdir(settings.chdir)
  const log = createErrorLog({
    destination: settings.errorlog,
    format: settings.logFormat,
    level: settings.loglevel,
    who: { role: 'arbiter' },
  })
  const identity = findIdentity(settings.user, settings.group, 'settings')
  const listeners = createListeners({ umask: settings.umask, owner: { uid: identity.uid, gid: identity.gid } })
  const records = new Map<number, GenerationRecord>()
  let nextGeneration = 1
  let currentGeneration = 1

  const scope: ArbiterScope = {
    name: settings.procName ?? appName(settings.app ?? '', process.cwd()),
    startedIn,
    log,
    listeners,
    roster: createRoster(),
    identity,
    workersWanted: 0,
    hasPidFile: false,
    get current() {
      return scope.recordOf(currentGeneration)
    },
    recordOf: (generation) => records.get(generation) as GenerationRecord,
    add(next) {
      const record: GenerationRecord = {
        config: next,
        facts: factsOf(next, nextGeneration++),
        listeners: next.isBindGiven && !next.settings.reusePort ? ordersOf(next, listeners) : [],
      }
      records.set(record.facts.generation, record)
      return record
    },
    commit(generation) {
      currentGeneration = generation
      for (const old of records.keys()) if (old !== generation) records.delete(old)
      scope.workersWanted = scope.current.facts.workers
      log.setLevel(scope.current.config.settings.loglevel)
      log.event('reload.done', { generation })
    },
    rollBack(problem) {
      for (const other of records.keys()) if (other !== currentGeneration) records.delete(other)
      log.event('reload.rolled-back', { problem })
    },
    facts: () => ({
      pid: process.pid,
      name: scope.name,
      workers: scope.workersWanted,
      generation: currentGeneration,
      address: listeners.addresses(),
      log: hookLog(log),
    }),
    async runHook(name, ...more) {
      try {
        await (scope.current.config.hooks[name] as ((...args: unknown[]) => unknown) | undefined)?.(scope.facts(), ...more)
      } catch (error) {
        log.event('hook.failed', { hook: name, problem: problemOf(error) }, error)
      }
    },
  }
  scope.workersWanted = scope.add(config).facts.workers
  return scope
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

function ordersOf({ settings }: ResolvedConfig, listeners: Listeners): ListenerOrder[] {
  let anyPorts = 0
  const ids = settings.bind.flatMap((text) => {
    const parsed = parseAddress(text)
    if (!parsed.ok) return [] // the configuration has been checked
    const isAnyPort = parsed.address.kind === 'tcp' && parsed.address.port === 0
    return [{ id: listeners.idOf(parsed.address, isAnyPort ? anyPorts++ : 0), address: text }]
  })
  // The same address twice is one listener.
  return ids.filter((order, index) => ids.findIndex((other) => other.id === order.id) === index)
}
