import fs from 'node:fs/promises'
import { appendFlags, fileMode } from '../log/descriptor.ts'

/** The one older file that is kept. */
export const olderOf = (path: string): string => `${path}.1`

/**
 * Puts an empty file in the place of one that has grown too large, and keeps that as `PATH.1`. At no moment is there no
 * file at the path, and whoever still appends to the old one is read there. Safe beside another server that does the same
 * to the same file. @returns false when it had been done already
 */
export async function rotate(path: string, bytesMax: number): Promise<boolean> {
  const next = `${path}.${process.pid}.next`
  const held = `${path}.${process.pid}.held`
  try {
    await fs.rm(held, { force: true })
    await fs.link(path, held)
    // Looked at only now, by a name that is ours: somebody may have rotated between the look at its size and here.
    const old = await fs.stat(held)
    if (old.size < bytesMax) return false
    const file = await fs.open(next, appendFlags, fileMode)
    try {
      await file.chmod(old.mode & 0o777)
      // Workers of another user open it by its name. Who may not give files away runs them as himself.
      await file.chown(old.uid, old.gid).catch(() => undefined)
    } finally {
      await file.close()
    }
    await fs.rename(held, olderOf(path))
    await fs.rename(next, path)
    return true
  } finally {
    await Promise.all([fs.rm(held, { force: true }), fs.rm(next, { force: true })])
  }
}
