import { chownSync, mkdtempSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'

/** A socket's path has room for 107 bytes; the names in the folder want some 40 of them. */
const pathMaxBytes = 66

/** A private folder (0700) for sockets, owned by whom the processes run as that use them. */
export function makeRuntimeFolder(owner: { readonly uid: number | null; readonly gid: number | null }): string {
  const wished = process.env['XDG_RUNTIME_DIR'] ?? tmpdir()
  const base = Buffer.byteLength(wished) > pathMaxBytes - 20 ? '/tmp' : wished
  const folder = make(base) ?? make(tmpdir()) ?? mkdtempSync('/tmp/monoceros-')
  if (process.getuid?.() === 0 && (owner.uid !== null || owner.gid !== null)) chownSync(folder, owner.uid ?? 0, owner.gid ?? 0)
  return folder
}

function make(base: string): string | null {
  try {
    return mkdtempSync(join(base, 'monoceros-'))
  } catch {
    return null // not there, or not ours to write
  }
}
