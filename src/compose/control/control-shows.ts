/** The commands that only show: what the arbiter knows, in Gunicorn's words where it has them. */
import { MonocerosError } from '../../base/errors.ts'
import { snakeOf } from '../../config/row.ts'
import { type Settings, valueRows } from '../../config/settings.ts'
import type { Handlers } from '../../control/command-table.ts'
import type { ProcessView, SidecarView, Snapshot, WorkerView } from '../../ipc/snapshot.ts'
import { acceptQueues } from '../../os/accept-queues.ts'
import type { ArbiterScope } from '../arbiter/arbiter-scope.ts'
import { snapshotOf } from '../arbiter/arbiter-snapshot.ts'

type Shown =
  | 'show all'
  | 'show workers'
  | 'show dirty'
  | 'show sidecars'
  | 'show config'
  | 'show stats'
  | 'show listeners'
  | 'show machines'
  | 'show events'
  | 'show threads'
  | 'show queues'

const poolPatienceMs = 1_000
const eventsUsual = 50
const eventsMax = 5_000

export function showHandlers(scope: ArbiterScope): Pick<Handlers, Shown> {
  return {
    async 'show all'() {
      const now = await freshSnapshot(scope)
      return {
        name: now.name,
        arbiter: { ...processFields(now.arbiter, now), type: 'arbiter', role: 'master' },
        web_workers: now.workers.map((worker) => ({ type: 'web', ...workerFields(worker, now) })),
        web_worker_count: now.workers.length,
        dirty_arbiter: now.dirtyArbiter && { ...processFields(now.dirtyArbiter, now), type: 'dirty_arbiter', role: 'dirty master' },
        dirty_workers: now.dirtyWorkers.map((worker) => dirtyWorkerFields(worker, now)),
        dirty_worker_count: now.dirtyWorkers.length,
        sidecars: now.sidecars.map((sidecar) => sidecarFields(sidecar, now)),
      }
    },
    'show workers'() {
      const now = snapshotOf(scope)
      return { workers: now.workers.map((worker) => workerFields(worker, now)), count: now.workers.length }
    },
    async 'show dirty'() {
      const now = await freshSnapshot(scope)
      return {
        enabled: now.dirtyArbiter !== null,
        pid: now.dirtyArbiter?.pid ?? null,
        workers_target: now.dirtyWorkersWanted,
        workers: now.dirtyWorkers.map((worker) => dirtyWorkerFields(worker, now)),
        apps: now.dirtyApps.map(({ app, spec, workersWanted, workerPids, queued, leased, capacity }) => ({
          name: app,
          import_path: spec,
          worker_count: workersWanted,
          current_workers: workerPids.length,
          worker_pids: workerPids,
          queued,
          leased,
          capacity,
        })),
      }
    },
    'show sidecars'() {
      const now = snapshotOf(scope)
      return { sidecars: now.sidecars.map((sidecar) => sidecarFields(sidecar, now)), count: now.sidecars.length }
    },
    'show config': () => configOf(scope),
    'show stats'() {
      const now = snapshotOf(scope)
      const { totals, ended } = now
      return {
        uptime: secondsBetween(now.startedAt, now.at),
        pid: process.pid,
        name: now.name,
        version: now.version,
        node: now.node,
        state: now.arbiter.state,
        generation: now.generation,
        workers_current: now.workers.length,
        workers_target: now.workersWanted,
        workers_spawned: now.spawned,
        workers_killed: killReasons.reduce((sum, reason) => sum + (ended[reason] ?? 0), 0),
        workers_ended: ended,
        reloads: now.reloads,
        dirty_arbiter_pid: now.dirtyArbiter?.pid ?? null,
        connections: totals.connections,
        requests_active: totals.active,
        requests_served: totals.served,
        requests_aborted: totals.aborted,
        responses: {
          '1xx': totals.status1xx,
          '2xx': totals.status2xx,
          '3xx': totals.status3xx,
          '4xx': totals.status4xx,
          '5xx': totals.status5xx,
        },
        memory_bytes: [now.arbiter, now.dirtyArbiter, ...now.workers, ...now.dirtyWorkers].reduce(
          (sum, process) => sum + (process?.memoryBytes ?? 0),
          0,
        ),
      }
    },
    'show listeners'() {
      const { listeners } = snapshotOf(scope)
      return { listeners, count: listeners.length }
    },
    'show machines'({ PID: pid }) {
      const now = Date.now()
      const machines = scope.history
        .instances()
        .filter((instance) => pid === null || instance.pid === pid)
        .map(({ pid: of, role, slot, age, chart, actor, state, sinceAt, ledBy }) => ({
          pid: of,
          role,
          slot,
          age,
          chart,
          actor,
          state,
          for_s: secondsBetween(sinceAt, now),
          since: new Date(sinceAt).toISOString(),
          event: ledBy.event,
          cause: ledBy.cause,
        }))
      if (pid !== null && machines.length === 0)
        throw new MonocerosError('MON_CONTROL_NO_PROCESS', { what: 'process with charts', given: pid })
      return { machines, count: machines.length }
    },
    'show events'({ actor, since, after, limit }) {
      const isWanted = wanted(actor)
      const isUsual = actor === null && since === null && after === null
      const last = limit ?? (isUsual ? eventsUsual : eventsMax)
      const found = scope.history.since(after ?? 0).filter(({ step }) => isWanted(step) && (since === null || step.at >= since))
      return {
        // Whoever goes on reading wants the oldest of what is new; everybody else the newest.
        events: (after === null ? found.slice(-last) : found.slice(0, last)).map(({ id, step }) => ({ id, ...step })),
        last_id: scope.history.lastId,
        dropped: scope.history.dropped,
      }
    },
    'show threads'() {
      const { workers } = snapshotOf(scope)
      const threads = workers.flatMap(({ pid, slot, threads: own }) =>
        own.map(({ thread, isLeaving, inFlight, handled, utilization, heapBytes }) => ({
          pid,
          slot,
          thread,
          state: isLeaving ? 'leaving' : inFlight > 0 ? 'busy' : 'idle',
          in_flight: inFlight,
          handled,
          utilization: rounded(utilization),
          heap_bytes: heapBytes,
        })),
      )
      return { threads, count: threads.length }
    },
    async 'show queues'() {
      const now = await freshSnapshot(scope)
      const kernel = await acceptQueues(now.listeners.map(({ address }) => address))
      const threads = scope.roster.rows().filter((row) => row.threads.length > 0)
      return {
        queues: [
          ...kernel.map(({ address, waiting }) => ({ kind: 'kernel', name: address, waiting, taken: null, capacity: null })),
          ...threads.map((row) => ({
            kind: 'threads',
            name: `worker ${row.pid} (slot ${row.slot})`,
            waiting: row.waiting,
            taken: row.threads.reduce((sum, { inFlight }) => sum + inFlight, 0),
            capacity: row.threads.filter(({ isLeaving }) => !isLeaving).length,
          })),
          ...now.dirtyApps.map(({ app, queued, leased, capacity }) => ({
            kind: 'dirty',
            name: app,
            waiting: queued,
            taken: leased,
            capacity,
          })),
        ],
      }
    },
  }
}

