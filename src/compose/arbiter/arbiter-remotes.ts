/** The arbiter's own lines to syslog and statsd, opened anew when a reload changes where they go. */
import { problemOf } from '../../base/errors.ts'
import type { Settings } from '../../config/settings.ts'
import { statsdNames } from '../../metrics/names.ts'
import { backlogsOf } from '../metrics/backlogs.ts'
import { openRemotes, tellsSame } from '../remotes.ts'
import type { ArbiterScope } from './arbiter-scope.ts'

const lookMs = 1_000
/** A statsd that was started again knows nothing of what did not change. */
const tellAgainMs = 10_000

interface Open {
  readonly settings: Settings
  readonly timer: NodeJS.Timeout | undefined
}

const opened = new WeakMap<ArbiterScope, Open>()

/** At the start it throws what is wrong with them; later they have been looked at before the reload. */
export async function settleRemotes(scope: ArbiterScope): Promise<void> {
  const { settings } = scope.current.config
  const before = opened.get(scope)
  if (before !== undefined && tellsSame(before.settings, settings)) return
  let remotes: ArbiterScope['remotes']
  try {
    remotes = await openRemotes(settings, scope.name, (event, facts) => scope.log.event(event, facts))
  } catch (error) {
    if (before === undefined) throw error
    scope.log.event('remote.failed', { what: 'syslog or statsd', address: '', problem: problemOf(error) }, error)
    return
  }
  clearInterval(before?.timer)
  scope.remotes?.close()
  scope.remotes = remotes
  scope.tap.hear = remotes.hear
  opened.set(scope, { settings, timer: remotes.statsd === null ? undefined : tellWorkers(scope) })
}

function tellWorkers(scope: ArbiterScope): NodeJS.Timeout {
  let toldMs = Number.NEGATIVE_INFINITY
  let told = -1
  const look = () => {
    void tellBacklog()
    const count = scope.roster.rows().length
    const now = performance.now()
    if (count === told && now - toldMs < tellAgainMs) return
    told = count
    toldMs = now
    scope.remotes?.statsd?.gauge(statsdNames.workers, count)
  }
  const tellBacklog = async () => {
    const backlogs = Object.values(await backlogsOf(scope))
    const sum = backlogs.reduce((total, one) => total + one, 0)
    if (backlogs.length > 0) scope.remotes?.statsd?.histogram(statsdNames.backlog, sum)
  }
  return setInterval(look, lookMs).unref()
}
