/** The configurations that dirty workers are born with, and what the apps say of themselves. */
import type { GenerationFacts } from '../../machines/arbiter-rules.ts'
import { parseDirtySpec } from '../base/dirty-spec.ts'
import type { Settings } from '../config/settings.ts'
import { allocate, plan, workersMin } from '../dirty-arbiter/allocation.ts'
import type { BootOrder, DirtyAppFacts } from '../ipc/messages.ts'
import { autoWorkers } from '../os/cgroup.ts'
import { type Deferred, deferred } from './deferred.ts'

export type AppSpecs = NonNullable<BootOrder['dirty']>['apps']

export interface Generation {
  readonly facts: GenerationFacts
  readonly settings: Settings
  readonly apps: AppSpecs
  /** Settles when every app has said how many workers and threads it wants. */
  readonly known: Deferred<void>
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
  /** What classes have said of themselves. */
  learn(apps: readonly DirtyAppFacts[]): void
  isKnown(generation: Generation): boolean
  /** Until the classes have been asked, the first worker has all of them. */
  appsFor(generation: Generation, slot: number, workers: number): AppSpecs
  threadsFor(generation: Generation, apps: AppSpecs): Record<string, number>
  /** Fewer workers would leave an app of the present generation with fewer than it wants. */
  workersMin(): number
}

export function createDirtyGenerations(firstSettings: Settings, firstApps: AppSpecs): DirtyGenerations {
  const known = new Map<string, DirtyAppFacts>()
  const generations = new Map<number, Generation>()
  let nextGeneration = 1
  let current = add(firstSettings, firstApps)
  let offered: { settings: Settings; apps: AppSpecs } | null = null

  function add(settings: Settings, apps: AppSpecs): Generation {
    const generation: Generation = { facts: factsOf(settings, nextGeneration++), settings, apps, known: deferred() }
    generations.set(generation.facts.generation, generation)
    if (isKnown(generation)) generation.known.resolve()
    return generation
  }

  function isKnown({ apps }: Generation): boolean {
    return apps.every(({ name }) => known.has(name))
  }

  const plansOf = ({ apps }: Generation) =>
    plan(
      apps.map(({ name, spec }) => {
        const parsed = parseDirtySpec(spec)
        return { name, spec, workers: parsed.ok ? parsed.spec.workers : null }
      }),
      known,
    )

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
    learn(apps) {
      for (const app of apps) known.set(app.name, app)
      for (const generation of generations.values()) if (isKnown(generation)) generation.known.resolve()
    },
    isKnown,
    appsFor(generation, slot, workers) {
      if (!isKnown(generation)) return generation.apps
      return allocate(plansOf(generation), Math.max(workers, generation.facts.workers, slot + 1))[slot] ?? []
    },
    threadsFor: ({ settings }, apps) =>
      Object.fromEntries(apps.map(({ name }) => [name, known.get(name)?.threads ?? settings.dirtyThreads])),
    workersMin: () => workersMin(plansOf(current)),
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
