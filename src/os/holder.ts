import { readdirSync, readFileSync, readlinkSync } from 'node:fs'

/** Who listens on a TCP port, as far as /proc tells this user: `node server.js (pid 12)`, or null. */
export function holderOfPort(port: number): string | null {
  const inodes = new Set([...listeningInodes('/proc/net/tcp', port), ...listeningInodes('/proc/net/tcp6', port)])
  if (inodes.size === 0) return null
  for (const pid of numbersIn('/proc')) {
    for (const fd of numbersIn(`/proc/${pid}/fd`)) {
      const inode = /^socket:\[(\d+)\]$/.exec(quietly(() => readlinkSync(`/proc/${pid}/fd/${fd}`)) ?? '')?.[1]
      if (inode !== undefined && inodes.has(inode)) return `${commandOf(pid)} (pid ${pid})`
    }
  }
  return null
}

const listenState = '0A'

function listeningInodes(path: string, port: number): string[] {
  const hexPort = port.toString(16).toUpperCase().padStart(4, '0')
  const lines = (quietly(() => readFileSync(path, 'utf8')) ?? '').split('\n').slice(1)
  return lines
    .map((line) => line.trim().split(/\s+/))
    .filter((columns) => columns[1]?.endsWith(`:${hexPort}`) && columns[3] === listenState)
    .map((columns) => columns[9] ?? '')
}

function numbersIn(folder: string): string[] {
  return (quietly(() => readdirSync(folder)) ?? []).filter((name) => /^\d+$/.test(name))
}

function commandOf(pid: string): string {
  const words = (quietly(() => readFileSync(`/proc/${pid}/cmdline`, 'utf8')) ?? '').split('\0').filter(Boolean)
  return words.slice(0, 3).join(' ').trim().slice(0, 80) || 'a process'
}

/** Processes come and go while /proc is read, and other users' are closed to us: what cannot be read is not there. */
function quietly<T>(read: () => T): T | undefined {
  try {
    return read()
  } catch {
    return undefined
  }
}
