/** What can happen to the processes of a dirty pool and to those that call it, and how it is done to them. */
import { existsSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { setTimeout as pause } from 'node:timers/promises'
import { appOf, dirtyArbiterPid, dirtyWorkers, failure } from '../../test/support/dirty.ts'
import type { Running } from '../../test/support/harness.ts'
import { poll } from '../../test/support/poll.ts'
import type { Dice } from './dice.ts'

export interface Fault {
  readonly victim: string
  readonly how: string
  /** Resolves when it has been done; what follows from it is the server's affair. */
  commit(server: Running, dice: Dice): Promise<void>
}

const shortestMs = 200
const longestMs = 1_500
/** Longer than any victim is let live in that state. */
const foreverMs = 60_000
/** It takes the timeout to see it, and two seconds more when the whole process stands still. */
const killedWithinMs = 20_000

const victims: Readonly<Record<string, (server: Running, dice: Dice) => number | undefined>> = {
  'dirty arbiter': dirtyArbiterPid,
  'dirty worker': (server, dice) => dice.one([...dirtyWorkers(server).values()]),
  'HTTP worker': (server, dice) => dice.one([...server.workers().values()]),
}

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
  commit: async (server) => void (await failure(appOf(server, 'chaos').with({ timeoutMs: 2_000 })[action]())),
}))

export const faults: readonly Fault[] = [
  ...Object.entries(victims).flatMap(([victim, find]) =>
    Object.entries(hows).map(([how, act]) => ({
      victim,
      how,
      async commit(server: Running, dice: Dice) {
        const pid = find(server, dice)
        if (pid !== undefined) await act(server, pid, dice)
      },
    })),
  ),
  ...ofThreads,
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
