import { readFileSync } from 'node:fs'
import { availableParallelism } from 'node:os'

/** The CPU quota of this process's cgroup (v2 or v1) in CPUs, or null when there is none. `root` is for tests. */
function cpuQuota(root = '/'): number | null {
  const v2 = read(`${root}sys/fs/cgroup${ownPath(root, '')}/cpu.max`) ?? read(`${root}sys/fs/cgroup/cpu.max`)
  if (v2 !== undefined) {
    const [quota, period] = v2.trim().split(/\s+/)
    return quota === 'max' ? null : ratio(quota, period)
  }
  const base = `${root}sys/fs/cgroup/cpu`
  const own = ownPath(root, 'cpu')
  const quota = read(`${base}${own}/cpu.cfs_quota_us`) ?? read(`${base}/cpu.cfs_quota_us`)
  const period = read(`${base}${own}/cpu.cfs_period_us`) ?? read(`${base}/cpu.cfs_period_us`)
  return quota === undefined || quota.trim().startsWith('-') ? null : ratio(quota.trim(), period?.trim())
}

/** What `workers: auto` stands for: max(1, floor(CPU quota)), else the processors this process may use. */
export function autoWorkers(root = '/', processors = availableParallelism()): number {
  const quota = cpuQuota(root)
  return Math.max(1, Math.floor(quota === null ? processors : Math.min(quota, processors)))
}

function ownPath(root: string, controller: string): string {
  const lines = (read(`${root}proc/self/cgroup`) ?? '').split('\n')
  const line = lines.find((text) => {
    const controllers = text.split(':')[1] ?? ''
    return controller === '' ? text.startsWith('0::') : controllers.split(',').includes(controller)
  })
  const path = line?.split(':').slice(2).join(':') ?? ''
  return path === '/' ? '' : path
}

function ratio(quota: string | undefined, period: string | undefined): number | null {
  const cpus = Number(quota) / Number(period)
  return Number.isFinite(cpus) && cpus > 0 ? cpus : null
}

function read(path: string): string | undefined {
  try {
    return readFileSync(path, 'utf8')
  } catch {
    return undefined
  }
}
