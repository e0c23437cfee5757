/** What can happen to the processes of a dirty pool and to those that call it, and how it is done to them. */
import { existsSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { setTimeout as pause } from 'node:timers/promises'
import { appOf, dirtyArbiterPid, dirtyWorkers, door, failure } from '../../test/support/dirty.ts'
import type { Running } from '../../test/support/harness.ts'
import { poll } from '../../test/support/poll.ts'
import type { Dice } from './dice.ts'
import { cancelGraceMs, type Sites } from './sites.ts'

export interface Fault {
  readonly victim: string
  readonly how: string
  /** Resolves when it has been done; what follows from it is the server's affair. */
  commit(sites: Sites, dice: Dice): Promise<void>
}

const shortestMs = 200
const longestMs = 1_500
/** Longer than any victim is let live in that state. */
const foreverMs = 60_000
/** It takes the timeout to see it, and two seconds more when the whole process stands still. */
const killedWithinMs = 20_000

interface Victim {
  readonly of: keyof Sites
  find(server: Running, dice: Dice): number | undefined
}

const httpWorker = (server: Running, dice: Dice) => dice.one([...server.workers().values()])
const victims: Readonly<Record<string, Victim>> = {
  'dirty arbiter': { of: 'pool', find: dirtyArbiterPid },
  'dirty worker': { of: 'pool', find: (server, dice) => dice.one([...dirtyWorkers(server).values()]) },
  'HTTP worker': { of: 'pool', find: httpWorker },
  'sync worker': { of: 'sync', find: httpWorker },
  'gthread worker': { of: 'gthread', find: httpWorker },
}
/** Their timeout is longer than any call takes. */
const isEndless = (victim: string, how: string) => victims[victim]?.of !== 'pool' && how.endsWith('for good')

const hows: Readonly<Record<string, (server: Running, pid: number, dice: Dice) => Promise<void>>> = {
  async killed(_, pid) {
    send(pid, 'SIGKILL')
  },
  async 'frozen for a while'(_, pid, dice) {
    send(pid, 'SIGSTOP')
    await pause(dice.between(shortestMs, longestMs))
    send(pid, 'SIGCONT')
  },
  // It is found out, and killed.
  async 'frozen for good'(_, pid) {
    send(pid, 'SIGSTOP')
    await gone(pid)
  },
  async 'blocked for a while'(server, pid, dice) {
    block(server, pid, dice.between(shortestMs, longestMs))
  },
  async 'blocked for good'(server, pid) {
    block(server, pid, foreverMs)
    await gone(pid)
  },
}

/** The thread of a dirty app is reached by calls, whose failure is part of the fault. */
const ofThreads: readonly Fault[] = [
  { action: 'spin', how: 'blocked' },
  { action: 'exit', how: 'exits' },
  { action: 'throwLater', how: 'throws' },
].map(({ action, how }) => ({
  victim: 'dirty thread',
  how,
  commit: async ({ pool }) => void (await failure(appOf(pool, 'chaos').with({ timeoutMs: 2_000 })[action]())),
}))

const burst = 6
const aroundMs = 40

/**
 * Calls that block their threads are given up all at once; each ends by itself at about the moment at which its thread would
 * be ended, so that it may be the next caller's by then.
 */
const givenUp: Fault = {
  victim: 'dirty thread',
  how: 'blocked as its calls are given up',
  async commit({ pool }, dice) {
    const outcomes = Array.from({ length: burst }, async (_, index) => {
      const stop = new AbortController()
      const begun = door.proxy(() => void setImmediate(() => stop.abort()))
      const ms = cancelGraceMs + dice.between(-aroundMs, aroundMs)
      const error = await failure(appOf(pool, 'chaos').with({ timeoutMs: 4_000, signal: stop.signal }).workHeard(index, ms, begun))
      // It may not come to run in time.
      return ['MON_DIRTY_CANCELLED', 'MON_DIRTY_TIMEOUT'].includes(error.code) ? [] : [String(error.message)]
    })
    const others = (await Promise.all(outcomes)).flat()
    if (others.length > 0) throw new Error(others.join('; '))
  },
}

export const faults: readonly Fault[] = [
  ...Object.entries(victims).flatMap(([victim, { of, find }]) =>
    Object.entries(hows)
      .filter(([how]) => !isEndless(victim, how))
      .map(([how, act]) => ({
        victim,
        how,
        async commit(sites: Sites, dice: Dice) {
          const pid = find(sites[of], dice)
          if (pid !== undefined) await act(sites[of], pid, dice)
        },
      })),
  ),
  ...ofThreads,
  givenUp,
]

/** @throws when nobody has found out */
const gone = (pid: number) =>
  poll(
    () => !existsSync(`/proc/${pid}`),
    () => `process ${pid} was not killed`,
    killedWithinMs,
  )

function block(server: Running, pid: number, ms: number): void {
  writeFileSync(join(server.folder, `block.${pid}`), String(Math.round(ms)))
  send(pid, 'SIGWINCH')
}

function send(pid: number, signal: NodeJS.Signals): void {
  try {
    process.kill(pid, signal)
  } catch {
    // It was gone before: an earlier fault had killed it.
  }
}
