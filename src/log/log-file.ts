import fs from 'node:fs'
import path from 'node:path'
import { MonocerosError, problemOf } from '../base/errors.ts'
import { appendFlags, fileMode, standardOf } from './descriptor.ts'

/** Why a log destination cannot be opened for append, or null when it can. Creates nothing. */
export function openable(destination: string): string | null {
  if (standardOf(destination, 2) !== null) return null
  const folder = path.dirname(path.resolve(destination))
  try {
    const stat = fs.statSync(destination, { throwIfNoEntry: false })
    if (stat?.isDirectory()) return 'it is a folder'
    if (stat !== undefined) fs.accessSync(destination, fs.constants.W_OK)
    else fs.accessSync(folder, fs.constants.W_OK | fs.constants.X_OK)
    return null
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === 'ENOENT' ? `there is no folder ${folder}` : problemOf(error)
  }
}

/**
 * Gives log files to the user that workers run as, so that their USR1 can open them again; creates those that are missing.
 * Only regular files change hands: never a terminal, `/dev/null`, a pipe, or what a link leads to. Throws MON_LOG_FILE.
 */
export function chownLogs(paths: readonly string[], uid: number, gid: number): void {
  for (const destination of paths) {
    if (standardOf(destination, 2) === null) chownLog(destination, uid, gid)
  }
}

function chownLog(destination: string, uid: number, gid: number): void {
  let fd: number | undefined
  try {
    fd = fs.openSync(destination, appendFlags | fs.constants.O_NOFOLLOW, fileMode)
    const stat = fs.fstatSync(fd)
    if (stat.isFile() && stat.nlink === 1) fs.fchownSync(fd, uid, gid)
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ELOOP') return // a link, to a file that may be anybody's
    throw new MonocerosError('MON_LOG_FILE', { path: destination, problem: problemOf(error) }, error)
  } finally {
    if (fd !== undefined) fs.closeSync(fd)
  }
}
