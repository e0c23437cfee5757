/** Sockets in the folder of a pool whose processes are gone: who is killed removes nothing. */
import { readdir, rm } from 'node:fs/promises'
import { join } from 'node:path'
import { workerOfSocket } from '../wire/socket-path.ts'

/** A folder that is gone has none. */
export async function removeLeftSockets(folder: string): Promise<void> {
  const files = await readdir(folder).catch(() => [])
  const left = files.filter((file) => {
    const pid = workerOfSocket(file)
    return pid !== null && !isThere(pid)
  })
  await Promise.all(left.map((file) => rm(join(folder, file), { force: true }).catch(() => undefined)))
}

function isThere(pid: number): boolean {
  try {
    process.kill(pid, 0)
    return true
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === 'EPERM'
  }
}
