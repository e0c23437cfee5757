/**
 * Memory of a worker beside a bare Node that runs the same app, and of the arbiter beside a Node that runs nothing. All of
 * them live at the same time, so that what they share is divided among them alike.
 */
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { setTimeout as pause } from 'node:timers/promises'
import { type Arm, type Order, plainNode } from './arms.ts'
import { childrenOf, pssKibOf } from './processes.ts'
import { type Round, takeRounds } from './rounds.ts'

export interface MemoryOptions {
  readonly title: string
  readonly rounds: number
  readonly arms: readonly Arm[]
  readonly order: Order
  readonly onVoid: (problems: readonly string[]) => void
}

/** Until what a start leaves behind has been collected, and the first beats have been written. */
const settleMs = 1_500

export function measureMemory(options: MemoryOptions): Promise<Round[]> {
  return takeRounds({
    ...options,
    async measure(arm) {
      const idle = spawn(process.execPath, ['-e', 'setInterval(() => {}, 60_000)'], { stdio: 'ignore' })
      const bare = await plainNode.start(options.order)
      const service = await arm.start(options.order)
      try {
        await pause(settleMs)
        const [arbiterPid = 0] = service.pids()
        const workers = childrenOf(arbiterPid).map(mibOf)
        const figures = {
          idleNodeMib: mibOf(idle.pid as number),
          bareAppMib: mibOf(bare.pids()[0] as number),
          arbiterMib: mibOf(arbiterPid),
          workerMib: workers.reduce((sum, mib) => sum + mib, 0) / workers.length,
        }
        return { figures, problems: service.problems() }
      } finally {
        idle.kill('SIGKILL')
        await once(idle, 'exit')
        await bare.stop()
        await service.stop()
      }
    },
  })
}

const mibOf = (pid: number): number => pssKibOf(pid) / 1_024
