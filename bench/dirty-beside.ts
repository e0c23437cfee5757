/**
 * `npm run bench:dirty-beside [-- --rounds N] [--seconds N]`: what a dirty pool that computes in every place does to a fast HTTP
 * route of the same server. Exits with 1 when the bar is missed.
 */
import { execFileSync } from 'node:child_process'
import { resolve } from 'node:path'
import { fileURLToPath } from 'node:url'
import { parseArgs } from 'node:util'
import { places, startMonoceros } from './dirty/arms.ts'
import { measureBeside, traffic } from './dirty/beside.ts'
import { startCaller } from './dirty/caller-process.ts'
import { keep, thisMachine } from './results.ts'
import { alignedTable, figureOf, judge, ratioBar, spreadOf, tableOf } from './serve/bars.ts'
import { stopAll } from './serve/child.ts'
import { takeRounds } from './serve/rounds.ts'

const { values } = parseArgs({ options: { rounds: { type: 'string', default: '5' }, seconds: { type: 'string', default: '6' } } })
const rounds = Number(values.rounds)
const seconds = Number(values.seconds)
const jobCpuMs = 50
/** What the route may lose: half of what it takes, or so much where that is more. */
const lossMax = 1.5
const lossMs = 2

const root = fileURLToPath(new URL('..', import.meta.url))
const dist = resolve(root, process.env['MONOCEROS_TEST_DIST'] ?? 'dist')
const print = (text: string) => process.stdout.write(`${text}\n`)
for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, () => void stopAll().finally(() => process.exit(130)))
// In a process of its own, where nothing else uses CPU time.
const calibrate = fileURLToPath(new URL('head-of-line/calibrate.js', import.meta.url))
const turns = Number(execFileSync(process.execPath, [calibrate, String(jobCpuMs)], { encoding: 'utf8' }))

const quiet = { name: 'the pool is idle', isBusy: false }
const busy = { name: 'every place computes', isBusy: true }
const arms = [quiet, busy]
const service = await startMonoceros(dist)
try {
  const caller = await startCaller(service.way)
  // More than there are places, so that one waits whenever another ends.
  const jobs = 4 * places
  const measure = async ({ isBusy }: (typeof arms)[number]) => {
    const before = service.pids().toSorted().join()
    const { figures, problems } = await measureBeside({ service, caller, isBusy, turns, jobs, seconds })
    const hasRestarted = service.pids().toSorted().join() !== before
    return { figures, problems: [...problems, ...service.problems(), ...(hasRestarted ? ['a worker was restarted'] : [])] }
  }
  await measureBeside({ service, caller, isBusy: true, turns, jobs, seconds: 1 })
  const onVoid = (problems: readonly string[]) => print(`  void: ${problems.join('; ')}`)
  const measured = await takeRounds({ title: 'fast route', rounds, arms, measure, onVoid })
  await caller.stop()

  const allowedMs = (quietMs: number) => Math.max(lossMax * quietMs, quietMs + lossMs)
  const verdicts = [
    judge(measured, {
      what: 'p99 of the fast route',
      against: `the larger of ${lossMax} × that of an idle pool and ${lossMs} ms more`,
      of: (round) => figureOf(round, busy.name, 'p99Ms') / allowedMs(figureOf(round, quiet.name, 'p99Ms')),
      atMost: 1,
    }),
    judge(measured, ratioBar('p99 of the fast route', 'p99Ms', [busy, quiet], {})),
  ]
  const figures = Object.keys(measured[0]?.[busy.name] ?? {})
  const rows = arms.map(({ name }) => [name, ...figures.map((figure) => spreadOf(measured, name, figure))])
  print(`${alignedTable(['median (smallest – largest)', ...figures], rows)}\n\n${tableOf(verdicts)}`)
  const how = { rounds, seconds, places, jobs, jobCpuMs, turns, traffic }
  print(`\nkept in ${keep('dirty-beside', { takenAt: new Date().toISOString(), machine: thisMachine(), ...how, verdicts, measured })}`)
  process.exitCode = verdicts.some((verdict) => verdict.isMet === false) ? 1 : 0
} finally {
  await stopAll()
}
