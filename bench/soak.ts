/**
 * `npm run soak [-- --recycles N] [--reloads N]`: ten thousand recycles and 200 reloads, and what they leave behind in the
 * arbiter. Exits with 1 when something has grown, or when a request failed.
 */
import { parseArgs } from 'node:util'
import { soakArbiter } from './soak/arbiter.ts'
import { soakCharts } from './soak/charts.ts'
import { chartsHeapGrowthMaxKiB, growthOf, tableOf } from './soak/report.ts'

const { values } = parseArgs({ options: { recycles: { type: 'string', default: '10000' }, reloads: { type: 'string', default: '200' } } })
const order = { recycles: Number(values.recycles), reloads: Number(values.reloads) }
const print = (text: string) => process.stdout.write(`${text}\n`)
const problems: string[] = []

const charts = await soakCharts(order.recycles, order.reloads)
print(
  `charts alone, ${charts.recycles} recycles and ${charts.reloads} reloads: ${JSON.stringify(charts.before)} → ${JSON.stringify(charts.after)}`,
)
if (JSON.stringify(charts.before) !== JSON.stringify(charts.after)) problems.push('the charts have grown')
print(`their heap from the middle to the end: ${charts.heapGrowthKiB} KiB more`)
if (charts.heapGrowthKiB > chartsHeapGrowthMaxKiB) problems.push('the charts hold on to memory')

const sampleEvery = Math.max(1, Math.floor(order.recycles / 200))
const soak = await soakArbiter({ ...order, sampleEvery, onProgress: (text) => process.stderr.write(`  ${text}\n`) })
print(
  `arbiter, ${soak.recycles} workers gone and ${soak.reloads} reloads, ${soak.answered} requests answered, ${soak.failures.length} failed`,
)
print(tableOf(soak.samples))
print(`at rest: ${JSON.stringify(soak.rest[0])} → ${JSON.stringify(soak.rest[1])}`)
problems.push(...growthOf(soak), ...soak.problems)
for (const problem of problems) print(`problem: ${problem}`)
process.exitCode = problems.length === 0 ? 0 : 1
