/** What makes an HTTP worker: its traffic, and the program as its class runs it. */
import type { OrderToWorker } from '../../ipc/messages.ts'
import { createWishes, type Wishes } from '../../worker/wishes.ts'
import { runWorker, type WorkerEntry, type WorkerParts } from './worker.ts'
import { createProgram, type Program } from './worker-program.ts'
import type { WorkerScope } from './worker-scope.ts'
import { createTraffic, type Traffic } from './worker-traffic.ts'

export const runHttpWorker = (entry: WorkerEntry): Promise<void> => runWorker(entry, 'worker', httpParts)

async function httpParts(scope: WorkerScope, entry: WorkerEntry, onImport: () => void): Promise<WorkerParts> {
  const wishes = createWishes(scope.channel.send)
  if (scope.settings.workerClass === 'job') {
    const { createJobParts } = await import('./worker-jobs.ts')
    // What its own port answers does not wear it: jobs are counted.
    return createJobParts(scope, createTraffic(scope, wishes, 0), wishes, onImport)
  }
  const traffic = createTraffic(scope, wishes)
  const program = await programOf(scope, entry, traffic, wishes, onImport)
  return {
    traffic,
    program,
    hear(order: OrderToWorker, handle: unknown) {
      if (order.type === 'door') wishes.answer(order, handle)
    },
  }
}

async function programOf(scope: WorkerScope, entry: WorkerEntry, traffic: Traffic, wishes: Wishes, onImport: () => void): Promise<Program> {
  if (scope.settings.workerClass !== 'gthread') return createProgram(scope, traffic, wishes, onImport)
  // Loaded late: other workers need none of it.
  const { createThreadsProgram } = await import('./worker-threads.ts')
  return createThreadsProgram(scope, traffic, wishes, entry.threadPath)
}
