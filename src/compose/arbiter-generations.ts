/** What a start and a reload do before workers are spawned. */
import type { LoadAnswer } from '../../machines/arbiter.ts'
import { MonocerosError, problemOf } from '../base/errors.ts'
import type { ResolvedConfig } from '../config/chain.ts'
import { chownLogs } from '../log/log-file.ts'
import { writePidFile } from '../os/pid-file.ts'
import type { ArbiterScope } from './arbiter-scope.ts'

/** @throws MON_PIDFILE_HELD, MON_PIDFILE_FAILED */
export async function prepare(scope: ArbiterScope): Promise<void> {
  const { settings } = scope.current.config
  if (settings.pidfile !== null) {
    writePidFile(settings.pidfile)
    scope.hasPidFile = true
  }
  const { uid, gid } = scope.identity
  const logs = [settings.errorlog, settings.accesslog].filter((path): path is string => path !== null && path !== '-')
  if ((uid !== null || gid !== null) && process.getuid?.() === 0) chownLogs(logs, uid ?? 0, gid ?? 0)
  await scope.runHook('nworkersChanged', scope.workersWanted, null)
  await scope.runHook('onStarting')
}

/** Reads the configuration for a reload; whatever is wrong with it is an answer, and the present one serves on. */
export async function readCandidate(scope: ArbiterScope, readConfig: () => Promise<ResolvedConfig>): Promise<LoadAnswer> {
  try {
    const config = await readConfig()
    const before = new Set(scope.current.listeners.map((order) => order.id))
    const record = scope.add(config)
    const after = new Set(record.listeners.map((order) => order.id))
    await scope.runHook('onReload')
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
