/** What whoever watches a server asks of it: metrics for Prometheus, and probes for what gives it traffic. */
import type { ServerResponse } from 'node:http'
import type { Route } from '../../dashboard/http-door.ts'
import { prometheusText, prometheusType } from '../../metrics/prometheus-text.ts'
import type { ArbiterScope } from '../arbiter/arbiter-scope.ts'
import { snapshotOf } from '../arbiter/arbiter-snapshot.ts'
import { type AppMetrics, createAppMetrics } from './app-metrics.ts'
import { backlogsOf } from './backlogs.ts'
import { familiesOf } from './metric-families.ts'
import { readinessOf } from './readiness.ts'

export function metricsRoutes(scope: ArbiterScope): Route[] {
  const apps = createAppMetrics(scope)
  return [
    {
      method: 'GET',
      path: '/metrics',
      access: 'open',
      handle: async (_, res) => void res.setHeader('content-type', prometheusType).end(await metricsText(scope, apps)),
    },
    {
      method: 'GET',
      path: '/ready',
      access: 'open',
      handle(_, res) {
        const { isReady, ...facts } = readinessOf(scope)
        json(res, isReady ? 200 : 503, facts)
      },
    },
    {
      method: 'GET',
      path: '/live',
      access: 'open',
      // That it is answered is what it says. To restart all for workers that crash would stop those that do not.
      handle: (_, res) => json(res, 200, { status: 'live', isCrashing: readinessOf(scope).isCrashing }),
    },
  ]
}

async function metricsText(scope: ArbiterScope, apps: AppMetrics): Promise<string> {
  // First: what is counted while they are asked is in what follows.
  const [ofApps, backlogs] = await Promise.all([apps.read(), backlogsOf(scope)])
  const { isReady, isCrashing, backoffs } = readinessOf(scope)
  const own = familiesOf({
    snapshot: snapshotOf(scope),
    tallies: scope.roster.tallies(),
    workerClass: scope.current.config.settings.workerClass,
    isReady,
    isCrashing,
    backoffs,
    waiting: waitingOf(scope),
    backlogs,
  })
  return prometheusText([...own, ...ofApps])
}

/** While a slot is handed over both of its workers are in it. */
function waitingOf({ roster }: ArbiterScope): Record<string, number> {
  const waiting: Record<string, number> = {}
  for (const row of roster.rows()) waiting[row.slot] = (waiting[row.slot] ?? 0) + row.waiting
  return waiting
}

function json(res: ServerResponse, status: number, body: object): void {
  res.writeHead(status, { 'content-type': 'application/json' }).end(`${JSON.stringify(body)}\n`)
}
