/** The dashboard's door in the arbiter: the page, what it is told, what it may ask, and the metrics beside it. */
import { randomBytes } from 'node:crypto'
import { readFileSync } from 'node:fs'
import { resolve } from 'node:path'
import { formatAddress, parseAddress } from '../../base/address.ts'
import { MonocerosError, problemOf } from '../../base/errors.ts'
import { dashboardAddress, tokenProblem } from '../../config/sections/dashboard.ts'
import type { Settings } from '../../config/settings.ts'
import { openDoor } from '../../dashboard/http-door.ts'
import { pageRoutes } from '../../dashboard/page-files.ts'
import { type CommandAnswer, dashboardRoutes } from '../../dashboard/routes.ts'
import { createViewers } from '../../dashboard/viewers.ts'
import { metricsRoutes } from '../metrics/metrics-routes.ts'
import { pageFolder } from '../page-folder.ts'
import type { ArbiterEntry } from './arbiter.ts'
import type { ArbiterScope } from './arbiter-scope.ts'
import { snapshotOf } from './arbiter-snapshot.ts'

/** @throws MON_DASHBOARD, MON_BUILD_MISSING */
export async function openDashboard(scope: ArbiterScope, { probeUrl }: Pick<ArbiterEntry, 'probeUrl'>): Promise<{ close(): void }> {
  const { settings } = scope.current.config
  const given = dashboardAddress(settings.dashboard ?? '')
  const parsed = parseAddress(given)
  if (!parsed.ok || parsed.address.kind !== 'tcp') throw new MonocerosError('MON_DASHBOARD', { problem: `${given} is not HOST:PORT` })
  const { host, port } = parsed.address
  const files = pageRoutes(pageFolder)
  const givenToken = tokenOf(settings)
  const token = givenToken ?? randomBytes(24).toString('base64url')
  const viewers = createViewers({
    source: 'server',
    name: scope.name,
    life: `${process.pid}.${scope.startedAt}`,
    history: scope.history,
    now: { snapshot: () => snapshotOf(scope), tallies: () => scope.roster.tallies() },
  })
  try {
    const door = await openDoor({
      host,
      port,
      token,
      routes: [...files, ...dashboardRoutes({ viewers, command: (text) => commanded(scope, probeUrl, text) }), ...metricsRoutes(scope)],
      onProblem: (error, path) => scope.log.event('dashboard.failed', { path, problem: problemOf(error) }, error),
    })
    const url = `http://${formatAddress({ kind: 'tcp', host, port: door.port })}/`
    scope.dashboardUrl = givenToken === null ? `${url}#token=${token}` : url
    scope.log.event('dashboard.listening', { url: scope.dashboardUrl })
    const stopHearing = scope.news.on('autopsy', viewers.tellAutopsy)
    return {
      close() {
        stopHearing()
        viewers.close()
        door.close()
      },
    }
  } catch (error) {
    viewers.close()
    throw new MonocerosError('MON_DASHBOARD', { problem: `cannot listen at ${given}: ${problemOf(error)}` }, error)
  }
}

function tokenOf({ dashboardToken, dashboardTokenFile, chdir }: Settings): string | null {
  if (dashboardTokenFile === null) return dashboardToken
  const path = resolve(chdir, dashboardTokenFile)
  let text: string
  try {
    text = readFileSync(path, 'utf8').split('\n', 1)[0]?.trim() ?? ''
  } catch (error) {
    throw new MonocerosError('MON_DASHBOARD', { problem: `the token cannot be read: ${problemOf(error)}` }, error)
  }
  const problem = tokenProblem(text)
  if (problem !== null) throw new MonocerosError('MON_DASHBOARD', { problem: `the first line of ${path}: ${problem}` })
  return text
}

async function commanded(scope: ArbiterScope, probeUrl: URL, command: string): Promise<CommandAnswer> {
  const { answerControl } = await import('../control/control-commands.ts')
  const answer = await answerControl(scope, probeUrl, { id: null, command })
  return answer.status === 'ok' ? { ok: true, data: answer.data } : { ok: false, data: { error: answer.error, advice: answer.advice } }
}
