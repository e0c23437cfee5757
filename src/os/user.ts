import { readFileSync } from 'node:fs'
import { MonocerosError, problemOf } from '../base/errors.ts'

export interface Identity {
  readonly uid: number | null
  readonly gid: number | null
  /** The user's name when it is known: initgroups(3) wants it. */
  readonly userName: string | null
}

/**
 * Finds the ids that workers are to run with; a user without a group brings its own primary group.
 * @throws MON_USER_UNKNOWN
 */
export function findIdentity(user: string | null, group: string | null, source: string): Identity {
  const passwd = user === null ? null : findEntry('/etc/passwd', user)
  if (user !== null && passwd === null && !/^\d+$/.test(user))
    throw new MonocerosError('MON_USER_UNKNOWN', { source, what: 'user', name: user })
  const groupEntry = group === null ? null : findEntry('/etc/group', group)
  if (group !== null && groupEntry === null && !/^\d+$/.test(group)) {
    throw new MonocerosError('MON_USER_UNKNOWN', { source, what: 'group', name: group })
  }
  const uid = user === null ? null : Number(passwd?.[2] ?? user)
  const ownGid = passwd === null ? null : Number(passwd[3])
  return { uid, gid: group === null ? ownGid : Number(groupEntry?.[2] ?? group), userName: passwd?.[0] ?? null }
}

function findEntry(path: string, nameOrId: string): string[] | null {
  let text: string
  try {
    text = readFileSync(path, 'utf8')
  } catch {
    return null // no such database: only numbers can be used
  }
  const rows = text.split('\n').map((line) => line.split(':'))
  return rows.find((row) => row[0] === nameOrId) ?? rows.find((row) => row.length > 2 && row[2] === nameOrId) ?? null
}

/**
 * Gives up the present identity for good, group first. Supplementary groups are the user's own with `initgroups`, none
 * without: the launcher's are never kept.
 * @throws MON_USER_FORBIDDEN
 */
export function becomeUser(identity: Identity, shown: { user: string | null; group: string | null }, initgroups: boolean): void {
  const { uid, gid, userName } = identity
  const isSame = (uid === null || uid === process.geteuid?.()) && (gid === null || gid === process.getegid?.())
  if (isSame) return
  try {
    if (gid !== null) {
      if (initgroups && userName !== null) (process as unknown as { initgroups(user: string, gid: number): void }).initgroups(userName, gid)
      else process.setgroups?.([])
      process.setgid?.(gid)
    }
    if (uid !== null) process.setuid?.(uid)
  } catch (error) {
    const what = uid === null ? 'group' : 'user'
    throw new MonocerosError('MON_USER_FORBIDDEN', { what, name: shown.user ?? shown.group, problem: problemOf(error) }, error)
  }
}
