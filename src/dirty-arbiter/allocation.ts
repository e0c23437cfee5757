/** Which apps a dirty worker has, by its slot: so that whoever fills a slot again has what was lost with it. */
import type { DirtyAppFacts } from '../ipc/messages.ts'

export interface AppPlan {
  readonly name: string
  readonly spec: string
  /** How many workers have it, by its spec or its class; null: all. */
  readonly workers: number | null
}

/** What is given in the spec counts, then what the class says. */
export function plan(
  specs: readonly { readonly name: string; readonly spec: string; readonly workers: number | null }[],
  facts: ReadonlyMap<string, DirtyAppFacts>,
): AppPlan[] {
  return specs.map(({ name, spec, workers }) => ({ name, spec, workers: workers ?? facts.get(name)?.workers ?? null }))
}

/**
 * Apps without a limit are everywhere. Those with one go, in their order, each to the slots that have the fewest so far; so
 * one big app does not share a worker with another while there is an empty one.
 *
 * @returns the apps of each slot, by its number
 */
function allocate(apps: readonly AppPlan[], slots: number): readonly (readonly AppPlan[])[] {
  const lists: AppPlan[][] = Array.from({ length: slots }, () => [])
  for (const app of apps.filter(({ workers }) => workers !== null)) {
    const order = lists.map((list, slot) => ({ list, slot })).sort((a, b) => a.list.length - b.list.length || a.slot - b.slot)
    for (const { list } of order.slice(0, app.workers ?? slots)) list.push(app)
  }
  for (const app of apps.filter(({ workers }) => workers === null)) for (const list of lists) list.push(app)
  return lists
}

/** Who has what in one generation. A slot keeps its apps: who fills it again has what was lost with it. */
export interface Shares {
  of(slot: number): readonly AppPlan[]
  /** Without it an app would have fewer workers than it wants. */
  isNeeded(slot: number): boolean
}

/** @param slots that there are at first; one that comes later has the apps of which there are still too few */
export function createShares(apps: readonly AppPlan[], slots: number): Shares {
  const lists = [...allocate(apps, slots)]
  const isWanted = (app: AppPlan) => app.workers === null || lists.filter((list) => list.includes(app)).length < app.workers

  function of(slot: number): readonly AppPlan[] {
    while (lists.length <= slot) lists.push(apps.filter(isWanted))
    return lists[slot]!
  }
  return { of, isNeeded: (slot) => of(slot).some(({ workers }) => workers !== null) }
}
