/** The addresses at which the arbiter itself answers. What answers there is loaded only where it is wanted. */
import { formatAddress, parseAddress } from '../../base/address.ts'
import { MonocerosError, problemOf } from '../../base/errors.ts'
import type { ArbiterEntry } from './arbiter.ts'
import type { ArbiterScope } from './arbiter-scope.ts'

/** @throws MON_METRICS_BIND, MON_DASHBOARD, MON_BUILD_MISSING */
export async function openDoors(scope: ArbiterScope, entry: ArbiterEntry): Promise<void> {
  const { metricsBind, dashboard } = scope.current.config.settings
  if (metricsBind !== null) await openMetrics(scope, metricsBind)
  if (dashboard === null) return
  const { openDashboard } = await import('./arbiter-dashboard.ts')
  scope.doors.add(await openDashboard(scope, entry))
}

async function openMetrics(scope: ArbiterScope, metricsBind: string): Promise<void> {
  const parsed = parseAddress(metricsBind)
  if (!parsed.ok || parsed.address.kind !== 'tcp') return // the configuration has been checked
  const [{ openDoor }, { metricsRoutes }] = await Promise.all([
    import('../../dashboard/http-door.ts'),
    import('../metrics/metrics-routes.ts'),
  ])
  const { host, port } = parsed.address
  try {
    const door = await openDoor({
      host,
      port,
      token: null,
      routes: metricsRoutes(scope),
      onProblem: (error, path) => scope.log.event('metrics.failed', { path, problem: problemOf(error) }, error),
    })
    scope.doors.add(door)
    scope.log.event('metrics.listening', { address: formatAddress({ kind: 'tcp', host, port: door.port }) })
  } catch (error) {
    throw new MonocerosError('MON_METRICS_BIND', { address: metricsBind, problem: problemOf(error) }, error)
  }
}

export function closeDoors({ doors }: ArbiterScope): void {
  for (const door of doors) door.close()
  doors.clear()
}
