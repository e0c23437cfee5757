/**
 * `npm run bench:gthread [-- --rounds N] [--seconds N]`: what it costs to hand each request to a thread. Keep-alive requests per
 * second of gthread beside Gunicorn's gthread, our async and plain node. Exits with 1 when a bar is missed.
 */
import { join, resolve } from 'node:path'
import { fileURLToPath } from 'node:url'
import { parseArgs } from 'node:util'
import { gunicorn, gunicornVersion } from './gthread/gunicorn.ts'
import { keep, thisMachine } from './results.ts'
import { monoceros, plainNode, withWorkers } from './serve/arms.ts'
import { alignedTable, judge, ratioBar, spreadOf, tableOf } from './serve/bars.ts'
import { stopAll } from './serve/child.ts'
import { measureTraffic } from './serve/traffic.ts'

const { values } = parseArgs({ options: { rounds: { type: 'string', default: '5' }, seconds: { type: 'string', default: '3' } } })
const rounds = Number(values.rounds)
const seconds = Number(values.seconds)

const root = fileURLToPath(new URL('..', import.meta.url))
const dist = resolve(root, process.env['MONOCEROS_TEST_DIST'] ?? 'dist')
const threads = (count: number) => () => ['-k', 'gthread', '--threads', String(count)]
const ours = monoceros('gthread, 1 × 4 threads', dist, threads(4))
const wide = withWorkers(2, monoceros('gthread, 2 × 2 threads', dist, threads(2)))
const async = monoceros('async, 1 worker', dist)
const theirs = gunicorn('Gunicorn, 1 × 4 threads', 4)
const theirsWide = withWorkers(2, gunicorn('Gunicorn, 2 × 2 threads', 2))
const arms = [theirs, ours, async, plainNode, theirsWide, wide]
const print = (text: string) => process.stdout.write(`${text}\n`)

for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, () => void stopAll().finally(() => process.exit(130)))
const gunicornIs = gunicornVersion()
if (gunicornIs === null) throw new Error('there is no `gunicorn` on the PATH; Debian has it as a package')
const measured = await measureTraffic({
  title: 'keep-alive',
  rounds,
  seconds,
  arms,
  app: join(root, 'bench/serve/hello.js'),
  workers: 1,
  path: '/',
  isFresh: false,
  onVoid: (problems) => print(`  void: ${problems.join('; ')}`),
})

const verdicts = [
  ratioBar('keep-alive requests/s, 1 × 4 threads', 'requestsPerS', [ours, theirs], { atLeast: 3 }),
  ratioBar('keep-alive requests/s, 1 × 4 threads', 'requestsPerS', [ours, async], { atLeast: 0.5 }),
  ratioBar('keep-alive requests/s, 1 × 4 threads', 'requestsPerS', [ours, plainNode], {}),
  ratioBar('keep-alive requests/s, 2 × 2 threads', 'requestsPerS', [wide, theirsWide], { atLeast: 3 }),
  ...[theirs, async].map((other) => ratioBar('CPU per request, 1 × 4 threads', 'cpuUsPerRequest', [ours, other], {})),
].map((bar) => judge(measured, bar))
const figures = Object.keys(measured[0]?.[ours.name] ?? {})
const rows = arms.map(({ name }) => [name, ...figures.map((figure) => spreadOf(measured, name, figure))])
print(`${alignedTable(['median (smallest – largest)', ...figures], rows)}\n\n${tableOf(verdicts)}`)
const results = { takenAt: new Date().toISOString(), machine: thisMachine(), gunicorn: gunicornIs, rounds, seconds, verdicts, measured }
print(`\nkept in ${keep('gthread', results)}`)
process.exitCode = verdicts.some((verdict) => verdict.isMet === false) ? 1 : 0
