/** The servers under comparison: each is started with the same app and the same number of workers, and ended by its pid. */
import { execFile, spawn } from 'node:child_process'
import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { pm2Path } from '../peers.ts'
import { answers, end, freePort, lineOf, patienceMs, stoppable } from './child.ts'
import { childrenOf, familyOf } from './processes.ts'

export interface Order {
  /** Absolute path of a module that exports the app. */
  readonly app: string
  readonly workers: number
}

export interface Service {
  readonly port: number
  /** From the spawn to the moment all workers take connections. */
  readonly readyMs: number
  /** All its processes. */
  pids(): number[]
  workers(): number[]
  /** What has happened that makes its figures void. */
  problems(): string[]
  stop(): Promise<void>
}

export interface Arm {
  readonly name: string
  start(order: Order): Promise<Service>
}

/** The same arm with a number of workers that is its own. */
export function withWorkers(workers: number, arm: Arm): Arm {
  return { name: arm.name, start: (order) => arm.start({ ...order, workers }) }
}

const here = fileURLToPath(new URL('.', import.meta.url))

export const plainNode: Arm = { name: 'node', start: ({ app }) => startProgram('program.js', { app, workers: 1 }) }
export const nodeCluster: Arm = { name: 'node:cluster', start: (order) => startProgram('cluster.js', order) }

async function startProgram(program: string, { app, workers }: Order): Promise<Service> {
  const port = await freePort()
  const env = { ...process.env, BENCH_APP: app, BENCH_WORKERS: String(workers), PORT: String(port) }
  const startedMs = performance.now()
  // A session of its own, as workers of monoceros have: Linux schedules by sessions, and on a busy machine a server in the
  // load generator's session gets three times as much as one beside it.
  const child = spawn(process.execPath, [join(here, program)], { env, detached: true, stdio: ['ignore', 'pipe', 'inherit'] })
  const stop = stoppable(() => end(child))
  await lineOf(child, 'stdout', (line) => line === 'ready')
  const readyMs = performance.now() - startedMs
  const pid = child.pid as number
  return {
    port,
    readyMs,
    pids: () => familyOf(pid),
    workers: () => (program === 'program.js' ? [pid] : childrenOf(pid)),
    problems: () => [],
    stop,
  }
}

export const pm2: Arm = {
  name: 'PM2',
  async start({ app, workers }) {
    const port = await freePort()
    const folder = mkdtempSync(join(tmpdir(), 'monoceros-bench-pm2-'))
    const env = { ...process.env, PM2_HOME: folder, BENCH_APP: app, PORT: String(port) }
    const run = (...args: string[]) => promisify(execFile)(process.execPath, [pm2Path, ...args], { env, timeout: patienceMs })
    const stop = stoppable(async () => {
      await run('kill')
      rmSync(folder, { recursive: true, force: true })
    })
    const startedMs = performance.now()
    await run('start', join(here, 'program.js'), '-i', String(workers), '--silent')
    await answers(port)
    const readyMs = performance.now() - startedMs
    const daemonPid = Number(readFileSync(join(folder, 'pm2.pid'), 'utf8'))
    return {
      port,
      readyMs,
      pids: () => familyOf(daemonPid),
      workers: () => childrenOf(daemonPid),
      problems: () => [],
      stop,
    }
  },
}

/** What may not happen while figures are taken. */
const voiding =
  /^(worker\.(died|gone|recycle|timeout|frozen|uncaught|draining)|thread\.(?!ready|no-upgrade)|log\.(failed|dropped)|request\.|chart\.|dirty\.(?!booting|ready))/

/** `dist` is a build of monoceros; `args` come before those that every arm gets. */
export function monoceros(name: string, dist: string, args: (folder: string) => readonly string[] = () => []): Arm {
  return {
    name,
    async start({ app, workers }) {
      const folder = mkdtempSync(join(tmpdir(), 'monoceros-bench-'))
      const port = await freePort()
      const config = ['-c', join(here, 'monoceros.config.js'), '-b', `127.0.0.1:${port}`, '-w', String(workers), '--log-format', 'json']
      const startedMs = performance.now()
      const words = [join(dist, 'src/entry/cli.js'), ...config, ...args(folder), app]
      const child = spawn(process.execPath, words, { stdio: ['ignore', 'inherit', 'pipe'] })
      const stop = stoppable(async () => {
        await end(child)
        rmSync(folder, { recursive: true, force: true })
      })
      const found: string[] = []
      await lineOf(child, 'stderr', (line) => {
        const event = eventOf(line)
        if (voiding.test(event)) found.push(event)
        return event === 'arbiter.ready'
      })
      const readyMs = performance.now() - startedMs
      const pid = child.pid as number
      return {
        port,
        readyMs,
        pids: () => familyOf(pid),
        workers: () => childrenOf(pid),
        problems: () => [...found],
        stop,
      }
    },
  }
}

function eventOf(line: string): string {
  try {
    return String((JSON.parse(line) as { event?: unknown }).event)
  } catch {
    return ''
  }
}
