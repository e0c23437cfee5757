/**
 * `npm run soak [-- --recycles N] [--reloads N]`: ten thousand recycles and 200 reloads, and what they leave behind in the
 * arbiter. `npm run soak -- --faults N [--workers N]`: faults of handlers and clients under gthread, and what they leave
 * behind in the workers. Exits with 1 when something has grown, or when a request failed.
 */
import { parseArgs } from 'node:util'
import { soakArbiter } from './soak/arbiter.ts'
import { soakCharts } from './soak/charts.ts'
import { chartsHeapGrowthMaxKiB, growthOf, growthOfWorkers, tableOf, tableOfWorkers } from './soak/report.ts'
import { soakThreads } from './soak/threads.ts'

const { values } = parseArgs({
  options: {
    recycles: { type: 'string', default: '10000' },
    reloads: { type: 'string', default: '200' },
    faults: { type: 'string' },
    workers: { type: 'string', default: '4' },
  },
})
const print = (text: string) => process.stdout.write(`${text}\n`)
const onProgress = (text: string) => void process.stderr.write(`  ${text}\n`)
const problems: string[] = []

if (values.faults === undefined) await arbiterSoak({ recycles: Number(values.recycles), reloads: Number(values.reloads) })
else await threadsSoak({ faults: Number(values.faults), workers: Number(values.workers) })
for (const problem of problems) print(`problem: ${problem}`)
process.exitCode = problems.length === 0 ? 0 : 1

async function arbiterSoak(order: { recycles: number; reloads: number }): Promise<void> {
  const charts = await soakCharts(order.recycles, order.reloads)
  print(
    `charts alone, ${charts.recycles} recycles and ${charts.reloads} reloads: ${JSON.stringify(charts.before)} → ${JSON.stringify(charts.after)}`,
  )
  if (JSON.stringify(charts.before) !== JSON.stringify(charts.after)) problems.push('the charts have grown')
  print(`their heap from the middle to the end: ${charts.heapGrowthKiB} KiB more`)
  if (charts.heapGrowthKiB > chartsHeapGrowthMaxKiB) problems.push('the charts hold on to memory')

  const sampleEvery = Math.max(1, Math.floor(order.recycles / 200))
  const soak = await soakArbiter({ ...order, sampleEvery, onProgress })
  print(
    `arbiter, ${soak.recycles} workers gone and ${soak.reloads} reloads, ${soak.answered} requests answered, ${soak.failures.length} failed`,
  )
  print(tableOf(soak.samples))
  print(`at rest: ${JSON.stringify(soak.rest[0])} → ${JSON.stringify(soak.rest[1])}`)
  problems.push(...growthOf(soak), ...soak.problems)
}

async function threadsSoak(order: { faults: number; workers: number }): Promise<void> {
  const soak = await soakThreads({ ...order, samples: 20, onProgress })
  print(`${soak.faults} faults, threads ended: ${JSON.stringify(soak.ended)}`)
  print(tableOfWorkers(soak))
  problems.push(...growthOfWorkers(soak), ...soak.problems)
}
