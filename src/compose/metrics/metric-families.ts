/** What is known of a running server, as metrics. Names and units follow the conventions of Prometheus. */
import { durationBoundsMs } from '../../base/durations.ts'
import type { Tallies } from '../../ipc/messages.ts'
import type { ProcessView, Snapshot, WorkerView } from '../../ipc/snapshot.ts'
import { counter, type Family, gauge, histogram, type Labels, type Sample } from '../../metrics/family.ts'

export interface Known {
  readonly snapshot: Snapshot
  readonly tallies: Tallies
  readonly workerClass: string
  readonly isReady: boolean
  readonly isCrashing: boolean
  /** Slots that wait until they are filled again. */
  readonly backoffs: number
  /** Requests that wait for a thread, by slot. */
  readonly waiting: Readonly<Record<string, number>>
  /** Connections that wait to be accepted, by address; empty where they are not looked for. */
  readonly backlogs: Readonly<Record<string, number>>
}

const boundsS = durationBoundsMs.map((bound) => bound / 1_000)
const lifeStates = ['booting', 'ready', 'draining', 'killing'] as const

export function familiesOf(known: Known): Family[] {
  return [
    ...ofServer(known),
    ...ofRequests(known),
    ...ofWorkers(known),
    ...ofProcesses(known.snapshot),
    ...ofThreads(known),
    ...ofDirty(known.snapshot),
    ...ofSidecars(known.snapshot),
  ]
}

function ofServer({ snapshot, workerClass, isReady }: Known): Family[] {
  const { name, version, node, startedAt, generation, reloads } = snapshot
  return [
    gauge('monoceros_info', 'What runs; always 1.', [{ labels: { name, version, node, worker_class: workerClass }, value: 1 }]),
    gauge('monoceros_start_time_seconds', 'When the arbiter started, in seconds since the epoch.', startedAt / 1_000),
    gauge('monoceros_ready', 'Whether /ready says so: 1 when enough workers are ready.', isReady ? 1 : 0),
    gauge('monoceros_generation', 'Number of the configuration that serves.', generation),
    counter('monoceros_reloads_total', 'Reloads that were carried through.', reloads),
  ]
}

function ofRequests({ snapshot: { totals }, tallies, backlogs }: Known): Family[] {
  const statuses = Object.entries(tallies.statuses).map(([status, value]) => ({ labels: { ...classOf(Number(status)), status }, value }))
  return [
    counter('monoceros_requests_total', 'Requests that have ended, by class and status of the answer; status 0: none was sent.', statuses),
    histogram(
      'monoceros_request_duration_seconds',
      'From the head of a request to the end of its answer, by class of status.',
      durationBoundsMs.map((bound) => bound / 1_000),
      Object.entries(tallies.durations).map(([kind, { sumMs, buckets }]) => ({ labels: { class: kind }, sum: sumMs / 1_000, buckets })),
    ),
    counter('monoceros_requests_aborted_total', 'Requests whose answer did not reach its end.', totals.aborted),
    gauge('monoceros_requests_in_flight', 'Requests under way.', totals.active),
    counter('monoceros_connections_accepted_total', 'Connections that were accepted.', totals.accepted),
    gauge('monoceros_connections', 'Connections that are open.', totals.connections),
    gauge('monoceros_backlog_connections', 'Connections that wait to be accepted.', labelled('address', backlogs)),
  ]
}

const classOf = (status: number) => ({ class: status >= 600 ? '5xx' : `${Math.floor(status / 100)}xx` })

function ofWorkers({ snapshot, backoffs, isCrashing }: Known): Family[] {
  const { workers, workersWanted, spawned, ended } = snapshot
  return [
    gauge('monoceros_workers', 'Workers by state; backoff: slots that wait until they are filled again, as too many died.', [
      ...byState(workers),
      { labels: { state: 'backoff' }, value: backoffs },
    ]),
    gauge('monoceros_crash_loop', 'Whether workers die so often that they are no longer replaced at once: 1 or 0.', isCrashing ? 1 : 0),
    gauge('monoceros_workers_wanted', 'How many workers there should be.', workersWanted),
    counter('monoceros_workers_spawned_total', 'Worker processes that were started.', spawned),
    counter('monoceros_workers_ended_total', 'Worker processes that have ended, by cause.', labelled('cause', ended)),
  ]
}

function byState(workers: readonly WorkerView[]): Sample[] {
  return lifeStates.map((state) => ({
    labels: { state },
    value: workers.filter((worker) => worker.state.split('.', 1)[0] === state).length,
  }))
}

interface Placed<V> {
  readonly labels: Labels
  readonly processes: readonly V[]
}

