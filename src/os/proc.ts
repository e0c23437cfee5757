import { readdirSync, readFileSync } from 'node:fs'

export interface ProcState {
  /** The kernel's letter: R running, S sleeping, D uninterruptible, T stopped, Z dead. */
  readonly state: string
  readonly waitChannel: string | null
  readonly children: readonly string[]
}

/** What the kernel knows of a process, or null where there is no /proc or no such process. */
export function procState(pid: number): ProcState | null {
  const stat = read(`/proc/${pid}/stat`)
  if (stat === undefined) return null
  // The name in parentheses may hold spaces and parentheses itself; the fields start after the last one.
  const state = stat.slice(stat.lastIndexOf(')') + 2, stat.lastIndexOf(')') + 3)
  const waitChannel = read(`/proc/${pid}/wchan`) || null
  return { state, waitChannel: waitChannel === '0' ? null : waitChannel, children: childrenOf(pid) }
}

/** 0 where it is not known. */
export function residentBytes(pid: number): number {
  const kib = /^VmRSS:\s*(\d+) kB$/m.exec(read(`/proc/${pid}/status`) ?? '')?.[1]
  return Number(kib ?? 0) * 1_024
}

function childrenOf(pid: number): string[] {
  let threads: string[]
  try {
    threads = readdirSync(`/proc/${pid}/task`)
  } catch {
    return [] // it died while we looked
  }
  const pids = threads.flatMap((thread) => (read(`/proc/${pid}/task/${thread}/children`) ?? '').trim().split(' ')).filter(Boolean)
  return pids.map((child) => `${child} ${(read(`/proc/${child}/cmdline`) ?? '').split('\0').join(' ').trim().slice(0, 120)}`.trim())
}

function read(path: string): string | undefined {
  try {
    return readFileSync(path, 'utf8')
  } catch {
    return undefined
  }
}
