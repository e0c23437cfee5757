/** What a start costs until every worker takes connections, in time and in CPU time. */
import type { Arm, Order } from './arms.ts'
import { cpuNsOf } from './processes.ts'
import { type Round, takeRounds } from './rounds.ts'

export interface StartupOptions {
  readonly title: string
  readonly rounds: number
  readonly arms: readonly Arm[]
  readonly order: Order
  readonly onVoid: (problems: readonly string[]) => void
}

export function measureStartup(options: StartupOptions): Promise<Round[]> {
  return takeRounds({
    ...options,
    async measure(arm) {
      const service = await arm.start(options.order)
      try {
        const cpuMs = cpuNsOf(service.pids()) / 1e6
        const isWhole = service.workers().length === options.order.workers
        const problems = [...service.problems(), ...(isWhole ? [] : ['it has not as many workers as it was told to'])]
        return { figures: { readyMs: service.readyMs, cpuMs }, problems }
      } finally {
        await service.stop()
      }
    },
  })
}
