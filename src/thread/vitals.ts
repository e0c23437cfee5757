/** What a thread tells of itself again and again: that its loop turns, and how full its heap is. */
import { getHeapSpaceStatistics } from 'node:v8'
import { resourceLimits } from 'node:worker_threads'
import type { VitalsPage } from '../lanes/lane-memory.ts'

const everyMs = 100
const oldSpaces = /^(?:old|code|large_object|code_large_object|trusted|trusted_large_object|shared)_space$/

export function startVitals(page: VitalsPage, nowMs: () => number): void {
  const heapMaxBytes = (resourceLimits.maxOldGenerationSizeMb ?? 0) * 2 ** 20
  const tell = () => {
    page.stamp(nowMs())
    if (heapMaxBytes > 0) page.setHeap(oldGenerationBytes(), heapMaxBytes)
  }
  tell()
  setInterval(tell, everyMs).unref()
}

function oldGenerationBytes(): number {
  let bytes = 0
  for (const space of getHeapSpaceStatistics()) if (oldSpaces.test(space.space_name)) bytes += space.space_used_size
  return bytes
}
