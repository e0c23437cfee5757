/** What has grown during a soak, and the table of it. */
import type { ArbiterSoak, Sample } from './arbiter.ts'
import type { ThreadsSoak } from './threads.ts'

const names = ['heapKiB', 'rssKiB', 'fds', 'resources'] as const

function median(values: readonly number[]): number {
  const sorted = [...values].sort((a, b) => a - b)
  return sorted[Math.floor(sorted.length / 2)] ?? 0
}

/** Medians of ten stretches of the run. */
export function stretches(samples: readonly Sample[], count = 10): Sample[] {
  const size = Math.max(1, Math.ceil(samples.length / count))
  const parts = Array.from({ length: Math.ceil(samples.length / size) }, (_, index) => samples.slice(index * size, (index + 1) * size))
  return parts.map((part) => ({
    gone: part.at(-1)?.gone ?? 0,
    heapKiB: Math.round(median(part.map((sample) => sample.heapKiB))),
    rssKiB: Math.round(median(part.map((sample) => sample.rssKiB))),
    fds: median(part.map((sample) => sample.fds)),
    resources: median(part.map((sample) => sample.resources)),
  }))
}

export function tableOf(samples: readonly Sample[]): string {
  const header = ['workers gone', 'heap KiB', 'RSS KiB', 'descriptors', 'resources']
  const rows = stretches(samples).map((row) => [row.gone, ...names.map((name) => row[name])].map(String))
  return [header, ...rows].map((row) => row.map((cell, index) => cell.padStart(header[index]?.length ?? 0)).join('  ')).join('\n')
}

/** Growth from the second stretch, when everything has run once, to the last; a little is the noise of the heap. */
export const chartsHeapGrowthMaxKiB = 768
const heapGrowthMaxKiB = 1_024
const rssGrowthMaxKiB = 10 * 1_024

export function growthOf({ samples, rest: [before, after], failures }: ArbiterSoak): string[] {
  const [, early, ...later] = stretches(samples)
  const late = later.at(-1)
  const problems: string[] = failures.map((failure) => `a request failed: ${failure}`)
  if (before.fds !== after.fds) problems.push(`descriptors: ${before.fds} → ${after.fds}`)
  if (before.processes !== after.processes) problems.push(`processes: ${before.processes} → ${after.processes}`)
  if (early === undefined || late === undefined) return [...problems, 'too few samples']
  if (late.heapKiB - early.heapKiB > heapGrowthMaxKiB) problems.push(`heap: ${early.heapKiB} → ${late.heapKiB} KiB`)
  if (late.rssKiB - early.rssKiB > rssGrowthMaxKiB) problems.push(`RSS: ${early.rssKiB} → ${late.rssKiB} KiB`)
  return problems
}

export function tableOfWorkers({ held }: ThreadsSoak): string {
  const header = ['worker', 'faults', 'threads', 'descriptors', 'RSS KiB']
  const rows = held.flatMap((looks, worker) => looks.map(({ faults, threads, fds, rssKiB }) => [worker, faults, threads, fds, rssKiB]))
  return [header, ...rows].map((row) => row.map((cell, index) => String(cell).padStart(header[index]?.length ?? 0)).join('  ')).join('\n')
}

/** The memory of a process with threads that come and go takes a while to be at its most; from the middle on it is. */
const workerGrowthMaxKiB = 16 * 1_024

export function growthOfWorkers({ held }: ThreadsSoak): string[] {
  return held.flatMap((looks, worker) => {
    const [first, last] = [looks.at(0), looks.at(-1)]
    if (first === undefined || last === undefined) return [`worker ${worker} was never looked at`]
    const problems = []
    if (last.threads !== first.threads) problems.push(`threads of worker ${worker}: ${first.threads} → ${last.threads}`)
    if (last.fds !== first.fds) problems.push(`descriptors of worker ${worker}: ${first.fds} → ${last.fds}`)
    const middleKiB = Math.max(...looks.slice(0, Math.ceil(looks.length / 2)).map(({ rssKiB }) => rssKiB))
    if (last.rssKiB - middleKiB > workerGrowthMaxKiB) problems.push(`RSS of worker ${worker}: ${middleKiB} → ${last.rssKiB} KiB`)
    return problems
  })
}
