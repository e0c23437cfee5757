/**
 * `npm run bench:serve [-- --rounds N] [--seconds N] [--only traffic|startup|memory] [--also FOLDER]`: monoceros beside plain
 * node, node:cluster and PM2, in one run on one machine. `--also` adds another build of monoceros, to compare two of them.
 * Exits with 1 when a bar is missed.
 */
import { join, resolve } from 'node:path'
import { fileURLToPath } from 'node:url'
import { installPeers, versionOf } from './peers.ts'
import { keep, thisMachine } from './results.ts'
import { type Arm, monoceros, nodeCluster, plainNode, pm2 } from './serve/arms.ts'
import { type Bar, figureOf, judge, ratioBar, tableOf, type Verdict } from './serve/bars.ts'
import { stopAll } from './serve/child.ts'
import { measureMemory } from './serve/memory.ts'
import type { Round } from './serve/rounds.ts'
import { measureStartup } from './serve/startup.ts'
import { measureTraffic } from './serve/traffic.ts'

const root = fileURLToPath(new URL('..', import.meta.url))
const argumentAfter = (flag: string) => {
  const index = process.argv.indexOf(flag)
  return index === -1 ? undefined : process.argv[index + 1]
}
const rounds = Number(argumentAfter('--rounds') ?? 5)
const seconds = Number(argumentAfter('--seconds') ?? 3)
const only = argumentAfter('--only')
const also = argumentAfter('--also')

const dist = resolve(root, process.env['MONOCEROS_TEST_DIST'] ?? 'dist')
const hello = join(root, 'bench/serve/hello.js')
const shop = join(root, 'docs/examples/shop/app.js')
const ours = monoceros('monoceros', dist)
const logging = monoceros('monoceros, access log', dist, (folder) => ['--access-logfile', join(folder, 'access.log')])
const watched = monoceros('monoceros, metrics and recorder', dist, (folder) => [
  '--metrics-bind',
  '127.0.0.1:0',
  '--flight-recorder',
  join(folder, 'recorded.jsonl'),
])
const others = also === undefined ? [] : [monoceros(also, resolve(root, also))]

const print = (text: string) => process.stdout.write(`${text}\n`)
const onVoid = (problems: readonly string[]) => print(`  void: ${problems.join('; ')}`)
const measured: Record<string, readonly Round[]> = {}
const verdicts: Verdict[] = []

async function take(name: string, measure: (title: string) => Promise<Round[]>, bars: readonly Bar[]): Promise<void> {
  print(`${name} …`)
  const found = await measure(name)
  measured[name] = found
  verdicts.push(...bars.map((bar) => judge(found, bar)))
}
const isWanted = (part: string) => only === undefined || only === part

for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, () => void stopAll().finally(() => process.exit(130)))
installPeers()
const peers = [nodeCluster, pm2]
if (isWanted('traffic')) {
  const traffic = { rounds, seconds, onVoid, path: '/', app: hello, workers: 2 }
  await take(
    'keep-alive',
    (title) => measureTraffic({ ...traffic, title, arms: [plainNode, ...peers, ours, logging, watched, ...others], isFresh: false }),
    [
      ratioBar('keep-alive requests/s, metrics and recorder', 'requestsPerS', [watched, ours], { atLeast: 0.97 }),
      ...peers.map((peer) => ratioBar('keep-alive requests/s', 'requestsPerS', [ours, peer], { atLeast: 1 })),
      ...peers.map((peer) => ratioBar('keep-alive requests/s, access log', 'requestsPerS', [logging, peer], { atLeast: 0.9 })),
      ...[nodeCluster, ...others].map((other) => ratioBar('CPU per keep-alive request', 'cpuUsPerRequest', [ours, other], {})),
    ],
  )
  await take(
    'new connections',
    (title) => measureTraffic({ ...traffic, title, arms: [plainNode, ...peers, ours, ...others], isFresh: true }),
    [
      ...peers.map((peer) => ratioBar('new connections/s', 'requestsPerS', [ours, peer], { atLeast: 1.8 })),
      ...[nodeCluster, ...others].map((other) => ratioBar('CPU per new connection', 'cpuUsPerRequest', [ours, other], {})),
    ],
  )
  await take(
    'keep-alive, Express shop',
    (title) =>
      measureTraffic({
        ...traffic,
        title,
        app: shop,
        path: '/api/products/1',
        arms: [plainNode, ...peers, ours, ...others],
        isFresh: false,
      }),
    peers.map((peer) => ratioBar('keep-alive requests/s, Express shop', 'requestsPerS', [ours, peer], { atLeast: 1 })),
  )
}
if (isWanted('startup')) {
  const order = { app: hello, workers: 4 }
  await take(
    'start with 4 workers',
    (title) => measureStartup({ title, rounds: 2 * rounds, arms: [nodeCluster, ours, ...others], order, onVoid }),
    [
      ratioBar('ready with 4 workers', 'readyMs', [ours, nodeCluster], { atMost: 1.3 }),
      ...[nodeCluster, ...others].map((other) => ratioBar('CPU until ready with 4 workers', 'cpuMs', [ours, other], {})),
    ],
  )
}
if (isWanted('memory')) {
  const order = { app: hello, workers: 2 }
  const more = (arm: Arm, of: string, over: string) => (round: Round) => figureOf(round, arm.name, of) - figureOf(round, arm.name, over)
  await take('memory', (title) => measureMemory({ title, rounds, arms: [ours, ...others], order, onVoid }), [
    ...[ours, ...others].flatMap((arm): Bar[] => [
      {
        what: `memory of a worker (${arm.name})`,
        against: 'node with the app',
        of: more(arm, 'workerMib', 'bareAppMib'),
        atMost: 22,
        unit: ' MiB',
      },
      {
        what: `memory of the arbiter (${arm.name})`,
        against: 'idle node',
        of: more(arm, 'arbiterMib', 'idleNodeMib'),
        atMost: 12,
        unit: ' MiB',
      },
    ]),
  ])
}

print(`\n${tableOf(verdicts)}`)
if (only === undefined && also === undefined) {
  const results = { takenAt: new Date().toISOString(), machine: thisMachine(), pm2: versionOf('pm2'), rounds, seconds, verdicts, measured }
  print(`\nkept in ${keep('serve', results)}`)
}
process.exitCode = verdicts.some((verdict) => verdict.isMet === false) ? 1 : 0
