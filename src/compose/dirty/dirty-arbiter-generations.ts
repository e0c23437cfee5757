/** The configurations that dirty workers are born with, and what the apps say of themselves. */
import type { GenerationFacts } from '../../../machines/arbiter-rules.ts'
import { parseDirtySpec } from '../../base/dirty-spec.ts'
import type { Settings } from '../../config/settings.ts'
import { createShares, plan, type Shares } from '../../dirty-arbiter/allocation.ts'
import type { BootOrder, DirtyAppFacts } from '../../ipc/messages.ts'
import { autoWorkers } from '../../os/cgroup.ts'
import { type Deferred, deferred } from '../deferred.ts'

export type AppSpecs = NonNullable<BootOrder['dirty']>['apps']

export interface Generation {
  readonly facts: GenerationFacts
  readonly settings: Settings
  readonly apps: AppSpecs
  /** The order to reload that it comes of; 0: the start. */
  readonly reload: number
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
  /** The last that was taken; null once it is committed or rolled back. */
  readonly candidate: Generation | null
  /** What a worker was born with; the present one where that is forgotten. */
  of(generation: number): Generation
  /** The arbiter wants a reload: this is what `take` makes a generation of. */
  offer(settings: Settings, apps: AppSpecs, reload: number): void
  /** Null when nothing was offered since. */
  take(): Generation | null
  commit(generation: number): void
  rollBack(): void
  /** What the classes of a generation say of themselves. */
  learn(generation: Generation, facts: readonly DirtyAppFacts[]): void
  /** The apps of a slot, with how many threads each has; until the classes have been asked, and for a spare, all apps. */
  shareOf(generation: Generation, slot: number): Share
  /** Without this slot an app of the present generation would have fewer workers than it wants. */
  isNeeded(slot: number): boolean
}

export function createDirtyGenerations(firstSettings: Settings, firstApps: AppSpecs): DirtyGenerations {
  const generations = new Map<number, Generation>()
  let candidate: Generation | null = null
  let nextGeneration = 1
  let current = add(firstSettings, firstApps, 0)
  let offered: { settings: Settings; apps: AppSpecs; reload: number } | null = null

  function add(settings: Settings, apps: AppSpecs, reload: number): Generation {
    const generation: Generation = {
      facts: factsOf(settings, nextGeneration++),
      settings,
      apps,
      reload,
      known: deferred(),
      appFacts: new Map(),
      shares: null,
    }
    generations.set(generation.facts.generation, generation)
    return generation
  }

  function forgetOthers(): void {
    candidate = null
    for (const [number, generation] of generations) if (generation !== current) generations.delete(number)
  }

  return {
    get current() {
      return current
    },
    get candidate() {
      return candidate
    },
    of: (generation) => generations.get(generation) ?? current,
    offer(settings, apps, reload) {
      offered = { settings, apps, reload }
    },
    take() {
      if (offered === null) return null
      const { settings, apps, reload } = offered
      offered = null
      candidate = add(settings, apps, reload)
      return candidate
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
      // A spare may have to take any slot.
      const own = ((slot < 0 ? null : shares?.of(slot)) ?? apps).map(({ name, spec }) => ({ name, spec }))
      const threadsOf = (name: string) => (settings.dirtyMaxCalls === 1 ? 1 : (appFacts.get(name)?.threads ?? settings.dirtyThreads))
      return { apps: own, threads: Object.fromEntries(own.map(({ name }) => [name, threadsOf(name)])) }
    },
    isNeeded: (slot) => current.shares?.isNeeded(slot) ?? true,
  }
}

function factsOf(settings: Settings, generation: number): GenerationFacts {
  return {
    generation,
    workers: settings.dirtyWorkers === 'auto' ? autoWorkers() : settings.dirtyWorkers,
    spares: settings.dirtySpares,
    unavailableMax: 0,
    bootTimeoutMs: settings.bootTimeout * 1_000,
    graceMs: settings.dirtyGracefulTimeout * 1_000,
  }
}
