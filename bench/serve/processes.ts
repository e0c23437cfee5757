/** What the kernel tells of processes: who descends from whom, what they have used. */
import { readdirSync, readFileSync } from 'node:fs'

/** `USER_HZ`, in which /proc/stat counts, is 100 on every Linux that Node runs on. */
const nsPerTick = 10_000_000

/** A process and all it has started that still lives; the process itself comes first. */
export function familyOf(pid: number): number[] {
  return [pid, ...childrenOf(pid).flatMap(familyOf)]
}

export function childrenOf(pid: number): number[] {
  return threadsOf(pid).flatMap((thread) => {
    const children = read(`/proc/${pid}/task/${thread}/children`)?.trim() ?? ''
    return children === '' ? [] : children.split(' ').map(Number)
  })
}

/** CPU time of all threads that live, in nanoseconds. Unlike wall time it stays put when others use the machine. */
export function cpuNsOf(pids: readonly number[]): number {
  let sum = 0
  for (const pid of pids)
    for (const thread of threadsOf(pid)) sum += Number(read(`/proc/${pid}/task/${thread}/schedstat`)?.split(' ', 1)[0] ?? 0)
  return sum
}

/** CPU time of the whole machine since its start, that which a hypervisor kept for others among it. */
export function machineCpuNs(): number {
  const [user = 0, nice = 0, system = 0, , , irq = 0, softirq = 0, steal = 0] = (/^cpu +(.*)$/m.exec(read('/proc/stat') ?? '')?.[1] ?? '')
    .split(' ')
    .map(Number)
  return (user + nice + system + irq + softirq + steal) * nsPerTick
}

/** Proportional set size: private memory, and a fair share of what is shared with others. */
export function pssKibOf(pid: number): number {
  return Number(/^Pss:\s+(\d+) kB/m.exec(read(`/proc/${pid}/smaps_rollup`) ?? '')?.[1] ?? Number.NaN)
}

function threadsOf(pid: number): string[] {
  try {
    return readdirSync(`/proc/${pid}/task`)
  } catch {
    return [] // it has ended
  }
}

function read(path: string): string | undefined {
  try {
    return readFileSync(path, 'utf8')
  } catch {
    return undefined // it has ended
  }
}
