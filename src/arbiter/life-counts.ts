/** How many processes were started and have ended since the start, and why. */
export interface LifeCounts {
  readonly spawned: number
  /** By cause: why it was asked to go, why it was killed, or how it ended by itself. */
  readonly ended: Readonly<Record<string, number>>
  readonly reloads: number
}

export interface LifeCounter {
  spawn(): void
  end(cause: string): void
  reload(): void
  read(): LifeCounts
}

export function createLifeCounter(): LifeCounter {
  let spawned = 0
  let reloads = 0
  const ended: Record<string, number> = {}
  return {
    spawn: () => void spawned++,
    end(cause) {
      ended[cause] = (ended[cause] ?? 0) + 1
    },
    reload: () => void reloads++,
    read: () => ({ spawned, reloads, ended: { ...ended } }),
  }
}
