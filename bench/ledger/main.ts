/**
 * `npm run ledger [-- --peers] [--requests N] [--only TEXT] [--with "-k sync"]`: every lifecycle event under load, and what it lost.
 * Exits with 1 when a request was lost, or when something was not as it should be.
 */
import { mixedEvents, monocerosEvents, monocerosTrial } from './monoceros.ts'
import { header, rowText, widthsFor } from './report.ts'
import { runTrial } from './trial.ts'

const argumentAfter = (flag: string) => {
  const index = process.argv.indexOf(flag)
  return index === -1 ? undefined : process.argv[index + 1]
}
const requests = Number(argumentAfter('--requests') ?? 5_000)
const only = argumentAfter('--only')?.toLowerCase()
const moreArgs = argumentAfter('--with')?.split(' ') ?? []

const trials = [...monocerosEvents, ...mixedEvents]
  .map((event) => monocerosTrial(event, moreArgs))
  .filter((trial) => only === undefined || trial.event.toLowerCase().includes(only))
const widths = widthsFor(trials)
const print = (text: string) => process.stdout.write(`${text}\n`)

print(header(widths))
let isSound = true
for (const trial of trials) {
  const row = await runTrial(trial, requests)
  print(rowText(row, widths))
  if (row.lost > 0 || row.problems.length > 0) isSound = false
}
process.exitCode = isSound ? 0 : 1