/** Labelled by slot, not by pid: a series does not end with its process. While a slot is handed over both are in it. */
function ofProcesses({ arbiter, workers, dirtyArbiter, dirtyWorkers }: Snapshot): Family[] {
  const placed: Placed<ProcessView>[] = [
    { labels: { role: 'arbiter', slot: '' }, processes: [arbiter] },
    ...bySlot('worker', workers),
    ...(dirtyArbiter === null ? [] : [{ labels: { role: 'dirty-arbiter', slot: '' }, processes: [dirtyArbiter] }]),
    ...bySlot('dirty-worker', dirtyWorkers),
  ]
  const of = (read: (view: ProcessView) => number, join: (...values: number[]) => number): Sample[] =>
    placed.map(({ labels, processes }) => ({ labels, value: join(...processes.map(read)) }))
  return [
    gauge(
      'monoceros_process_resident_memory_bytes',
      'Resident memory of each process.',
      of((view) => view.memoryBytes, total),
    ),
    gauge(
      'monoceros_process_heap_bytes',
      "Used heap of each process's main thread.",
      of((view) => view.heapBytes, total),
    ),
    gauge(
      'monoceros_event_loop_utilization_ratio',
      'Share of the last second in which the event loop was busy.',
      of((view) => view.utilization, Math.max),
    ),
    gauge(
      'monoceros_event_loop_lag_seconds',
      'How late the event loop ran at worst in the last second.',
      of((view) => view.lagMs / 1_000, Math.max),
    ),
  ]
}

const total = (...values: number[]): number => values.reduce((sum, value) => sum + value, 0)

function bySlot(role: string, workers: readonly WorkerView[]): Placed<WorkerView>[] {
  const slots = [...new Set(workers.map(({ slot }) => slot))]
  return slots.map((slot) => ({ labels: { role, slot }, processes: workers.filter((worker) => worker.slot === slot) }))
}

function ofThreads({ snapshot: { workers }, tallies: { waits }, waiting }: Known): Family[] {
  const threaded = bySlot(
    'worker',
    workers.filter(({ threads }) => threads.length > 0),
  )
  const of = (read: (view: WorkerView) => number): Sample[] =>
    threaded.map(({ labels: { slot = '' }, processes }) => ({ labels: { slot }, value: total(...processes.map(read)) }))
  return [
    gauge(
      'monoceros_threads',
      'Threads that run the app, of class gthread.',
      of(({ threads }) => threads.length),
    ),
    gauge(
      'monoceros_threads_busy',
      'Threads that have a request.',
      of(({ threads }) => threads.filter(({ inFlight }) => inFlight > 0).length),
    ),
    gauge('monoceros_thread_requests_waiting', 'Requests that wait for a thread.', threaded.length === 0 ? [] : labelled('slot', waiting)),
    histogram(
      'monoceros_thread_wait_seconds',
      'How long those requests waited for a thread that had to.',
      boundsS,
      waits === undefined ? [] : [{ labels: {}, sum: waits.sumMs / 1_000, buckets: waits.buckets }],
    ),
  ]
}

function ofDirty({ dirtyArbiter, dirtyWorkers, dirtyWorkersWanted, dirtyApps, dirtyCalls }: Snapshot): Family[] {
  if (dirtyArbiter === null) return []
  const of = (read: (app: Snapshot['dirtyApps'][number]) => number): Sample[] =>
    dirtyApps.map((app) => ({ labels: { app: app.app }, value: read(app) }))
  return [
    gauge('monoceros_dirty_workers', 'Dirty workers by state.', byState(dirtyWorkers.filter(({ slot }) => slot >= 0))),
    gauge(
      'monoceros_dirty_spares',
      'Dirty workers that stand by for another’s place, by state.',
      byState(dirtyWorkers.filter(({ slot }) => slot < 0)),
    ),
    counter('monoceros_dirty_calls_total', 'Dirty calls that have ended.', dirtyCalls),
    gauge('monoceros_dirty_workers_wanted', 'How many dirty workers there should be.', dirtyWorkersWanted),
    gauge(
      'monoceros_dirty_calls_queued',
      'Dirty calls that wait for a worker.',
      of(({ queued }) => queued),
    ),
    gauge(
      'monoceros_dirty_places_taken',
      'Places for dirty calls that are taken.',
      of(({ leased }) => leased),
    ),
    gauge(
      'monoceros_dirty_places',
      'How many dirty calls can run at once.',
      of(({ capacity }) => capacity),
    ),
    histogram(
      'monoceros_dirty_wait_seconds',
      'How long those dirty calls waited for a worker that had to.',
      boundsS,
      dirtyApps.flatMap(({ app, waits }) =>
        waits === null ? [] : [{ labels: { app }, sum: waits.sumMs / 1_000, buckets: waits.buckets }],
      ),
    ),
  ]
}

function ofSidecars({ sidecars }: Snapshot): Family[] {
  if (sidecars.length === 0) return []
  const of = (read: (sidecar: Snapshot['sidecars'][number]) => number): Sample[] =>
    sidecars.map((sidecar) => ({ labels: { sidecar: sidecar.name }, value: read(sidecar) }))
  return [
    gauge(
      'monoceros_sidecar_up',
      'Whether a sidecar is ready: 1 or 0.',
      of(({ state }) => (state === 'ready' ? 1 : 0)),
    ),
    counter(
      'monoceros_sidecar_restarts_total',
      'How often a sidecar was started again.',
      of(({ restarts }) => restarts),
    ),
    gauge(
      'monoceros_sidecar_resident_memory_bytes',
      'Resident memory of the process of a sidecar, without what it has started.',
      of(({ memoryBytes }) => memoryBytes),
    ),
  ]
}

const labelled = (name: string, values: Readonly<Record<string, number>>): Sample[] =>
  Object.entries(values).map(([label, value]) => ({ labels: { [name]: label }, value }))
