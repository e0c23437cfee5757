/** What the apps of all workers keep with prom-client, as one. */
import type { AppRegistry } from '../../ipc/questions.ts'
import { type AppMetric, keepCounted, mergeRegistries } from '../../metrics/app-registries.ts'
import type { Family } from '../../metrics/family.ts'
import type { ArbiterScope } from '../arbiter/arbiter-scope.ts'

/** No scrape takes longer for a worker that stands still. */
const patienceMs = 500
/** Who has not beaten for so long does not answer either. */
const silentMs = 2_000

export interface AppMetrics {
  read(): Promise<Family[]>
}

export function createAppMetrics({ roster }: ArbiterScope): AppMetrics {
  /** By age of the worker, then by thread. */
  const known = new Map<number, Map<number, readonly AppMetric[]>>()
  let past: AppMetric[] = []
  let reading: Promise<Family[]> | null = null

  function forget(registries: Map<number, readonly AppMetric[]>, threads: Iterable<number>): void {
    for (const thread of threads) {
      past = keepCounted(past, registries.get(thread) ?? [])
      registries.delete(thread)
    }
  }

  function keep(age: number, told: readonly AppRegistry[]): void {
    const registries = known.get(age) ?? new Map<number, readonly AppMetric[]>()
    known.set(age, registries)
    const living = new Set(told.map(({ thread }) => thread))
    forget(
      registries,
      [...registries.keys()].filter((thread) => !living.has(thread)),
    )
    // One that did not answer stands as it was: its counters must not seem to fall.
    for (const { thread, metrics } of told) if (metrics !== null) registries.set(thread, metrics as AppMetric[])
  }

  async function read(): Promise<Family[]> {
    const now = performance.now()
    const rows = roster.rows().filter(({ lastBeatMs }) => lastBeatMs !== null && now - lastBeatMs < silentMs)
    await Promise.all(
      rows.map(async ({ age, ask }) => {
        const answer = await ask({ kind: 'app-metrics' }, patienceMs)
        if (answer.ok) keep(age, answer.value as AppRegistry[])
      }),
    )
    const living = new Set(roster.rows().map(({ age }) => age))
    for (const [age, registries] of known) {
      if (living.has(age)) continue
      forget(registries, [...registries.keys()])
      known.delete(age)
    }
    return mergeRegistries([past, ...[...known.values()].flatMap((registries) => [...registries.values()])])
  }

  return {
    read() {
      // Two scrapes at a time are one.
      reading ??= read().finally(() => {
        reading = null
      })
      return reading
    },
  }
}
