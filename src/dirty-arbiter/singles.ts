/** Processes that run one call: the first lease that one of them gives is its last, whatever else it offers. */
export interface Singles {
  add(worker: number, process: number): void
  /** Its process, when that runs one call only. */
  processOf(worker: number): number | undefined
  /** Its process has given its lease. */
  isSpent(worker: number): boolean
  spend(process: number): void
  lose(worker: number): void
  /** The process has ended. */
  forget(process: number): void
}

export function createSingles(): Singles {
  const processes = new Map<number, number>()
  const spent = new Set<number>()
  return {
    add: (worker, process) => void processes.set(worker, process),
    processOf: (worker) => processes.get(worker),
    isSpent(worker) {
      const process = processes.get(worker)
      return process !== undefined && spent.has(process)
    },
    spend: (process) => void spent.add(process),
    // The process stays spent: a thread of it that is lost may have a successor there.
    lose: (worker) => void processes.delete(worker),
    forget: (process) => void spent.delete(process),
  }
}
