/** The addresses at which the arbiter itself answers. What answers there is loaded only where it is wanted. */
import { formatAddress, parseAddress } from '../base/address.ts'
import { MonocerosError, problemOf } from '../base/errors.ts'
import type { ArbiterScope } from './arbiter-scope.ts'

/** @throws MON_METRICS_BIND */
export async function openDoors(scope: ArbiterScope): Promise<void> {
  const { metricsBind } = scope.current.config.settings
  if (metricsBind === null) return
  const parsed = parseAddress(metricsBind)
  if (!parsed.ok || parsed.address.kind !== 'tcp') return // the configuration has been checked
  const [{ openDoor }, { metricsRoutes }] = await Promise.all([import('../dashboard/http-door.ts'), import('./metrics-routes.ts')])
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
