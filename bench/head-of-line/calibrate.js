/** `node calibrate.js MILLISECONDS`: prints how many turns of the burning route take so much CPU time here. */
import { burn } from './burn.js'

const probeTurns = 50_000_000
const probes = 7

function cpuMsOf(work) {
  const before = process.cpuUsage()
  work()
  const { user, system } = process.cpuUsage(before)
  return (user + system) / 1_000
}

// Of some probes the fastest counts: the others were disturbed.
const perTurnMs = Math.min(...Array.from({ length: probes }, () => cpuMsOf(() => burn(probeTurns)) / probeTurns))
process.stdout.write(String(Math.round(Number(process.argv[2]) / perTurnMs)))
