import { assign, type ErrorActorEvent, sendTo, setup, spawnChild, stopChild } from 'xstate'
import { effect, organ } from './effect.ts'
import { countRestart, freshWindow, type RestartWindow } from './restart-window.ts'
import type { Age, ChildExit, Note } from './vocabulary.ts'

export type SidecarRestart = 'always' | 'on-failure' | 'never'

export interface SidecarInput {
  readonly name: string
  readonly restart: SidecarRestart
  readonly bootTimeoutMs: number
  readonly graceMs: number
  /** Whoever starts it goes on only if the first process gets ready: else no second one is tried. */
  readonly isAwaited: boolean
}

export interface SidecarContext extends SidecarInput {
  readonly age: Age
  readonly pid: number | null
  /** Of the present process, or of the last one. */
  readonly wasReady: boolean
  /** Some process of it has been ready, or has ended as it should. */
  readonly hasServed: boolean
  readonly stop: { readonly reason: SidecarStopReason; readonly isQuick: boolean } | null
  readonly killReason: 'boot-timeout' | 'grace' | 'forced' | null
  /** Why it cannot get ready, where that is known before it ends. */
  readonly problem: string | null
  readonly exit: ChildExit | null
  readonly window: RestartWindow
  readonly delayMs: number
}

export type SidecarStopReason = 'stop' | 'reload' | 'rollback'

export type SidecarEvent =
  | { type: 'child.spawned'; pid: number }
  | { type: 'child.ready'; readyMs: number }
  | { type: 'child.failed'; problem: string }
  | { type: 'child.exited'; exit: ChildExit }
  | { type: 'stop'; reason: SidecarStopReason; isQuick: boolean }
  | { type: 'force' }
  | ErrorActorEvent<unknown, 'child'>

/** Orders to the process, carried out by the effect behind `command`. `isLate`: it had its time to end by itself. */
export type SidecarOrder = { type: 'drain' } | { type: 'strike'; isLate: boolean }

/** How long a quick stop (INT, QUIT) lets it end by itself. */
const quickGraceMs = 1_000

/** It has done what it is for, and is not wanted again. */
const isFinished = ({ restart, exit, killReason }: SidecarContext) => restart !== 'always' && exit?.code === 0 && killReason === null

/** How its end is told to a person. */
const describeSidecarEnd = ({ killReason, problem, exit, wasReady }: SidecarContext): string => {
  if (killReason === 'boot-timeout') return 'not ready within its bootTimeout'
  if (problem !== null) return problem
  if (killReason === 'grace') return 'it did not end within its gracefulTimeout'
  if (exit === null || (exit.code === null && exit.signal === null)) return 'it was not started'
  if (exit.signal !== null) {
    const hint = exit.signal === 'SIGKILL' && killReason === null ? ' (somebody else’s: out of memory?)' : ''
    return `killed by ${exit.signal}${hint}`
  }
  return wasReady ? `exited with code ${exit.code}` : `exited with code ${exit.code} before it was ready`
}

const endEvent = (context: SidecarContext): string => {
  if (context.stop !== null) return 'sidecar.gone'
  if (isFinished(context)) return 'sidecar.finished'
  return context.wasReady ? 'sidecar.died' : 'sidecar.boot-failed'
}

const counted = ({ window, exit, wasReady }: SidecarContext) =>
  countRestart(window, { atMs: exit?.atMs ?? 0, dice: exit?.dice ?? 0, wasReady })

