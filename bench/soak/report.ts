/** What has grown during a soak, and the table of it. */
import type { ArbiterSoak, Sample } from './arbiter.ts'
import type { Held, ThreadsSoak } from './threads.ts'

const names = ['heapKiB', 'rssKiB', 'fds', 'resources'] as const

function median(values: readonly number[]): number {
  const sorted = [...values].sort((a, b) => a - b)
  return sorted[Math.floor(sorted.length / 2)] ?? 0
}

/** Medians of ten stretches of the run. */
function stretches(samples: readonly Sample[], count = 10): Sample[] {
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
  const header = ['worker', 'faults', 'threads', 'descriptors', 'heap KiB', 'RSS KiB']
  const rowOf = (worker: number, { faults, threads, fds, heapKiB, rssKiB }: Held) => [worker, faults, threads, fds, heapKiB, rssKiB]
  const rows = held.flatMap((looks, worker) => looks.map((look) => rowOf(worker, look)))
  return [header, ...rows].map((row) => row.map((cell, index) => String(cell).padStart(header[index]?.length ?? 0)).join('  ')).join('\n')
}

/** The code that faults run is compiled by the first of them. A dead thread that is held costs half a MiB. */
const workerHeapGrowthMaxKiB = 2 * 1_024
const workerRssGrowthMaxKiB = 32 * 1_024

export function growthOfWorkers({ held }: ThreadsSoak): string[] {
  return held.flatMap((looks, worker) => {
    const [first, early, ...later] = looks
    const last = later.at(-1)
    if (first === undefined || early === undefined || last === undefined) return [`worker ${worker} was not looked at often enough`]
    const grown = [
      { what: 'threads', from: first.threads, to: last.threads, most: 0 },
      { what: 'descriptors', from: first.fds, to: last.fds, most: 0 },
      { what: 'heap KiB', from: early.heapKiB, to: last.heapKiB, most: workerHeapGrowthMaxKiB },
      { what: 'RSS KiB', from: early.rssKiB, to: last.rssKiB, most: workerRssGrowthMaxKiB },
    ].filter(({ from, to, most }) => to - from > most)
    return grown.map(({ what, from, to }) => `${what} of worker ${worker}: ${from} → ${to}`)
  })
}
