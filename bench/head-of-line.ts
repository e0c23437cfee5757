/**
 * `npm run bench:head-of-line [-- --rounds N] [--seconds N]`: what a route that computes does to all others, in monoceros'
 * gthread, node:cluster, PM2 and Watt. Exits with 1 when a bar is missed.
 */
import { execFileSync } from 'node:child_process'
import { join, resolve } from 'node:path'
import { fileURLToPath } from 'node:url'
import { parseArgs } from 'node:util'
import { measureHeadOfLine, traffic } from './head-of-line/measure.ts'
import { watt } from './head-of-line/watt.ts'
import { installPeers, versionOf, wattNodeVersion } from './peers.ts'
import { keep, thisMachine } from './results.ts'
import { monoceros, nodeCluster, pm2, withWorkers } from './serve/arms.ts'
import { alignedTable, judge, ratioBar, spreadOf, tableOf } from './serve/bars.ts'
import { stopAll } from './serve/child.ts'

const { values } = parseArgs({ options: { rounds: { type: 'string', default: '5' }, seconds: { type: 'string', default: '8' } } })
const rounds = Number(values.rounds)
const seconds = Number(values.seconds)

const root = fileURLToPath(new URL('..', import.meta.url))
const dist = resolve(root, process.env['MONOCEROS_TEST_DIST'] ?? 'dist')
const burnCpuMs = 200
const ours = withWorkers(
  1,
  monoceros('monoceros, 1 × 4 threads', dist, () => ['--threads', '4']),
)
const peers = [nodeCluster, pm2, watt]
const arms = [ours, ...peers]
const print = (text: string) => process.stdout.write(`${text}\n`)

for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, () => void stopAll().finally(() => process.exit(130)))
installPeers()
// In a process of its own, where nothing else uses CPU time. The arms find it in their environment.
const burnTurns = execFileSync(process.execPath, [join(root, 'bench/head-of-line/calibrate.js'), String(burnCpuMs)], { encoding: 'utf8' })
process.env['BENCH_BURN_TURNS'] = burnTurns
const measured = await measureHeadOfLine({
  rounds,
  seconds,
  arms,
  app: join(root, 'bench/head-of-line/app.js'),
  onVoid: (problems) => print(`  void: ${problems.join('; ')}`),
})

const verdicts = peers
  .map((peer) => ratioBar('p99 of the fast route', 'p99Ms', [ours, peer], { atMost: 0.1 }))
  .map((bar) => judge(measured, bar))
const figures = Object.keys(measured[0]?.[ours.name] ?? {})
const rows = arms.map(({ name }) => [name, ...figures.map((figure) => spreadOf(measured, name, figure))])
print(`${alignedTable(['median (smallest – largest)', ...figures], rows)}\n\n${tableOf(verdicts)}`)
const results = {
  takenAt: new Date().toISOString(),
  machine: thisMachine(),
  pm2: versionOf('pm2'),
  watt: { version: versionOf('wattpm'), node: wattNodeVersion() },
  rounds,
  seconds,
  traffic: { ...traffic, burnCpuMs, burnTurns: Number(burnTurns) },
  verdicts,
  measured,
}
print(`\nkept in ${keep('head-of-line', results)}`)
process.exitCode = verdicts.some((verdict) => verdict.isMet === false) ? 1 : 0
