import { watchWear } from '../../worker/wear.ts'
import type { WorkerScope } from './worker-scope.ts'

const mibBytes = 2 ** 20

/** From when it is ready: a worker of any class that has grown too heavy, or too old, asks for its successor. */
export function watchOwnWear({ settings, log, recycle }: WorkerScope): void {
  const { workerMemoryLimit: limitMib, maxLifetime, maxLifetimeJitter } = settings
  const lifetimeMs = maxLifetime === 0 ? 0 : (maxLifetime + Math.random() * maxLifetimeJitter) * 1_000
  watchWear(
    { memoryMaxBytes: limitMib * mibBytes, lifetimeMs },
    {
      residentBytes: () => process.memoryUsage.rss(),
      recycle,
      onHopeless: (bytes) => log.event('worker.over-limit', { limitMib, memoryMib: Math.ceil(bytes / mibBytes) }),
    },
  )
}
