/** Services that take jobs from BullMQ, each with a queue and a session of its own, and the Redis that they share. */
import { type ChildProcess, fork, spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { end, lineOf, stoppable } from '../serve/child.ts'
import { familyOf } from '../serve/processes.ts'
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
  readonly redis: string
  readonly dist: string
}

/** Without persistence, at a Unix socket. */
export async function startRedis(): Promise<{ readonly path: string; stop(): Promise<void> }> {
  const folder = mkdtempSync(join(tmpdir(), 'monoceros-bench-'))
  const path = join(folder, 'redis.sock')
  const words = ['--port', '0', '--unixsocket', path, '--save', '', '--appendonly', 'no', '--dir', folder]
  const redis = spawn('redis-server', words, { detached: true, stdio: ['ignore', 'pipe', 'inherit'] })
  const stop = stoppable(async () => {
    await end(redis)
    rmSync(folder, { recursive: true, force: true })
  })
  await lineOf(redis, 'stdout', (line) => line.includes('eady to accept connections'))
  return { path, stop }
}

export async function startArm(options: ArmOptions): Promise<JobsArm> {
  const { name, ...rest } = options
  const service = fork(
    fileURLToPath(new URL('service.js', import.meta.url)),
    [JSON.stringify({ ...rest, queue: name.replaceAll(/\W+/g, '-') })],
    {
      detached: true,
      execArgv: [],
    },
  )
  const stop = stoppable(() => end(service))
  await messageOf(service)
  const pids = () =>
    familyOf(service.pid as number)
      .toSorted()
      .join()
  return {
    name,
    async run(task) {
      const before = pids()
      service.send(task)
      const { figures, problems } = (await messageOf(service)) as Measured
      return { figures, problems: pids() === before ? problems : [...problems, 'a process was started or has ended'] }
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

async function messageOf(service: ChildProcess): Promise<unknown> {
  const ended = once(service, 'exit').then(([code]) => Promise.reject(new Error(`a service has ended with ${code}`)))
  const [message] = await Promise.race([once(service, 'message'), ended])
  return message
}
