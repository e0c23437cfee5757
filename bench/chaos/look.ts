/** What the processes of a server hold, and whether all that are due are there. */
import { readdirSync, readFileSync } from 'node:fs'
import { dirname } from 'node:path'
import { setTimeout as pause } from 'node:timers/promises'
import { dirtyArbiterPid, dirtyWorkers, door, socketOf } from '../../test/support/dirty.ts'
import type { Running } from '../../test/support/harness.ts'
import { poll } from '../../test/support/poll.ts'
import { type Sites, size } from './sites.ts'

export interface Held {
  readonly role: string
  readonly fds: number
  readonly threads: number
  readonly rssMib: number
}

const askMs = 1_000

/** Every process is there, and no more than that, and every place of the pool can be had. */
export async function isWhole({ pool, sync, gthread }: Sites): Promise<boolean> {
  if (pool.family().length !== 2 + size.workers + size.dirtyWorkers || pool.workers().size !== size.workers) return false
  if ([sync, gthread].some((side) => side.family().length !== 2 || side.workers().size !== 1)) return false
  const counts = await countsOf(pool)
  return counts?.length === size.apps && counts.every(({ capacity }) => capacity === size.places)
}

/** null: the broker does not answer, or is away. */
export async function countsOf(server: Running) {
  const late = pause(askMs, null, { ref: false })
  const counts = door.dirtyCounts({ socket: socketOf(server) }).catch(() => null)
  return await Promise.race([counts, late])
}

/** Resolves when nobody calls any more, and the connections that are over have been closed. */
export async function atRest(sites: Sites, foreignPid: number, note: (problem: string) => void): Promise<readonly Held[]> {
  const { pool } = sites
  let counts = await countsOf(pool)
  await poll(
    async () => {
      counts = await countsOf(pool)
      return counts?.every(({ leased, queued }) => leased === 0 && queued === 0) === true
    },
    () => `leases have not come back: ${JSON.stringify(counts)}`,
  ).catch((error: Error) => note(error.message))
  let before = ''
  for (let equal = 0; equal < 5; ) {
    await pause(100)
    const now = JSON.stringify(look(sites, foreignPid).map(({ fds, threads }) => [fds, threads]))
    equal = now === before ? equal + 1 : 0
    before = now
  }
  for (const file of strayFiles(pool)) note(`in the folder of the pool: ${file}`)
  return look(sites, foreignPid)
}

/** What is in the folder of the pool beside a socket for the broker, each dirty worker and each of its threads, or is missing there. */
function strayFiles(pool: Running): string[] {
  const files = readdirSync(dirname(socketOf(pool)))
  const workers = [...dirtyWorkers(pool)]
  const isOf = ([slot, pid]: readonly [number, number], file: string) => file.startsWith(`worker-${slot}-${pid}`)
  const stray = files.filter((file) => file !== 'dirty.sock' && !workers.some((worker) => isOf(worker, file)))
  const due = 1 + (size.places / size.dirtyWorkers) * size.apps
  const odd = workers.map((worker) => files.filter((file) => isOf(worker, file))).filter((own) => own.length !== due)
  return [...stray, ...odd.map((own) => `${own.join(', ')}, instead of ${due}`)]
}

function look({ pool, sync, gthread }: Sites, foreignPid: number): Held[] {
  return [
    ['arbiter', pool.pid] as const,
    ['dirty arbiter', dirtyArbiterPid(pool)] as const,
    ...[...dirtyWorkers(pool).values()].map((pid) => ['dirty worker', pid] as const),
    ...[...pool.workers().values()].map((pid) => ['HTTP worker', pid] as const),
    ...[...sync.workers().values()].map((pid) => ['sync worker', pid] as const),
    ...[...gthread.workers().values()].map((pid) => ['gthread worker', pid] as const),
    ['callers', foreignPid] as const,
  ].map(([role, pid]) => ({ role, fds: count(pid, 'fd'), threads: count(pid, 'task'), rssMib: rssMib(pid) }))
}

const count = (pid: number, what: 'fd' | 'task') => readdirSync(`/proc/${pid}/${what}`).length

function rssMib(pid: number): number {
  const kib = /^VmRSS:\s+(\d+)/m.exec(readFileSync(`/proc/${pid}/status`, 'latin1'))?.[1]
  return Math.round(Number(kib) / 1024)
}
