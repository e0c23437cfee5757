/** Log files that several processes write: whose they are, and how all open them again. */
import { resolve } from 'node:path'
import { MonocerosError, problemOf } from '../../base/errors.ts'
import type { Settings } from '../../config/settings.ts'
import { chownLogs } from '../../log/log-file.ts'
import { findIdentity } from '../../os/user.ts'
import type { ArbiterScope } from './arbiter-scope.ts'

/**
 * Workers of another user may not create a file in the folder of the logs: the arbiter does it for them.
 * @throws MON_LOG_FILE
 */
export function giveLogsAway({ user, group, errorlog, accesslog, flightRecorder, chdir }: Settings): void {
  if ((user === null && group === null) || process.getuid?.() !== 0) return
  const { uid, gid } = findIdentity(user, group, 'settings')
  const paths = [errorlog, accesslog, flightRecorder].flatMap((path) => (path === null || path === '-' ? [] : [resolve(chdir, path)]))
  chownLogs(paths, uid ?? 0, gid ?? 0)
}

/** After a rotation. One that cannot be given away is told of and does not keep the others from being opened. */
export function reopenLogs({ current, log, roster, recorder, dirty }: ArbiterScope): void {
  try {
    giveLogsAway(current.config.settings)
  } catch (error) {
    const destination = error instanceof MonocerosError ? error.facts['path'] : ''
    log.event('log.failed', { destination, problem: problemOf(error) })
  }
  log.reopen()
  recorder.reopen()
  // Only now: before, they could not have created theirs.
  for (const row of roster.rows()) row.send({ type: 'reopen' })
  dirty?.reopen()
  log.event('arbiter.reopened')
}
