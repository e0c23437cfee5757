/** The commands that change something. Each is an event of the arbiter's chart, or an order to its children. */
import type { EventFrom } from 'xstate'
import type { arbiterMachine } from '../../../machines/arbiter.ts'
import { rowsOf, type WorkerRow } from '../../../machines/arbiter-rules.ts'
import { MonocerosError } from '../../base/errors.ts'
import { statePath } from '../../base/state-path.ts'
import type { Handlers } from '../../control/command-table.ts'
import type { Scaled } from '../../ipc/questions.ts'
import type { Level } from '../../log/level.ts'
import { reopenLogs } from '../arbiter/arbiter-logs.ts'
import type { ArbiterScope } from '../arbiter/arbiter-scope.ts'
import { reloadOutcome } from '../arbiter/reload-outcome.ts'

type Ordered =
  | 'worker add'
  | 'worker remove'
  | 'worker kill'
  | 'worker restart'
  | 'drain'
  | 'dirty add'
  | 'dirty remove'
  | 'reload'
  | 'reopen'
  | 'loglevel'
  | 'shutdown'

type Order = EventFrom<typeof arbiterMachine>

const dirtyPatienceMs = 5_000

/** @param because runs what follows from the command, so that its cause is known */
export function orderHandlers(scope: ArbiterScope, because: (act: () => void) => void): Pick<Handlers, Ordered> {
  /** @throws MON_CONTROL_STATE */
  function send(order: Order, name: string): void {
    const { actor } = scope
    const snapshot = actor?.getSnapshot()
    if (snapshot === undefined || snapshot.status !== 'active' || !snapshot.can(order)) {
      throw new MonocerosError('MON_CONTROL_STATE', { state: snapshot === undefined ? 'starting' : statePath(snapshot.value), order: name })
    }
    because(() => actor?.send(order))
  }

  function scale(by: number): { previous: number; total: number } {
    const previous = scope.workersWanted
    send({ type: 'scale', by }, by > 0 ? 'worker add' : 'worker remove')
    return { previous, total: scope.workersWanted }
  }

  function drain(row: WorkerRow, name: string): void {
    send({ type: 'drain', age: row.age }, name)
  }

  return {
    'worker add'({ N: count }) {
      const { previous, total } = scale(count ?? 1)
      return { added: total - previous, previous, total }
    },
    'worker remove'({ N: count }) {
      const { previous, total } = scale(-(count ?? 1))
      return { removed: previous - total, previous, total }
    },
    'worker kill'({ PID: pid }) {
      const age = scope.roster.rows().find((row) => row.pid === pid)?.age
      const row = workerRows(scope).find((one) => one.age === age)
      if (row !== undefined && row.generation > scope.current.facts.generation) {
        throw new MonocerosError('MON_CONTROL_STATE', { state: 'reloading', order: `kill of ${pid}, which the reload is trying` })
      }
      if (row !== undefined) drain(row, 'worker kill')
      else if (scope.dirty?.view().pool?.workers.some((worker) => worker.pid === pid)) process.kill(pid, 'SIGTERM')
      else throw new MonocerosError('MON_CONTROL_NO_PROCESS', { what: 'worker with pid', given: pid })
      return { success: true, killed: pid }
    },
    'worker restart'({ SLOT: slot }) {
      const rows = slot === 'all' ? currentRows(scope).filter(isReady) : [readyIn(scope, slot)]
      send({ type: 'restart', ages: rows.map(({ age }) => age) }, 'worker restart')
      return { restarting: rows.map((row) => ({ slot: row.slot, pid: pidOf(scope, row) })), count: rows.length }
    },
    drain({ SLOT: slot }) {
      const row = readyIn(scope, slot)
      const pid = pidOf(scope, row)
      drain(row, 'drain')
      return { draining: pid, slot, replaced: slot < scope.workersWanted }
    },
    async 'dirty add'({ N: count }) {
      const requested = count ?? 1
      const { previous, total } = await scaleDirty(scope, { by: requested })
      return {
        success: true,
        operation: 'add',
        requested,
        added: total - previous,
        spawned: total - previous,
        total_workers: total,
        target_workers: total,
      }
    },
    async 'dirty remove'({ N: count }) {
      const requested = count ?? 1
      const { previous, total, reason } = await scaleDirty(scope, { by: -requested })
      const removed = previous - total
      if (removed === 0) throw new MonocerosError('MON_CONTROL_NEEDED', { problem: reason })
      return {
        success: true,
        operation: 'remove',
        requested,
        removed,
        total_workers: total,
        target_workers: total,
        ...(reason === null ? {} : { reason }),
      }
    },
    async reload({ wait }) {
      const startedMs = performance.now()
      send({ type: 'reload' }, 'reload')
      if (!wait) return { status: 'reloading' }
      const outcome = await reloadOutcome(scope)
      if (!outcome.ok) throw new MonocerosError('MON_CONTROL_RELOAD', { problem: outcome.problem })
      return {
        status: 'reloaded',
        generation: outcome.generation,
        workers: scope.workersWanted,
        took_s: Math.round((performance.now() - startedMs) / 10) / 100,
      }
    },
    reopen() {
      reopenLogs(scope)
      return { status: 'reopening' }
    },
    loglevel({ LEVEL: level }) {
      if (level !== null) setLevel(scope, level)
      return { level: scope.level ?? scope.current.config.settings.loglevel }
    },
    shutdown({ 'graceful|quick': given }) {
      const mode = given ?? 'graceful'
      send({ type: 'stop', reason: `control socket (${mode})`, isQuick: mode === 'quick' }, 'shutdown')
      return { status: 'shutting_down', mode }
    },
  }
}

const workerRows = ({ actor }: ArbiterScope): WorkerRow[] => (actor === null ? [] : rowsOf(actor.getSnapshot().context))
const currentRows = (scope: ArbiterScope) => workerRows(scope).filter(({ generation }) => generation === scope.current.facts.generation)
const isReady = ({ phase }: WorkerRow) => phase === 'ready'
const pidOf = ({ roster }: ArbiterScope, { age }: WorkerRow) => roster.rows().find((row) => row.age === age)?.pid ?? null

/** @throws MON_CONTROL_NO_PROCESS */
function readyIn(scope: ArbiterScope, slot: number): WorkerRow {
  // While it is being replaced there are two: the younger is the one that stays.
  const row = currentRows(scope).findLast((one) => one.slot === slot && isReady(one))
  if (row === undefined) throw new MonocerosError('MON_CONTROL_NO_PROCESS', { what: 'ready worker in slot', given: slot })
  return row
}

/** @throws MON_CONTROL_NO_DIRTY, MON_CONTROL_FAILED */
export async function scaleDirty(scope: ArbiterScope, wish: { readonly by: number } | { readonly to: number }): Promise<Scaled> {
  if (scope.dirty === null) throw new MonocerosError('MON_CONTROL_NO_DIRTY')
  const answer = await scope.dirty.ask({ kind: 'scale', ...wish }, dirtyPatienceMs, null)
  if (!answer.ok) throw new MonocerosError('MON_CONTROL_FAILED', { problem: `dirty arbiter: ${answer.problem}` })
  return answer.value as Scaled
}

function setLevel(scope: ArbiterScope, level: Level): void {
  scope.level = level
  scope.log.setLevel(level)
  for (const row of scope.roster.rows()) row.send({ type: 'level', level })
  scope.dirty?.setLevel(level)
  scope.log.event('control.loglevel', { level })
}
