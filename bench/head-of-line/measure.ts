/** Latency of a fast route while another one burns CPU. */
import type { Arm, Service } from '../serve/arms.ts'
import { cpuNsOf, machineCpuNs } from '../serve/processes.ts'
import type { Measured, Round } from '../serve/rounds.ts'
import { measureSideBySide } from '../serve/side-by-side.ts'
import { load } from './load-process.ts'
import type { LoadOrder, LoadResult } from './protocol.ts'

export interface HeadOfLineOptions {
  readonly rounds: number
  readonly seconds: number
  readonly arms: readonly Arm[]
  readonly app: string
  readonly onVoid: (problems: readonly string[]) => void
}

export const traffic = { lines: 32, fastPath: '/', fastPerS: 500, burnPath: '/burn', burnsPerS: 5, expected: 'hello world\n' } as const
const warmUpSeconds = 2
/** Above this the load would tell of itself, not of the server. */
const lateMaxMs = 5

/** With a processor for what burns, this leaves one for all the rest on a machine that has two. */
const othersMax = 0.5

export function measureHeadOfLine(options: HeadOfLineOptions): Promise<Round[]> {
  const order = { ...traffic, warmUpSeconds }
  return measureSideBySide({
    ...options,
    title: 'fast route',
    order: { app: options.app, workers: 2 },
    path: traffic.fastPath,
    warmUp: ({ port }) => load({ ...order, port, seconds: 0 }),
    measure: (service) => measureOnce(service, { ...order, port: service.port, seconds: options.seconds }),
  })
}

async function measureOnce(service: Service, order: LoadOrder): Promise<Measured> {
  const startedMs = performance.now()
  const othersNs = () => machineCpuNs() - cpuNsOf(service.pids())
  const othersNsBefore = othersNs()
  const result = await load(order)
  const others = ((othersNs() - othersNsBefore) / 1e6 - result.cpuMs) / (performance.now() - startedMs)
  const { fastMs, burnMs, lateMs } = result
  const figures = {
    p50Ms: quantileOf(fastMs, 0.5),
    p90Ms: quantileOf(fastMs, 0.9),
    p99Ms: quantileOf(fastMs, 0.99),
    maxMs: quantileOf(fastMs, 1),
    burnP50Ms: quantileOf(burnMs, 0.5),
    lateP99Ms: quantileOf(lateMs, 0.99),
    othersProcessors: Math.max(0, others),
  }
  return { figures, problems: [...result.problems, ...problemsOf(figures, result)] }
}

function problemsOf({ lateP99Ms, othersProcessors }: { lateP99Ms: number; othersProcessors: number }, { servers }: LoadResult): string[] {
  const problems: string[] = []
  if (lateP99Ms > lateMaxMs) problems.push(`the load itself was late: p99 ${lateP99Ms.toFixed(1)} ms`)
  if (othersProcessors > othersMax) problems.push(`others used ${othersProcessors.toFixed(1)} processors`)
  // A peer of which one process held no connection would not be hurt by what that one computes.
  if (servers < 2) problems.push('all requests were answered by the same process or thread')
  return problems
}

const quantileOf = (sorted: readonly number[], share: number): number => sorted[Math.ceil(sorted.length * share) - 1] ?? Number.NaN
