/**
 * `npm run chaos [-- --faults N] [-- --seed N] [-- --callers N] [-- --only WORD]`: faults at random in every process that has
 * to do with dirty calls, under callers that check every answer. Exits with 1 when a call did not settle within its timeout
 * and six seconds, got what was not its own or failed for no reason, when something was left behind, or the pool did not
 * come back to its size.
 */
import { parseArgs } from 'node:util'
import { grown, tableOf } from './chaos/report.ts'
import { runChaos } from './chaos/run.ts'

const { values } = parseArgs({
  options: {
    faults: { type: 'string', default: '100' },
    seed: { type: 'string', default: String(Math.floor(Math.random() * 1e9)) },
    callers: { type: 'string', default: '50' },
    only: { type: 'string', multiple: true },
  },
})
const print = (text: string) => process.stdout.write(`${text}\n`)

print(`seed ${values.seed}`)
const chaos = await runChaos({
  faults: Number(values.faults),
  seed: Number(values.seed),
  callers: Number(values.callers),
  ...(values.only === undefined ? {} : { only: values.only }),
  onProgress: (text) => void process.stderr.write(`  ${text}\n`),
})
const problems = [...chaos.problems, ...grown(chaos)]
print(tableOf(chaos))
for (const problem of problems) print(`problem: ${problem}`)
process.exitCode = problems.length === 0 ? 0 : 1
