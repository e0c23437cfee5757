/** All that the arbiter knows of the running server, at one moment. */
import { statePath } from '../../base/state-path.ts'
import type { ProcessView, Snapshot } from '../../ipc/snapshot.ts'
import { workerViews } from '../worker-views.ts'
import type { ArbiterScope } from './arbiter-scope.ts'

/** Costs some microseconds for each worker: to be asked a few times a second, not for each request. */
export function snapshotOf(scope: ArbiterScope): Snapshot {
  const { actor, dirty, roster } = scope
  const chart = actor?.getSnapshot()
  const pool = dirty?.view() ?? null
  const since = sinceOf(scope)
  const dirtyPid = pool?.arbiter?.pid ?? 0
  return {
    at: Date.now(),
    name: scope.name,
    version: scope.version,
    node: process.versions.node,
    startedAt: scope.startedAt,
    generation: scope.current.facts.generation,
    workersWanted: scope.workersWanted,
    dirtyWorkersWanted: pool?.pool?.workersWanted ?? 0,
    listeners: scope.listenerViews(),
    arbiter: since(process.pid, 'arbiter', arbiterView(scope, chart?.value ?? 'booting')),
    workers: (chart === undefined ? [] : workerViews(chart, roster)).map((view) => since(process.pid, `worker-handle ${view.age}`, view)),
    dirtyArbiter: pool?.arbiter ?? null,
    dirtyWorkers: (pool?.pool?.workers ?? []).map((view) => since(dirtyPid, `worker-handle ${view.age}`, view)),
    dirtyApps: pool?.pool?.apps ?? [],
    sidecars: scope.sidecars?.views() ?? [],
    dirtyCalls: pool?.calls ?? 0,
    totals: roster.totals(),
    ...scope.counts.read(),
  }
}

/** Since when an actor has been in its state is known from its steps. */
function sinceOf({ history }: ArbiterScope): <View extends ProcessView>(pid: number, actor: string, view: View) => View {
  const known = new Map(history.instances().map(({ pid, actor, sinceAt }) => [`${pid} ${actor}`, sinceAt]))
  return (pid, actor, view) => ({ ...view, stateSince: known.get(`${pid} ${actor}`) ?? view.stateSince })
}

function arbiterView({ startedAt, gauges }: ArbiterScope, value: unknown): ProcessView {
  return { pid: process.pid, startedAt, state: statePath(value), stateSince: startedAt, ...gauges.read() }
}
