import { createLoopMeter, type LoopFigures } from '../ipc/loop-meter.ts'
import type { Gauges } from '../ipc/messages.ts'

const everyMs = 500

/** What the children tell with their beats, of the process itself. */
export function watchOwnGauges(): { read(): Gauges; stop(): void } {
  let figures: LoopFigures = { heapBytes: 0, utilization: 0, lagMs: 0 }
  const timer = setInterval(
    createLoopMeter(everyMs, (news) => {
      figures = news
    }),
    everyMs,
  )
  timer.unref()
  return { read: () => ({ memoryBytes: process.memoryUsage.rss(), ...figures }), stop: () => clearInterval(timer) }
}