const killReasons = ['boot-timeout', 'never-serves', 'silent', 'hung', 'frozen', 'grace', 'forced', 'unwanted', 'failed']

/** With what the dirty arbiter knows now, not a second ago. */
export async function freshSnapshot(scope: ArbiterScope): Promise<Snapshot> {
  await scope.dirty?.look(poolPatienceMs)
  return snapshotOf(scope)
}

const rounded = (value: number) => Math.round(value * 1_000) / 1_000
const secondsBetween = (from: number, to: number) => Math.round((to - from) / 10) / 100

function processFields({ pid, state, stateSince, startedAt, memoryBytes, heapBytes, utilization, lagMs }: ProcessView, { at }: Snapshot) {
  return {
    pid,
    state,
    for_s: secondsBetween(stateSince, at),
    uptime: secondsBetween(startedAt, at),
    memory_bytes: memoryBytes,
    heap_bytes: heapBytes,
    utilization: rounded(utilization),
    lag_ms: Math.round(lagMs),
  }
}

function workerFields(worker: WorkerView, now: Snapshot) {
  const { slot, age, generation, isBooted, lastBeatMs, counters, state } = worker
  return {
    ...processFields(worker, now),
    slot,
    age,
    generation,
    booted: isBooted,
    aborted: state.startsWith('killing'),
    last_heartbeat: lastBeatMs === null ? null : Math.round(lastBeatMs / 10) / 100,
    connections: counters?.connections ?? 0,
    active: counters?.active ?? 0,
    served: counters?.served ?? 0,
  }
}

const dirtyWorkerFields = (worker: WorkerView, now: Snapshot) => ({
  ...workerFields(worker, now),
  spare: worker.slot < 0,
  apps: worker.apps,
})

function sidecarFields(
  { name, command, restart, pid, state, stateSince, startedAt, restarts, memoryBytes }: SidecarView,
  { at }: Snapshot,
) {
  return {
    name,
    command,
    restart,
    pid,
    state,
    for_s: secondsBetween(stateSince, at),
    uptime: startedAt === null ? null : secondsBetween(startedAt, at),
    restarts,
    memory_bytes: memoryBytes,
  }
}

/** What must not be shown to whoever looks over a shoulder. */
const isSecret = (name: string) => /token|secret|password/i.test(name)

function shownSetting(name: string, value: unknown): unknown {
  // The environment of a command is where its secrets are.
  if (name === 'sidecars') return (value as Settings['sidecars']).map((one) => ({ ...one, env: Object.keys(one.env) }))
  return isSecret(name) && value !== null ? '***' : value
}

function configOf({ current }: ArbiterScope): Record<string, unknown> {
  const values = current.config.settings as Readonly<Record<string, unknown>>
  const rows = valueRows.filter(({ name, isCallersOnly }) => isCallersOnly !== true && name !== 'rawEnv')
  return Object.fromEntries(rows.map(({ name, gunicorn }) => [gunicorn ?? snakeOf(name), shownSetting(name, values[name])]))
}

/** By pid, by role, or by any part of the name of an actor. */
function wanted(actor: string | null): (step: { pid: number; role: string; actor: string }) => boolean {
  if (actor === null) return () => true
  const pid = /^\d+$/.test(actor) ? Number(actor) : null
  return (step) => step.pid === pid || step.role === actor || step.actor.includes(actor)
}
