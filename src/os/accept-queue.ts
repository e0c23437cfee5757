/** How many connections wait to be accepted, as Linux tells it of TCP sockets that listen. */
import { readFile, readlink } from 'node:fs/promises'

const listens = '0A'

/** By descriptor of this process; those of which nothing is known are left out. Reads beside the loop. */
export async function acceptQueues(fds: readonly number[]): Promise<Map<number, number>> {
  const inodes = new Map<string, number>()
  for (const fd of fds) {
    const link = await readlink(`/proc/self/fd/${fd}`).catch(() => '')
    const inode = /^socket:\[(\d+)\]$/.exec(link)?.[1]
    if (inode !== undefined) inodes.set(inode, fd)
  }
  const queues = new Map<number, number>()
  if (inodes.size === 0) return queues
  const tables = await Promise.all(['tcp', 'tcp6'].map((table) => readFile(`/proc/self/net/${table}`, 'latin1').catch(() => '')))
  for (const line of tables.join('\n').split('\n')) {
    // sl local_address rem_address st tx_queue:rx_queue tr:when retrnsmt uid timeout inode
    const [, , , state, sizes = '', , , , , inode = ''] = line.trim().split(/\s+/)
    const fd = inodes.get(inode)
    if (state === listens && fd !== undefined) queues.set(fd, Number.parseInt(sizes.split(':')[1] ?? '0', 16))
  }
  return queues
}
