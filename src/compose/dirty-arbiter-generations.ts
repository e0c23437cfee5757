/** The configurations that dirty workers are born with, and what the apps say of themselves. */
import type { GenerationFacts } from '../../machines/arbiter-rules.ts'
import { parseDirtySpec } from '../base/dirty-spec.ts'
import type { Settings } from '../config/settings.ts'
import { createShares, plan, type Shares } from '../dirty-arbiter/allocation.ts'
import type { BootOrder, DirtyAppFacts } from '../ipc/messages.ts'
import { autoWorkers } from '../os/cgroup.ts'
import { type Deferred, deferred } from './deferred.ts'

export type AppSpecs = NonNullable<BootOrder['dirty']>['apps']

export interface Generation {
  readonly facts: GenerationFacts
  readonly settings: Settings
  readonly apps: AppSpecs
  /** Settles when every app has said how many workers and threads it wants; the shares follow from that. */
  readonly known: Deferred<void>
  readonly appFacts: Map<string, DirtyAppFacts>
  shares: Shares | null
}

export interface Share {
  readonly apps: AppSpecs
  readonly threads: Readonly<Record<string, number>>
}

export interface DirtyGenerations {
  readonly current: Generation
  /** What a worker was born with; the present one where that is forgotten. */
  of(generation: number): Generation
  /** The arbiter wants a reload: this is what `take` makes a generation of. */
  offer(settings: Settings, apps: AppSpecs): void
  /** Null when nothing was offered since. */
  take(): Generation | null
  commit(generation: number): void
  rollBack(): void
  /** What the classes of a generation say of themselves. */
  learn(generation: Generation, facts: readonly DirtyAppFacts[]): void
  /** The apps of a slot, with how many threads each has; until the classes have been asked, all apps. */
  shareOf(generation: Generation, slot: number): Share
  /** Without this slot an app of the present generation would have fewer workers than it wants. */
  isNeeded(slot: number): boolean
}

export function createDirtyGenerations(firstSettings: Settings, firstApps: AppSpecs): DirtyGenerations {
  const generations = new Map<number, Generation>()
  let nextGeneration = 1
  let current = add(firstSettings, firstApps)
  let offered: { settings: Settings; apps: AppSpecs } | null = null

  function add(settings: Settings, apps: AppSpecs): Generation {
    const generation: Generation = {
      facts: factsOf(settings, nextGeneration++),
      settings,
      apps,
      known: deferred(),
      appFacts: new Map(),
      shares: null,
    }
    generations.set(generation.facts.generation, generation)
    return generation
  }

  function forgetOthers(): void {
    for (const [number, generation] of generations) if (generation !== current) generations.delete(number)
  }

  return {
    get current() {
      return current
    },
    of: (generation) => generations.get(generation) ?? current,
    offer(settings, apps) {
      offered = { settings, apps }
    },
    take() {
      if (offered === null) return null
      const { settings, apps } = offered
      offered = null
      return add(settings, apps)
    },
    commit(generation) {
      current = generations.get(generation) ?? current
      forgetOthers()
    },
    rollBack: forgetOthers,
    learn(generation, facts) {
      for (const app of facts) generation.appFacts.set(app.name, app)
      const specs = generation.apps.map(({ name, spec }) => {
        const parsed = parseDirtySpec(spec)
        return { name, spec, workers: parsed.ok ? parsed.spec.workers : null }
      })
      generation.shares = createShares(plan(specs, generation.appFacts), generation.facts.workers)
      generation.known.resolve()
    },
    shareOf({ apps, shares, appFacts, settings }, slot) {
      const own = (shares?.of(slot) ?? apps).map(({ name, spec }) => ({ name, spec }))
      return { apps: own, threads: Object.fromEntries(own.map(({ name }) => [name, appFacts.get(name)?.threads ?? settings.dirtyThreads])) }
    },
    isNeeded: (slot) => current.shares?.isNeeded(slot) ?? true,
  }
}

function factsOf(settings: Settings, generation: number): GenerationFacts {
  return {
    generation,
    workers: settings.dirtyWorkers === 'auto' ? autoWorkers() : settings.dirtyWorkers,
    unavailableMax: 0,
    bootTimeoutMs: settings.bootTimeout * 1_000,
    graceMs: settings.dirtyGracefulTimeout * 1_000,
  }
}
