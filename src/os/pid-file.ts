import { readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs'
import { MonocerosError, problemOf } from '../base/errors.ts'

/**
 * Writes the pid file by rename, so that no reader ever sees half of it.
 * @throws MON_PIDFILE_HELD when it names another living process, MON_PIDFILE_FAILED when it cannot be written
 */
export function writePidFile(path: string): void {
  const holder = readPid(path)
  if (holder !== null && holder !== process.pid && isAlive(holder)) throw new MonocerosError('MON_PIDFILE_HELD', { path, pid: holder })
  const draft = `${path}.${process.pid}.tmp`
  try {
    writeFileSync(draft, `${process.pid}\n`, { mode: 0o644 })
    renameSync(draft, path)
  } catch (error) {
    rmSync(draft, { force: true })
    throw new MonocerosError('MON_PIDFILE_FAILED', { path, problem: problemOf(error) }, error)
  }
}

/** Removes the pid file if it is still ours: a successor may have written its own. */
export function removePidFile(path: string): void {
  if (readPid(path) === process.pid) rmSync(path, { force: true })
}

function readPid(path: string): number | null {
  try {
    const pid = Number.parseInt(readFileSync(path, 'utf8').trim(), 10)
    return Number.isInteger(pid) && pid > 0 ? pid : null
  } catch {
    return null // there is none, or it cannot be read: writing will tell
  }
}

function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0)
    return true
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === 'EPERM'
  }
}
