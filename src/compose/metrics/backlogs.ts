import { acceptQueues } from '../../os/accept-queue.ts'
import type { ArbiterScope } from '../arbiter/arbiter-scope.ts'

/** Connections that wait to be accepted, by address; none where it is not asked for, or the kernel does not tell. */
export async function backlogsOf(scope: ArbiterScope): Promise<Record<string, number>> {
  if (!scope.current.config.settings.enableBacklogMetric) return {}
  const views = scope.listenerViews().filter(({ type, fd }) => type !== 'unix' && fd >= 0)
  const queues = await acceptQueues(views.map(({ fd }) => fd))
  return Object.fromEntries(views.flatMap(({ address, fd }) => (queues.has(fd) ? [[address, queues.get(fd) ?? 0]] : [])))
}
