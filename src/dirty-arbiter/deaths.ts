/** How dirty workers have ended. A caller that has lost one asks, often before its death is known here. */
import type { Death } from '../wire/kinds.ts'

export interface Deaths {
  tell(pid: number, death: Death): void
  /** Null: nothing is known of such a death, and has not been for a while. */
  of(pid: number): Promise<Death | null>
}

const rememberedMax = 200
const patienceMs = 5_000

export function createDeaths(): Deaths {
  const known = new Map<number, Death>()
  const askers = new Map<number, Set<(death: Death | null) => void>>()
  return {
    tell(pid, death) {
      known.set(pid, death)
      const [oldest] = known.keys()
      if (known.size > rememberedMax && oldest !== undefined) known.delete(oldest)
      for (const answer of askers.get(pid) ?? []) answer(death)
      askers.delete(pid)
    },
    of(pid) {
      const death = known.get(pid)
      if (death !== undefined) return Promise.resolve(death)
      return new Promise((resolve) => {
        const all = askers.get(pid) ?? new Set()
        askers.set(pid, all)
        all.add(resolve)
        setTimeout(() => {
          all.delete(resolve)
          if (all.size === 0 && askers.get(pid) === all) askers.delete(pid)
          resolve(null)
        }, patienceMs).unref()
      })
    },
  }
}
