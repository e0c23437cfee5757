/** Services that take jobs from BullMQ, each with a queue and a session of its own, and the Redis that they share. */
import { type ChildProcess, fork, spawn } from 'node:child_process'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { end, lineOf, stoppable } from '../serve/child.ts'
import { cpuNsOf, familyOf } from '../serve/processes.ts'
import type { Measured } from '../serve/rounds.ts'

export interface Task {
  readonly jobs: number
  /** Of the loop of one job. */
  readonly turns: number
  readonly payloadBytes: number
}

export interface JobsArm {
  readonly name: string
  run(task: Task): Promise<Measured>
  stop(): Promise<void>
}

/** `pool` and `pool-threads` are ours, `processes` and `threads` BullMQ's sandboxes. */
export type Kind = 'pool' | 'pool-threads' | 'processes' | 'threads'

export interface ArmOptions {
  readonly name: string
  readonly kind: Kind
  readonly executors: number
  /** Jobs that BullMQ has under way at a time. */
  readonly concurrency: number
  readonly redis: Redis
  readonly dist: string
}

export interface Redis {
  readonly path: string
  readonly pid: number
  stop(): Promise<void>
}

/** Without persistence, at a Unix socket. */
export async function startRedis(): Promise<Redis> {
  const folder = mkdtempSync(join(tmpdir(), 'monoceros-bench-'))
  const path = join(folder, 'redis.sock')
  const words = ['--port', '0', '--unixsocket', path, '--save', '', '--appendonly', 'no', '--dir', folder]
  const redis = spawn('redis-server', words, { detached: true, stdio: ['ignore', 'pipe', 'inherit'] })
  const stop = stoppable(async () => {
    await end(redis)
    rmSync(folder, { recursive: true, force: true })
  })
  await lineOf(redis, 'stdout', (line) => line.includes('eady to accept connections'))
  return { path, pid: redis.pid as number, stop }
}

export async function startArm(options: ArmOptions): Promise<JobsArm> {
  const { name, redis, ...rest } = options
  const service = fork(
    fileURLToPath(new URL('service.js', import.meta.url)),
    [JSON.stringify({ ...rest, redis: redis.path, queue: name.replaceAll(/\W+/g, '-') })],
    {
      detached: true,
      execArgv: [],
    },
  )
  const stop = stoppable(() => end(service))
  await messageOf(service)
  const pids = () => familyOf(service.pid as number).toSorted()
  return {
    name,
    async run(task) {
      const before = pids()
      const cpuNs = () => cpuNsOf([...before, redis.pid])
      const startedNs = cpuNs()
      service.send(task)
      const { figures, problems } = (await messageOf(service)) as Measured
      const cpuUs = (cpuNs() - startedNs) / 1_000 / task.jobs
      const isSame = pids().join() === before.join()
      return { figures: { ...figures, cpuUs }, problems: isSame ? problems : [...problems, 'a process was started or has ended'] }
    },
    stop,
  }
}

/** The best of several: what this machine does when nobody disturbs it. */
export async function turnsOfMs(): Promise<number> {
  const { work } = (await import(new URL('work.js', import.meta.url).href)) as { work(data: object): unknown }
  const turns = 2_000_000
  const times = Array.from({ length: 10 }, () => {
    const startedMs = performance.now()
    work({ nonce: 0, turns, payload: '' })
    return performance.now() - startedMs
  })
  return Math.round(turns / Math.min(...times))
}

function messageOf(service: ChildProcess): Promise<unknown> {
  return new Promise((resolve, reject) => {
    const onExit = (code: number | null) => reject(new Error(`a service has ended with ${code}`))
    service.once('exit', onExit)
    service.once('message', (message) => {
      service.off('exit', onExit)
      resolve(message)
    })
  })
}
