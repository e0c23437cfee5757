/** What a start and a reload do before workers are spawned. */
import { resolve } from 'node:path'
import { isDeepStrictEqual } from 'node:util'
import type { LoadAnswer } from '../../../machines/arbiter.ts'
import { MonocerosError, problemOf } from '../../base/errors.ts'
import type { ResolvedConfig } from '../../config/chain.ts'
import { type Settings, valueRows } from '../../config/settings.ts'
import { writePidFile } from '../../os/pid-file.ts'
import { remotesProblem } from '../remotes.ts'
import type { ArbiterEntry } from './arbiter.ts'
import { createDirtyKeeper, hasDirtyApps } from './arbiter-dirty.ts'
import { closeDoors, openDoors } from './arbiter-doors.ts'
import { giveLogsAway } from './arbiter-logs.ts'
import type { ArbiterScope, GenerationRecord } from './arbiter-scope.ts'

/** @throws MON_PIDFILE_HELD, MON_PIDFILE_FAILED, MON_LOG_FILE, MON_METRICS_BIND, MON_DASHBOARD */
export async function prepare(scope: ArbiterScope, entry: ArbiterEntry, signal: AbortSignal): Promise<void> {
  const { settings } = scope.current.config
  await lookAtSidecars(settings)
  if (settings.pidfile !== null) {
    const path = resolve(settings.chdir, settings.pidfile)
    writePidFile(path)
    scope.pidFile = path
  }
  giveLogsAway(settings)
  const steps = [
    () => openDoors(scope, entry),
    () => scope.runHook('nworkersChanged', scope.workersWanted, null),
    () => scope.runHook('onStarting'),
    // First of all that runs: dirty apps and workers may need them to boot.
    () => readySidecars(scope, scope.current, signal),
    () => startDirty(scope, entry.dirtyPath),
  ]
  for (const step of steps) {
    await step()
    // A stop has come meanwhile, and what ends the arbiter may be through: nothing may be begun after it, nor left open.
    if (signal.aborted) return closeDoors(scope)
  }
}

async function startDirty(scope: ArbiterScope, dirtyPath: string): Promise<void> {
  if (!hasDirtyApps(scope.current)) return
  scope.dirty = createDirtyKeeper(scope, dirtyPath, scope.current)
  await scope.dirty.start()
}

/** @throws MON_SIDECAR_COMMAND */
async function lookAtSidecars(settings: Settings): Promise<void> {
  if (settings.sidecars.length === 0) return
  const { sidecarProblem } = await import('../sidecar-problem.ts')
  const problem = sidecarProblem(settings)
  if (problem !== null) throw problem
}

/** @throws MON_SIDECAR_FAILED */
async function readySidecars(scope: ArbiterScope, record: GenerationRecord, signal: AbortSignal): Promise<void> {
  const { settings } = record.config
  if (settings.sidecars.length === 0) return
  const { createSidecars } = await import('./arbiter-sidecars.ts')
  if (signal.aborted) return
  scope.sidecars ??= createSidecars(scope, settings)
  await scope.sidecars.start(record)
}

/** Null when calls of the new generation can be made, else why they cannot. */
async function readyDirty(scope: ArbiterScope, dirtyPath: string, record: GenerationRecord): Promise<string | null> {
  if (!hasDirtyApps(record)) return null
  if (scope.dirty !== null) return scope.dirty.reload(record)
  const keeper = createDirtyKeeper(scope, dirtyPath, record)
  scope.dirty = keeper
  try {
    await keeper.start()
    return null
  } catch (error) {
    scope.dirty = null
    await keeper.stop(true)
    return problemOf(error)
  }
}

/**
 * After a reload, however it ended, and when a worker is gone: the dirty pool is that of the generation which serves. Apps
 * that it does not have any more stay until the last worker that may call them is gone.
 */
export function settleDirty(scope: ArbiterScope): void {
  const { dirty, farewells, current, roster } = scope
  if (dirty === null) return
  const isOldThere = roster.rows().some(({ generation }) => generation < current.facts.generation)
  const isLast = !hasDirtyApps(current)
  if (isOldThere && (isLast || dirty.keepsOld)) return
  if (!isLast) {
    dirty.settle()
    return
  }
  scope.dirty = null
  const gone = dirty.stop(false).finally(() => farewells.delete(gone))
  farewells.add(gone)
}

const overtaken: LoadAnswer = { ok: false, problem: 'a newer reload was asked for' }

/** Reads the configuration for a reload; whatever is wrong with it is an answer, and the present one serves on. */
export async function readCandidate(
  scope: ArbiterScope,
  { readConfig, dirtyPath }: Pick<ArbiterEntry, 'readConfig' | 'dirtyPath'>,
  signal: AbortSignal,
): Promise<LoadAnswer> {
  try {
    const { config, fixed } = keepFixed(scope, await readConfig())
    // A newer reload reads for itself, and this answer is nobody's any more.
    if (signal.aborted) return overtaken
    const before = new Set(scope.current.listeners.map((order) => order.id))
    const unreachable = await remotesProblem(config.settings)
    if (unreachable !== null) return { ok: false, problem: unreachable.message }
    await lookAtSidecars(config.settings)
    const record = scope.add(config, fixed)
    giveLogsAway(config.settings)
    const after = new Set(record.listeners.map((order) => order.id))
    await scope.runHookOf(record.facts.generation, 'onReload')
    if (signal.aborted) return overtaken
    await readySidecars(scope, record, signal)
    if (signal.aborted) return overtaken
    // First: the new workers' app may call what only the new dirty apps have.
    const problem = await readyDirty(scope, dirtyPath, record)
    if (problem !== null) return { ok: false, problem: `dirty apps: ${problem}` }
    return {
      ok: true,
      candidate: {
        ...record.facts,
        opens: record.listeners.filter((order) => !before.has(order.id)),
        closes: [...before].filter((id) => !after.has(id)),
      },
    }
  } catch (error) {
    return { ok: false, problem: error instanceof MonocerosError ? error.message : problemOf(error) }
  }
}

/** What only a start can change stays as it is, and is named, so that nobody believes in the new value. */
function keepFixed(scope: ArbiterScope, next: ResolvedConfig): { config: ResolvedConfig; fixed: readonly string[] } {
  const before = scope.current.config.settings as Readonly<Record<string, unknown>>
  const settings: Record<string, unknown> = { ...next.settings }
  const rows = valueRows.filter(({ name, reload }) => reload === 'restart' && !isDeepStrictEqual(before[name], settings[name]))
  const fixed = rows.map(({ name }) => name)
  if (fixed.length === 0) return { config: next, fixed }
  for (const name of fixed) settings[name] = before[name]
  scope.log.event('reload.needs-restart', { settings: fixed })
  return { config: { ...next, settings: settings as Settings }, fixed }
}
