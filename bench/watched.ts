/**
 * `npm run bench:watched [-- --rounds N] [--seconds N]`: what it costs to be looked at. Keep-alive requests per second with the
 * flight recorder, metrics that are scraped and a dashboard that is open, beside a server without any of them, and what the
 * arbiter itself uses meanwhile. Exits with 1 when a bar is missed.
 */
import { join, resolve } from 'node:path'
import { fileURLToPath } from 'node:url'
import { parseArgs } from 'node:util'
import { keep, thisMachine } from './results.ts'
import { type Arm, monoceros } from './serve/arms.ts'
import { alignedTable, figureOf, judge, ratioBar, spreadOf, tableOf } from './serve/bars.ts'
import { freePort, stopAll } from './serve/child.ts'
import { cpuNsOf } from './serve/processes.ts'
import { measureSideBySide } from './serve/side-by-side.ts'
import { load } from './serve/wrk.ts'
import { lookOn } from './watched/onlooker.ts'

const { values } = parseArgs({ options: { rounds: { type: 'string', default: '7' }, seconds: { type: 'string', default: '5' } } })
const rounds = Number(values.rounds)
const seconds = Number(values.seconds)
const connections = 64

const root = fileURLToPath(new URL('..', import.meta.url))
const dist = resolve(root, process.env['MONOCEROS_TEST_DIST'] ?? 'dist')
const print = (text: string) => process.stdout.write(`${text}\n`)

const alone = monoceros('alone', dist, () => ['--no-control-socket'])
const watched: Arm = {
  name: 'watched',
  async start(order) {
    const port = await freePort()
    const arm = monoceros('watched', dist, (folder) => [
      '--flight-recorder',
      join(folder, 'flight.jsonl'),
      '--dashboard',
      `127.0.0.1:${port}`,
    ])
    const service = await arm.start(order)
    const onlooker = await lookOn(port)
    return {
      ...service,
      problems: () => [...service.problems(), ...onlooker.problems()],
      stop() {
        onlooker.stop()
        return service.stop()
      },
    }
  },
}

for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, () => void stopAll().finally(() => process.exit(130)))
const measured = await measureSideBySide({
  title: 'keep-alive',
  rounds,
  arms: [alone, watched],
  order: { app: join(root, 'bench/serve/hello.js'), workers: 2 },
  path: '/',
  onVoid: (problems) => print(`  void: ${problems.join('; ')}`),
  warmUp: ({ port }) => load({ port, path: '/', seconds: 2, connections, isFresh: false }),
  async measure(service) {
    const [arbiter = 0] = service.pids()
    const arbiterBefore = cpuNsOf([arbiter])
    const allBefore = cpuNsOf(service.pids())
    const startedMs = performance.now()
    const { requests, requestsPerS, problems } = await load({ port: service.port, path: '/', seconds, connections, isFresh: false })
    const arbiterShare = (cpuNsOf([arbiter]) - arbiterBefore) / 1e6 / (performance.now() - startedMs)
    const cpuUsPerRequest = (cpuNsOf(service.pids()) - allBefore) / 1_000 / requests
    return { figures: { requestsPerS, cpuUsPerRequest, arbiterPercent: 100 * arbiterShare }, problems }
  },
})

const verdicts = [
  judge(measured, ratioBar('keep-alive requests/s', 'requestsPerS', [watched, alone], { atLeast: 0.97 })),
  judge(measured, ratioBar('CPU per request', 'cpuUsPerRequest', [watched, alone], {})),
  judge(measured, {
    what: 'the watched arbiter’s share of a processor',
    against: '10,000 requests/s and more',
    of: (round) => figureOf(round, watched.name, 'arbiterPercent'),
    atMost: 2,
    unit: ' %',
  }),
]
const figures = ['requestsPerS', 'cpuUsPerRequest', 'arbiterPercent']
const rows = [alone, watched].map(({ name }) => [name, ...figures.map((figure) => spreadOf(measured, name, figure))])
print(`${alignedTable(['median (smallest – largest)', ...figures], rows)}\n\n${tableOf(verdicts)}`)
print(`\nkept in ${keep('watched', { takenAt: new Date().toISOString(), machine: thisMachine(), rounds, seconds, verdicts, measured })}`)
process.exitCode = verdicts.some((verdict) => verdict.isMet === false) ? 1 : 0
