/** What a process measures of its own event loop and heap, from inside, for next to nothing. */
import { performance } from 'node:perf_hooks'
import { getHeapStatistics } from 'node:v8'

export interface LoopFigures {
  readonly heapBytes: number
  /** Share of the last second in which the loop was busy, from 0 to 1. */
  readonly utilization: number
  /** How late the loop came to a timer at worst in the last second. */
  readonly lagMs: number
}

/**
 * @param everyMs how often what is returned is called by a timer
 * @param publish is called about once a second
 */
export function createLoopMeter(everyMs: number, publish: (figures: LoopFigures) => void): () => void {
  let lastMs = performance.now()
  let publishedMs = lastMs
  let worstMs = 0
  let before = performance.eventLoopUtilization()
  return () => {
    const now = performance.now()
    worstMs = Math.max(worstMs, now - lastMs - everyMs)
    lastMs = now
    if (now - publishedMs < 1_000) return
    publishedMs = now
    const elapsed = performance.eventLoopUtilization()
    const { utilization } = performance.eventLoopUtilization(elapsed, before)
    before = elapsed
    publish({ heapBytes: getHeapStatistics().used_heap_size, utilization, lagMs: worstMs })
    worstMs = 0
  }
}
