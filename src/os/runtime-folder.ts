import { lchownSync, mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'

/** A socket's path has room for 107 bytes; the names in the folder want some 40 of them. */
const pathMaxBytes = 66

export interface Owner {
  readonly uid: number | null
  readonly gid: number | null
}

/** A private folder (0700) for sockets, owned by whom the processes run as that use them. */
export function makeRuntimeFolder(owner: Owner): string {
  const wished = process.env['XDG_RUNTIME_DIR'] ?? tmpdir()
  const base = Buffer.byteLength(wished) > pathMaxBytes - 20 ? '/tmp' : wished
  const folder = make(base) ?? make(tmpdir()) ?? mkdtempSync('/tmp/monoceros-')
  giveTo(owner, folder)
  return folder
}

/** Gives a folder, or what root has made in it, to its users. The name may be another file's by now: no link is followed. */
export function giveTo({ uid, gid }: Owner, path: string): void {
  if (process.getuid?.() === 0 && (uid !== null || gid !== null)) lchownSync(path, uid ?? 0, gid ?? 0)
}

function make(base: string): string | null {
  try {
    return mkdtempSync(join(base, 'monoceros-'))
  } catch {
    return null // not there, or not ours to write
  }
}

const doomed = new Set<string>()
const removeDoomed = () => {
  for (const folder of doomed) rmSync(folder, { recursive: true, force: true })
}

/**
 * Removes a folder when this process ends in order, or now, by what is returned. One listener for all: Node warns of the
 * eleventh.
 */
export function removeAtExit(folder: string): () => void {
  if (doomed.size === 0) process.once('exit', removeDoomed)
  doomed.add(folder)
  return () => {
    rmSync(folder, { recursive: true, force: true })
    doomed.delete(folder)
    if (doomed.size === 0) process.off('exit', removeDoomed)
  }
}
