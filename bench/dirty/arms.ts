/** What is compared: each arm is a service that runs for the whole benchmark, and a process that calls it. */
import { spawn } from 'node:child_process'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { monoceros } from '../serve/arms.ts'
import { end, lineOf, stoppable } from '../serve/child.ts'
import { familyOf } from '../serve/processes.ts'
import type { Measured } from '../serve/rounds.ts'
import { startCaller } from './caller-process.ts'
import type { Task, Way } from './protocol.ts'

export interface RunningArm {
  readonly name: string
  can(task: Task): boolean
  run(task: Task): Promise<Measured>
  /** All processes of the service. */
  pids(): number[]
  stop(): Promise<void>
}

/** Calls that an arm executes at the same time. */
export const places = 2
const mib = 2 ** 20
const here = fileURLToPath(new URL('.', import.meta.url))

export interface Service {
  readonly way: Way
  pids(): number[]
  problems(): string[]
  stop(): Promise<void>
}

async function joinArm(name: string, service: Service, can: (task: Task) => boolean = () => true): Promise<RunningArm> {
  const caller = await startCaller(service.way)
  return {
    name,
    can,
    pids: service.pids,
    async run(task) {
      const before = service.pids().toSorted().join()
      const { figures, problems } = await caller.run(task)
      const hasRestarted = service.pids().toSorted().join() !== before
      return { figures, problems: [...problems, ...service.problems(), ...(hasRestarted ? ['a worker was restarted'] : [])] }
    },
    async stop() {
      await caller.stop()
      await service.stop()
    },
  }
}

/** A pool of `places` workers, and one worker that serves HTTP. */
export async function startMonoceros(dist: string, args: readonly string[] = []): Promise<Service & { readonly port: number }> {
  const app = `bench=${join(here, 'app.js')}:BenchApp`
  const arm = monoceros('monoceros', dist, () => ['--dirty-app', app, '--dirty-workers', String(places), ...args])
  const service = await arm.start({ app: join(here, 'site.js'), workers: 1 })
  const socket = await (await fetch(`http://127.0.0.1:${service.port}/dirty-socket`)).text()
  return { ...service, way: { kind: 'monoceros', dist, socket } }
}

/** The others do not stand back either. */
export const monocerosArm = async (dist: string): Promise<RunningArm> =>
  joinArm('monoceros', await startMonoceros(dist, ['--dirty-nice', '0']))

export async function pingPongArm(): Promise<RunningArm> {
  const folder = mkdtempSync(join(tmpdir(), 'monoceros-bench-'))
  const socket = join(folder, 'ping-pong.sock')
  const service = await startProgram(['--no-warnings', '--import', 'jiti/register', join(here, 'ping-pong.ts'), socket], folder)
  return joinArm('bare socket', { ...service, way: { kind: 'ping-pong', socket } })
}

/** Its threads are in the process that calls. */
export function piscinaArm(): Promise<RunningArm> {
  const service = { pids: () => [], problems: () => [], stop: () => Promise.resolve() }
  return joinArm('Piscina', { ...service, way: { kind: 'piscina', threads: places } })
}

export async function bullmqArm(): Promise<RunningArm> {
  const folder = mkdtempSync(join(tmpdir(), 'monoceros-bench-'))
  const socket = join(folder, 'redis.sock')
  const words = ['--port', '0', '--unixsocket', socket, '--save', '', '--appendonly', 'no', '--dir', folder]
  const redis = spawn('redis-server', words, { detached: true, stdio: ['ignore', 'pipe', 'inherit'] })
  const stopRedis = stoppable(async () => {
    await end(redis)
    rmSync(folder, { recursive: true, force: true })
  })
  await lineOf(redis, 'stdout', (line) => line.includes('eady to accept connections'))
  const service = await startProgram([join(here, 'bullmq-worker.js'), socket, String(places)])
  return joinArm(
    'BullMQ',
    {
      way: { kind: 'bullmq', socket },
      // Sandboxes come with the first jobs, and Redis' own children with its snapshots.
      pids: () => service.pids().slice(0, 1),
      problems: service.problems,
      async stop() {
        await service.stop()
        await stopRedis()
      },
    },
    // As text, 256 MiB are more than a string in Redis may be; a job has one answer, no stream.
    (task) => task.type !== 'stream' && (task.type !== 'buffer' || task.bytes <= 16 * mib),
  )
}

async function startProgram(words: readonly string[], folder?: string): Promise<Omit<Service, 'way'>> {
  const child = spawn(process.execPath, words, { detached: true, stdio: ['ignore', 'pipe', 'inherit'] })
  const stop = stoppable(async () => {
    await end(child)
    if (folder !== undefined) rmSync(folder, { recursive: true, force: true })
  })
  await lineOf(child, 'stdout', (line) => line === 'ready')
  const pid = child.pid as number
  return { pids: () => familyOf(pid), problems: () => [], stop }
}
