/** Servers with sidecars, and what tests ask of them. */
import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { setTimeout as pause } from 'node:timers/promises'
import { expect, onTestFinished } from 'vitest'
import { type Running, start } from './harness.ts'
import { saying } from './programs.ts'

export interface Sidecar {
  readonly name: string
  readonly command: string
  readonly [field: string]: unknown
}

const configOf = (sidecars: readonly Sidecar[], more: object = {}) =>
  JSON.stringify({ app: './app.mjs', bind: ['127.0.0.1:0'], workers: 1, sidecars, ...more })

interface Given {
  readonly args?: readonly string[]
  readonly app?: string
  readonly files?: Readonly<Record<string, string>>
  readonly settings?: object
}

export function serve(sidecars: readonly Sidecar[], { args = [], app = saying('hi'), files = {}, settings = {} }: Given = {}): Running {
  let server: Running | null = null
  // The harness does not know a Redis by its environment. Registered before it, this runs after it.
  onTestFinished(() => {
    const left = server === null ? [] : [...new Set(allPidsOf(server))].filter(isAlive)
    for (const pid of left) process.kill(-pid, 'SIGKILL')
    expect(left).toEqual([])
  })
  server = start({ args, files: { 'app.mjs': app, 'monoceros.config.json': configOf(sidecars, settings), ...files } })
  return server
}

export function reload(server: Running, sidecars: readonly Sidecar[], more: object = {}): void {
  writeFileSync(join(server.folder, 'monoceros.config.json'), configOf(sidecars, more))
  server.signal('SIGHUP')
}

export const sleeper = (name: string, more: object = {}): Sidecar => ({ name, command: 'sleep', args: ['1000'], ...more })
export const shell = (name: string, script: string, more: object = {}): Sidecar => ({ name, command: 'sh', args: ['-c', script], ...more })
/** Of one that has to end: however busy the machine is, it was not ready before. */
export const ending = { readyWhen: { line: 'never' } }

export const redis = (more: object = {}): Sidecar => ({
  name: 'redis',
  command: 'redis-server',
  args: ['--port', '0', '--unixsocket', 'redis.sock', '--save', ''],
  readyWhen: { listens: 'unix:redis.sock' },
  ...more,
})

export const placeOf = (server: Running, event: string, match: Readonly<Record<string, unknown>> = {}) =>
  server.lines.findIndex((line) => line.event === event && Object.entries(match).every(([name, value]) => line[name] === value))
/** Pids of every start of a sidecar, in their order. */
export const pidsOf = (server: Running, sidecar: string) =>
  server.all('sidecar.booting', { sidecar }).map(({ childPid }) => childPid as number)
export const pidOf = (server: Running, sidecar: string) => pidsOf(server, sidecar).at(-1) ?? 0

/** Nothing where it has ended meanwhile. */
function read(path: string): string {
  try {
    return readFileSync(path, 'latin1')
  } catch {
    return ''
  }
}

/** Redis writes its title over its environment, so that it does not count as one of the run. */
function isAlive(pid: number): boolean {
  const stat = read(`/proc/${pid}/stat`)
  return stat !== '' && !/^\d+ \(.*\) Z/.test(stat)
}

async function gone(pids: () => readonly number[]): Promise<void> {
  while (pids().some(isAlive)) await pause(10)
}

const allPidsOf = (server: Running) => server.all('sidecar.booting').map(({ childPid }) => childPid as number)

export const nobodyIsLeft = (server: Running) => gone(() => [...server.family(), ...allPidsOf(server)])

export function guardOf(server: Running): number {
  const isGuard = (pid: number) =>
    /monoceros: guard/.test(read(`/proc/${pid}/cmdline`)) && read(`/proc/${pid}/status`).includes(`PPid:\t${server.pid}\n`)
  const guards = server.family().filter(isGuard)
  expect(guards).toHaveLength(1)
  return guards[0] ?? 0
}

export const readIn = (server: Running, file: string) => readFileSync(join(server.folder, file), 'utf8')