export const sidecarMachine = setup({
  types: {
    input: {} as SidecarInput,
    context: {} as SidecarContext,
    events: {} as SidecarEvent,
    tags: {} as 'takes-traffic' | 'boots' | 'leaves',
  },
  actors: { command: organ<SidecarOrder, { name: string; age: Age }>('command') },
  actions: {
    note: effect<Note>('note'),
    /** It is ready, or has ended as it should. */
    tellReady: effect('tellReady'),
    tellFailed: effect<{ problem: string }>('tellFailed'),
    tellStopped: effect('tellStopped'),
    letGo: stopChild('child'),
    orderDrain: sendTo('child', { type: 'drain' }),
    strike: sendTo('child', ({ context }) => ({ type: 'strike', isLate: context.killReason !== 'forced' })),
    begin: assign({
      age: ({ context }) => context.age + 1,
      pid: null,
      wasReady: false,
      killReason: null,
      problem: null,
      exit: null,
    }),
    keepPid: assign({ pid: (_, p: { pid: number }) => p.pid }),
    keepReady: assign({
      wasReady: true,
      hasServed: true,
      window: ({ context }) => ({ ...context.window, failedBoots: 0 }),
    }),
    keepFinished: assign({ hasServed: true }),
    keepProblem: assign({ problem: (_, p: { problem: string }) => p.problem }),
    keepKill: assign({ killReason: (_, p: { reason: NonNullable<SidecarContext['killReason']> }) => p.reason }),
    keepStop: assign({ stop: (_, p: { reason: SidecarStopReason; isQuick: boolean }) => ({ reason: p.reason, isQuick: p.isQuick }) }),
    keepForced: assign({ stop: ({ context }) => context.stop ?? ({ reason: 'stop', isQuick: true } as const) }),
    keepExit: assign({ exit: (_, p: { exit: ChildExit }) => p.exit }),
    countEnd: assign(({ context }) => counted(context)),
    waitASecond: assign({ delayMs: 1_000 }),
  },
  guards: {
    isStopped: ({ context }) => context.stop !== null,
    isFinished: ({ context }) => isFinished(context),
    isHopeless: ({ context }) => context.isAwaited && !context.hasServed,
    isNeverAgain: ({ context }) => context.restart === 'never',
    isTooOften: ({ context }) => counted(context).delayMs > 0,
    isQuicker: ({ context }, p: { isQuick: boolean }) => p.isQuick && context.stop?.isQuick !== true,
    isBackoff: ({ context }) => context.delayMs > 0,
  },
  delays: {
    bootTimeout: ({ context }) => context.bootTimeoutMs,
    grace: ({ context }) => (context.stop?.isQuick === true ? Math.min(context.graceMs, quickGraceMs) : context.graceMs),
    backoff: ({ context }) => Math.max(1, context.delayMs),
  },
}).createMachine({
  id: 'sidecar',
  description: 'A foreign command that the arbiter keeps running beside its workers.',
  context: ({ input }) => ({
    ...input,
    age: 0,
    pid: null,
    wasReady: false,
    hasServed: false,
    stop: null,
    killReason: null,
    problem: null,
    exit: null,
    window: freshWindow,
    delayMs: 0,
  }),
  options: { maxIterations: 1_000 },
  initial: 'booting',
  states: {
    booting: {
      description: 'The command starts; nobody may count on it yet.',
      tags: 'boots',
      entry: ['begin', spawnChild('command', { id: 'child', input: ({ context }) => ({ name: context.name, age: context.age }) })],
      on: {
        'child.spawned': { actions: { type: 'keepPid', params: ({ event }) => ({ pid: event.pid }) } },
        'child.failed': { actions: { type: 'keepProblem', params: ({ event }) => ({ problem: event.problem }) } },
        'child.ready': {
          target: 'ready',
          actions: ['keepReady', { type: 'note', params: ({ event }) => ({ event: 'sidecar.ready', facts: { readyMs: event.readyMs } }) }],
        },
        'child.exited': { target: 'gone', actions: { type: 'keepExit', params: ({ event }) => ({ exit: event.exit }) } },
        'xstate.error.actor.child': { target: 'gone.broken' },
        // Unlike a worker it may hold data, and is always asked first.
        stop: { target: 'draining', actions: { type: 'keepStop', params: ({ event }) => event } },
        force: { target: 'killing', actions: ['keepForced', { type: 'keepKill', params: { reason: 'forced' } }] },
      },
      after: {
        bootTimeout: {
          target: 'killing',
          actions: [
            { type: 'keepKill', params: { reason: 'boot-timeout' } },
            {
              type: 'note',
              params: ({ context }) => ({ event: 'sidecar.boot-timeout', facts: { bootTimeoutS: context.bootTimeoutMs / 1_000 } }),
            },
          ],
        },
      },
    },
    ready: {
      description: 'It can be counted on.',
      tags: 'takes-traffic',
      entry: 'tellReady',
      on: {
        'child.exited': { target: 'gone', actions: { type: 'keepExit', params: ({ event }) => ({ exit: event.exit }) } },
        'xstate.error.actor.child': { target: 'gone.broken' },
        stop: { target: 'draining', actions: { type: 'keepStop', params: ({ event }) => event } },
        force: { target: 'killing', actions: ['keepForced', { type: 'keepKill', params: { reason: 'forced' } }] },
      },
    },
    draining: {
      description: 'Graceful shutdown: it was sent its stopSignal and ends by itself.',
      tags: 'leaves',
      entry: [
        'orderDrain',
        { type: 'note', params: ({ context }) => ({ event: 'sidecar.draining', facts: { reason: context.stop?.reason ?? 'stop' } }) },
      ],
      on: {
        // Told to stop before there was a process to tell.
        'child.spawned': { actions: { type: 'keepPid', params: ({ event }) => ({ pid: event.pid }) } },
        'child.exited': { target: 'gone', actions: { type: 'keepExit', params: ({ event }) => ({ exit: event.exit }) } },
        'xstate.error.actor.child': { target: 'gone.broken' },
        stop: {
          guard: { type: 'isQuicker', params: ({ event }) => ({ isQuick: event.isQuick }) },
          target: 'draining',
          reenter: true,
          actions: { type: 'keepStop', params: ({ event }) => event },
        },
        force: { target: 'killing', actions: { type: 'keepKill', params: { reason: 'forced' } } },
      },
      after: {
        grace: {
          target: 'killing',
          actions: [
            { type: 'keepKill', params: { reason: 'grace' } },
            { type: 'note', params: ({ context }) => ({ event: 'sidecar.grace-over', facts: { graceMs: context.graceMs } }) },
          ],
        },
      },
    },
    killing: {
      description: 'SIGKILL has been sent to its process group; waiting for the kernel to reap it.',
      tags: 'leaves',
      entry: 'strike',
      on: {
        'child.spawned': { actions: { type: 'keepPid', params: ({ event }) => ({ pid: event.pid }) } },
        'child.exited': { target: 'gone', actions: { type: 'keepExit', params: ({ event }) => ({ exit: event.exit }) } },
        'xstate.error.actor.child': { target: 'gone.broken' },
        stop: { actions: { type: 'keepStop', params: ({ event }) => event } },
        force: { actions: 'keepForced' },
      },
    },
    gone: {
      description: 'Reaped. What follows is its restart policy’s to say.',
      entry: 'letGo',
      initial: 'reaped',
      on: {
        stop: { target: 'stopped' },
        force: { target: 'stopped' },
      },
      states: {
        reaped: {
          description: 'It is told how it ended.',
          entry: {
            type: 'note',
            params: ({ context }) => ({
              event: endEvent(context),
              facts: { how: describeSidecarEnd(context), exitCode: context.exit?.code ?? null, signal: context.exit?.signal ?? null },
            }),
          },
          always: [
            { guard: 'isStopped', target: '#sidecar.stopped' },
            { guard: 'isFinished', target: 'finished', actions: ['keepFinished', 'tellReady'] },
            { guard: 'isHopeless', target: 'failed' },
            { guard: 'isNeverAgain', target: 'finished' },
            {
              guard: 'isTooOften',
              target: 'waiting',
              actions: [
                'countEnd',
                {
                  type: 'note',
                  params: ({ context }) => ({
                    event: 'sidecar.backoff',
                    facts: { delayMs: context.delayMs, problem: describeSidecarEnd(context) },
                  }),
                },
              ],
            },
            { target: 'waiting', actions: 'countEnd' },
          ],
        },
        broken: {
          description: 'What stands behind the chart broke, which is a bug of ours.',
          entry: { type: 'note', params: { event: 'chart.failed', facts: { problem: 'the keeping of a sidecar broke' } } },
          always: [
            { guard: 'isStopped', target: '#sidecar.stopped' },
            { guard: 'isHopeless', target: 'failed' },
            { target: 'waiting', actions: 'waitASecond' },
          ],
        },
        waiting: {
          description: 'It is started again at once, or after a back-off.',
          after: { backoff: { target: '#sidecar.booting' } },
        },
        finished: { description: 'It has ended, and its `restart` does not want it again.' },
        failed: {
          description: 'It did not get ready when the server or a reload waited for it: that fails with it.',
          entry: { type: 'tellFailed', params: ({ context }) => ({ problem: describeSidecarEnd(context) }) },
        },
      },
    },
    stopped: { description: 'It is not wanted any more, and gone.', type: 'final', entry: 'tellStopped' },
  },
})
