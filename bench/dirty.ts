/**
 * `npm run bench:dirty [-- --rounds N] [--seconds N] [--payload-gib N] [--only WORDS]`: what a dirty call costs, beside a bare
 * Unix socket between two Node processes, raw Piscina and BullMQ's sandboxed processor. Exits with 1 when a bar is missed.
 */
import { spawnSync } from 'node:child_process'
import { resolve } from 'node:path'
import { fileURLToPath } from 'node:url'
import { parseArgs } from 'node:util'
import Piscina from 'piscina'
import { bullmqArm, monocerosArm, pingPongArm, piscinaArm, places, type RunningArm } from './dirty/arms.ts'
import { measureFlatness } from './dirty/flat.ts'
import type { Task } from './dirty/protocol.ts'
import { installPeers, versionOf } from './peers.ts'
import { keep, thisMachine } from './results.ts'
import { alignedTable, type Bar, judge, ratioBar, spreadOf, tableOf, type Verdict } from './serve/bars.ts'
import { stopAll } from './serve/child.ts'
import { type Round, takeRounds } from './serve/rounds.ts'

const { values } = parseArgs({
  options: {
    rounds: { type: 'string', default: '5' },
    seconds: { type: 'string', default: '1' },
    'payload-gib': { type: 'string', default: '2' },
    only: { type: 'string' },
  },
})
const rounds = Number(values.rounds)
const seconds = Number(values.seconds)
const kib = 2 ** 10
const mib = 2 ** 20
/** What the dirty arbiter's memory may gain: its own garbage, not yet collected. */
const flatMaxMib = 4

interface Part {
  readonly name: string
  readonly task: Task
  readonly figure: string
  /** Ours over the bare socket's. */
  readonly atMost?: number
}

const noOp = (callers: number, bar: { atMost?: number } = {}): Part => ({
  name: `no-op, ${callers} ${callers === 1 ? 'caller' : 'callers'}`,
  task: { type: 'no-op', callers, seconds },
  figure: 'p50Us',
  ...bar,
})
const buffer = (name: string, bytes: number, times: number, bar: { atMost?: number } = {}): Part => ({
  name: `${name} both ways`,
  task: { type: 'buffer', bytes, times },
  figure: 'p50Ms',
  ...bar,
})
const parts: readonly Part[] = [
  noOp(1, { atMost: 2 }),
  noOp(16),
  noOp(128),
  buffer('1 KiB', kib, 1_000),
  buffer('1 MiB', mib, 100),
  buffer('16 MiB', 16 * mib, 16, { atMost: 1.5 }),
  buffer('256 MiB', 256 * mib, 2),
  { name: 'a stream', task: { type: 'stream', chunks: 20_000 }, figure: 'chunksPerS' },
  { name: '10,000 queued calls', task: { type: 'queued', calls: 10_000 }, figure: 'callsPerS' },
]

const dist = resolve(fileURLToPath(new URL('..', import.meta.url)), process.env['MONOCEROS_TEST_DIST'] ?? 'dist')
const print = (text: string) => process.stdout.write(`${text}\n`)
for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, () => void stopAll().finally(() => process.exit(130)))
installPeers()
const redis = spawnSync('redis-server', ['--version'], { encoding: 'utf8' })
if (redis.status !== 0) throw new Error('there is no `redis-server` on the PATH; Debian has it as a package')

const isWanted = (name: string) => values.only === undefined || name.includes(values.only)
const measured: Record<string, readonly Round[]> = {}
const verdicts: Verdict[] = []
const running: RunningArm[] = []
let flatness: object | null = null
try {
  const ours = await monocerosArm(dist)
  running.push(ours)
  const bare = await pingPongArm()
  running.push(bare, await piscinaArm(), await bullmqArm())
  for (const arm of running) await arm.run({ type: 'no-op', callers: 16, seconds: 2 })

  for (const { name, task, figure, atMost } of parts.filter((part) => isWanted(part.name))) {
    const arms = running.filter((arm) => arm.can(task))
    const onVoid = (problems: readonly string[]) => print(`  void: ${problems.join('; ')}`)
    const found = await takeRounds({ title: name, rounds, arms, onVoid, measure: (arm) => arm.run(task) })
    measured[name] = found
    const figures = Object.keys(found[0]?.[ours.name] ?? {})
    const rows = arms.map((arm) => [arm.name, ...figures.map((one) => spreadOf(found, arm.name, one))])
    print(`${alignedTable([`${name}: median (smallest – largest)`, ...figures], rows)}\n`)
    const bars = arms
      .filter((arm) => arm !== ours)
      .map((arm): Bar => ratioBar(`${name}, ${figure}`, figure, [ours, arm], arm === bare && atMost !== undefined ? { atMost } : {}))
    verdicts.push(...bars.map((bar) => judge(found, bar)))
  }
  if (isWanted('memory')) {
    const flat = await measureFlatness(ours, Number(values['payload-gib']))
    flatness = flat
    const what = `the dirty arbiter's memory, ${flat.payloadGib} GiB`
    verdicts.push(judge([{}], { what, against: 'before', of: () => flat.afterMib - flat.beforeMib, atMost: flatMaxMib, unit: ' MiB' }))
  }
} finally {
  for (const arm of running.toReversed()) await arm.stop()
}
print(tableOf(verdicts))
if (values.only === undefined) {
  const peers = { bullmq: versionOf('bullmq'), piscina: Piscina.version, redis: redis.stdout.trim() }
  const results = {
    takenAt: new Date().toISOString(),
    machine: thisMachine(),
    ...peers,
    places,
    rounds,
    seconds,
    verdicts,
    measured,
    flatness,
  }
  print(`\nkept in ${keep('dirty', results)}`)
}
process.exitCode = verdicts.some((verdict) => verdict.isMet === false) ? 1 : 0
