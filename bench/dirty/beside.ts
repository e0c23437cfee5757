/** Latency of a fast HTTP route while every place of the dirty pool computes, and while none does. */
import { load } from '../head-of-line/load-process.ts'
import { cpuNsOf, machineCpuNs } from '../serve/processes.ts'
import type { Measured } from '../serve/rounds.ts'
import type { Service } from './arms.ts'
import type { CallerProcess } from './caller-process.ts'

export interface BesideOrder {
  readonly service: Service & { readonly port: number }
  /** Keeps the pool busy. */
  readonly caller: CallerProcess
  readonly isBusy: boolean
  readonly turns: number
  readonly jobs: number
  readonly seconds: number
}

export const traffic = { lines: 32, fastPath: '/', fastPerS: 500, expected: 'hello world\n' } as const
const warmUpSeconds = 1
/** Above this the load would tell of itself, not of the server. */
const lateMaxMs = 5
const othersMax = 0.5

export async function measureBeside({ service, caller, isBusy, turns, jobs, seconds }: BesideOrder): Promise<Measured> {
  const startedMs = performance.now()
  const othersNs = () => machineCpuNs() - cpuNsOf(service.pids())
  const othersNsBefore = othersNs()
  const burning = isBusy ? caller.run({ type: 'burn', turns, jobs, seconds: seconds + warmUpSeconds + 1 }) : null
  const result = await load({ ...traffic, burnPath: traffic.fastPath, burnsPerS: 0, port: service.port, warmUpSeconds, seconds })
  const burned = await burning
  const others = ((othersNs() - othersNsBefore) / 1e6 - result.cpuMs) / (performance.now() - startedMs)
  const { fastMs, lateMs } = result
  const figures = {
    p50Ms: quantileOf(fastMs, 0.5),
    p99Ms: quantileOf(fastMs, 0.99),
    maxMs: quantileOf(fastMs, 1),
    lateP99Ms: quantileOf(lateMs, 0.99),
    jobsPerS: burned?.figures['jobsPerS'] ?? 0,
    othersProcessors: Math.max(0, others),
  }
  const problems = [...result.problems, ...(burned?.problems ?? [])]
  if (figures.lateP99Ms > lateMaxMs) problems.push(`the load itself was late: p99 ${figures.lateP99Ms.toFixed(1)} ms`)
  if (figures.othersProcessors > othersMax) problems.push(`others used ${figures.othersProcessors.toFixed(1)} processors`)
  return { figures, problems }
}

const quantileOf = (sorted: readonly number[], share: number): number => sorted[Math.ceil(sorted.length * share) - 1] ?? Number.NaN
