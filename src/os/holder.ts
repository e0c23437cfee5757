import { readdirSync, readFileSync, readlinkSync } from 'node:fs'
import { resolve } from 'node:path'
import type { Address } from '../base/address.ts'

/** Who listens at an address, as far as /proc tells this user: `node server.js (pid 12)`, or null. */
export function holderOf(address: Address): string | null {
  const inodes = inodesOf(address)
  if (inodes.size === 0) return null
  for (const pid of numbersIn('/proc')) {
    for (const fd of numbersIn(`/proc/${pid}/fd`)) {
      const inode = /^socket:\[(\d+)\]$/.exec(quietly(() => readlinkSync(`/proc/${pid}/fd/${fd}`)) ?? '')?.[1]
      if (inode !== undefined && inodes.has(inode)) return `${commandOf(pid)} (pid ${pid})`
    }
  }
  return null
}

function inodesOf(address: Address): Set<string> {
  if (address.kind === 'tcp') return new Set(['/proc/net/tcp', '/proc/net/tcp6'].flatMap((table) => listeningInodes(table, address.port)))
  if (address.kind === 'unix') return new Set(unixInodes(address.path))
  return new Set()
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

/** The table has the path as it was bound: relative to a folder that it does not tell, or absolute. */
function unixInodes(path: string): string[] {
  const lines = (quietly(() => readFileSync('/proc/net/unix', 'utf8')) ?? '').split('\n').slice(1)
  const names = [path, resolve(path)]
  return lines
    .map((line) => /^\S+ \S+ \S+ \S+ \S+ \S+ +(\d+) (.*)$/.exec(line) ?? [])
    .filter(([, , bound = '']) => names.includes(bound))
    .map(([, inode = '']) => inode)
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
