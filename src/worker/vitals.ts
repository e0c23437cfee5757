/** The worker's sign of life: the stamp of its loop, and the watchdog thread that watches it. */
import { Worker } from 'node:worker_threads'
import { createLoopMeter } from '../ipc/loop-meter.ts'
import type { MainAnswer, WatchdogNews, WatchOrders } from '../ipc/messages.ts'
import type { Pulse } from '../ipc/pulse.ts'

const stampMs = 50

export interface Vitals {
  /** Tells the watchdog that this process drains after its parent's death, so that it is not killed at once. */
  answer(): void
  /** Who knows where the job gave its last sign of life. */
  tellLastBeat(read: () => readonly string[]): void
}

export function startVitals(pulse: Pulse, entry: URL, orders: WatchOrders, onParentGone: () => void): Vitals {
  let lastBeat: () => readonly string[] = () => []
  pulse.stamp()
  const measure = createLoopMeter(stampMs, pulse.setFigures)
  // By its name a stack is known to be that of a loop which waits.
  setInterval(function takePulse() {
    pulse.stamp()
    measure()
  }, stampMs).unref()
  const watchdog = new Worker(entry, {
    workerData: orders,
    execArgv: [],
    name: 'watchdog',
    resourceLimits: { maxOldGenerationSizeMb: 24, maxYoungGenerationSizeMb: 2 },
  })
  watchdog.on('message', (news: WatchdogNews) => {
    if (news.type === 'parent.gone') onParentGone()
    else watchdog.postMessage({ type: 'last-beat', stack: lastBeat() } satisfies MainAnswer)
  })
  // Without its watchdog a worker would hang unseen and outlive its arbiter: it is better dead and replaced.
  watchdog.on('error', (error) => {
    throw error
  })
  // After the listeners: the one for messages holds the loop again, and a program that is over would seem to wait.
  watchdog.unref()
  return {
    answer: () => watchdog.postMessage({ type: 'drains' } satisfies MainAnswer),
    tellLastBeat(read) {
      lastBeat = read
    },
  }
}
