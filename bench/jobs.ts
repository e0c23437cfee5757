/**
 * `npm run bench:jobs [-- --rounds N] [--scale N] [--only WORDS]`: jobs of BullMQ in our pool, beside BullMQ's own sandboxes of
 * processes and of threads. Exits with 1 when a bar is missed.
 */
import { spawnSync } from 'node:child_process'
import { createRequire } from 'node:module'
import { resolve } from 'node:path'
import { fileURLToPath } from 'node:url'
import { parseArgs } from 'node:util'
import { type JobsArm, startArm, startRedis, type Task, turnsOfMs } from './jobs/arms.ts'
import { keep, thisMachine } from './results.ts'
import { alignedTable, type Bar, judge, ratioBar, spreadOf, tableOf, type Verdict } from './serve/bars.ts'
import { stopAll } from './serve/child.ts'
import { type Round, takeRounds } from './serve/rounds.ts'

const { values } = parseArgs({
  options: { rounds: { type: 'string', default: '5' }, scale: { type: 'string', default: '1' }, only: { type: 'string' } },
})
const rounds = Number(values.rounds)
const scale = Number(values.scale)
const executors = 2
const payloadBytes = 1_024
const atLeast = 1.5
const figures = ['jobsPerS', 'p50Ms', 'p99Ms', 'cpuUs', 'serviceCpuUs']

const dist = resolve(fileURLToPath(new URL('..', import.meta.url)), process.env['MONOCEROS_TEST_DIST'] ?? 'dist')
const print = (text: string) => process.stdout.write(`${text}\n`)
for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, () => void stopAll().finally(() => process.exit(130)))
const redisVersion = spawnSync('redis-server', ['--version'], { encoding: 'utf8' })
if (redisVersion.status !== 0) throw new Error('there is no `redis-server` on the PATH; Debian has it as a package')

const perMs = await turnsOfMs()
const parts: readonly { readonly name: string; readonly task: Task }[] = [
  { name: 'a job of nothing', task: { jobs: 2_000 * scale, turns: 0, payloadBytes } },
  { name: 'a job of 1 ms', task: { jobs: 800 * scale, turns: perMs, payloadBytes } },
  { name: 'a job of 20 ms', task: { jobs: 80 * scale, turns: 20 * perMs, payloadBytes } },
]
const measured: Record<string, readonly Round[]> = {}
const verdicts: Verdict[] = []
const arms: JobsArm[] = []
const redis = await startRedis()
try {
  const common = { executors, redis, dist }
  const ours = await startArm({ ...common, name: 'monoceros', kind: 'pool', concurrency: executors })
  const processes = await startArm({ ...common, name: 'BullMQ processes', kind: 'processes', concurrency: executors })
  const threads = await startArm({ ...common, name: 'BullMQ threads', kind: 'threads', concurrency: executors })
  const ahead = await startArm({ ...common, name: 'monoceros, one ahead', kind: 'pool', concurrency: executors + 1 })
  const inside = await startArm({ ...common, name: 'monoceros threads', kind: 'pool-threads', concurrency: executors })
  arms.push(ours, processes, threads, ahead, inside)
  for (const arm of arms) await arm.run({ jobs: 1_000, turns: 100, payloadBytes })

  for (const { name, task } of parts.filter((part) => values.only === undefined || part.name.includes(values.only))) {
    const onVoid = (problems: readonly string[]) => print(`  void: ${problems.join('; ')}`)
    const found = await takeRounds({ title: name, rounds, arms, onVoid, measure: (arm) => arm.run(task) })
    measured[name] = found
    const rows = arms.map((arm) => [arm.name, ...figures.map((one) => spreadOf(found, arm.name, one))])
    print(`${alignedTable([`${name}: median (smallest – largest)`, ...figures], rows)}\n`)
    const pairs: readonly (readonly [JobsArm, JobsArm])[] = [
      [ours, processes],
      [ours, threads],
      [ahead, processes],
      [inside, threads],
    ]
    const bars = pairs.flatMap(([arm, other]): Bar[] => [
      ratioBar(`${name}, jobs/s, ${arm.name}`, 'jobsPerS', [arm, other], arm === ours ? { atLeast } : {}),
      ratioBar(`${name}, p99, ${arm.name}`, 'p99Ms', [arm, other], {}),
      ratioBar(`${name}, CPU, ${arm.name}`, 'cpuUs', [arm, other], {}),
    ])
    verdicts.push(...bars.map((bar) => judge(found, bar)))
  }
} finally {
  for (const arm of arms.toReversed()) await arm.stop()
  await redis.stop()
}
print(tableOf(verdicts))
if (values.only === undefined) {
  const bullmq = (createRequire(import.meta.url)('bullmq/package.json') as { version: string }).version
  const peers = { bullmq, redis: redisVersion.stdout.trim() }
  const results = {
    takenAt: new Date().toISOString(),
    machine: thisMachine(),
    ...peers,
    executors,
    payloadBytes,
    rounds,
    verdicts,
    measured,
  }
  print(`\nkept in ${keep('jobs', results)}`)
}
process.exitCode = verdicts.some((verdict) => verdict.isMet === false) ? 1 : 0
