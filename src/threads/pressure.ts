/** Tells a pool that its threads do not suffice at once, and that they do when that has lasted: under load both change at every look. */
export interface Pressure {
  /** What to tell; null: nothing new. */
  look(isSaturated: boolean, nowMs: number): boolean | null
}

export const reliefMs = 1_000

export function createPressure(): Pressure {
  let isTold = false
  let lastSaturatedMs = 0
  return {
    look(isSaturated, nowMs) {
      if (isSaturated) lastSaturatedMs = nowMs
      const isNews = isSaturated ? !isTold : isTold && nowMs - lastSaturatedMs >= reliefMs
      if (!isNews) return null
      isTold = isSaturated
      return isSaturated
    },
  }
}
