/** What the processes of a server hold, and whether all that are due are there. */
import { readdirSync, readFileSync } from 'node:fs'
import { setTimeout as pause } from 'node:timers/promises'
import { dirtyArbiterPid, dirtyWorkers, door, socketOf } from '../../test/support/dirty.ts'
import type { Running } from '../../test/support/harness.ts'
import { poll } from '../../test/support/poll.ts'

export interface Held {
  readonly role: string
  readonly fds: number
  readonly threads: number
  readonly rssMib: number
}

export interface Size {
  readonly workers: number
  readonly dirtyWorkers: number
  /** Calls that can run at one time. */
  readonly places: number
}

const askMs = 1_000

/** Every process is there, and no more than that, and every place of the pool can be had. */
export async function isWhole(server: Running, size: Size): Promise<boolean> {
  if (server.family().length !== 2 + size.workers + size.dirtyWorkers) return false
  if (server.workers().size !== size.workers) return false
  const counts = await countsOf(server)
  return counts !== null && counts.capacity === size.places
}

/** null: the broker does not answer, or is away. */
export async function countsOf(server: Running) {
  const late = pause(askMs, null, { ref: false })
  const counts = door.dirtyCounts({ socket: socketOf(server) }).catch(() => null)
  return (await Promise.race([counts, late]))?.[0] ?? null
}

/** Resolves when nobody calls any more, and the connections that are over have been closed. */
export async function atRest(server: Running, foreignPid: number, note: (problem: string) => void): Promise<readonly Held[]> {
  let counts = await countsOf(server)
  await poll(
    async () => {
      counts = await countsOf(server)
      return counts?.leased === 0 && counts.queued === 0
    },
    () => `leases have not come back: ${JSON.stringify(counts)}`,
  ).catch((error: Error) => note(error.message))
  let before = ''
  for (let equal = 0; equal < 5; ) {
    await pause(100)
    const now = JSON.stringify(look(server, foreignPid).map(({ fds, threads }) => [fds, threads]))
    equal = now === before ? equal + 1 : 0
    before = now
  }
  return look(server, foreignPid)
}

function look(server: Running, foreignPid: number): Held[] {
  return [
    ['arbiter', server.pid] as const,
    ['dirty arbiter', dirtyArbiterPid(server)] as const,
    ...[...dirtyWorkers(server).values()].map((pid) => ['dirty worker', pid] as const),
    ...[...server.workers().values()].map((pid) => ['HTTP worker', pid] as const),
    ['callers', foreignPid] as const,
  ].map(([role, pid]) => ({ role, fds: count(pid, 'fd'), threads: count(pid, 'task'), rssMib: rssMib(pid) }))
}

const count = (pid: number, what: 'fd' | 'task') => readdirSync(`/proc/${pid}/${what}`).length

function rssMib(pid: number): number {
  const kib = /^VmRSS:\s+(\d+)/m.exec(readFileSync(`/proc/${pid}/status`, 'latin1'))?.[1]
  return Math.round(Number(kib) / 1024)
}
