import { assign, sendParent, sendTo, setup } from 'xstate'
import { effect, organ } from './effect.ts'
import type { Note } from './vocabulary.ts'

/** Stable number of a thread's place in its pool, from 1; used again when the thread is gone. */
export type LaneNumber = number

export interface LaneInput {
  readonly lane: LaneNumber
  readonly bootTimeoutMs: number
  /** How long requests under way may take when the thread is retired. */
  readonly graceMs: number
}

/** What the thread behind a lane is told. */
export type LaneOrder =
  /** Give it requests. */
  | { readonly type: 'serve' }
  /** Give it no more; let it finish, then run the app's onShutdown. */
  | { readonly type: 'drain' }
  /** Show where it stands, and answer for it. */
  | { readonly type: 'autopsy' }
  | { readonly type: 'terminate' }

export type LaneEnding = 'as-asked' | 'killed' | 'died' | 'boot-failed'

export interface LaneContext extends LaneInput {
  readonly wasReady: boolean
  readonly wasAsked: boolean
  readonly killReason: string | null
  readonly problem: string | null
  readonly atMs: number
  readonly dice: number
}

export type LaneEvent =
  | { type: 'thread.loaded'; loadMs: number }
  | { type: 'thread.failed'; problem: string }
  | { type: 'thread.drained' }
  | { type: 'thread.autopsied' }
  | { type: 'thread.exited'; how: string; atMs: number; dice: number }
  | { type: 'overdue'; blockedMs: number }
  | { type: 'retire'; reason: string }
  | { type: 'kill'; reason: string }

export interface LaneOutput {
  readonly lane: LaneNumber
  readonly ending: LaneEnding
  readonly wasReady: boolean
  readonly problem: string
  readonly atMs: number
  readonly dice: number
}

/** As long as JavaScript takes to be terminated on a busy machine; what is still there after it is in native code. */
const terminatePatienceMs = 1_000
const autopsyPatienceMs = 2_500
const shutdownPatienceMs = 2_000
/** Node fires a timer that is longer than this at once. */
const timerMaxMs = 2 ** 31 - 1

const endingOf = ({ wasAsked, wasReady, killReason }: LaneContext): LaneEnding => {
  if (wasAsked && killReason === null) return 'as-asked'
  if (!wasReady) return 'boot-failed'
  return killReason === null ? 'died' : 'killed'
}

/** How the end of a thread is told to a person: why it was ended, else what it said or did itself. */
const describeEnd = ({ killReason, problem }: LaneContext): string => {
  if (killReason === 'timeout') return 'what it executed took longer than its timeout'
  if (killReason === 'grace') return 'it did not finish within graceful_timeout'
  return problem ?? killReason ?? 'it ended'
}

export const laneMachine = setup({
  types: {
    input: {} as LaneInput,
    context: {} as LaneContext,
    events: {} as LaneEvent,
    output: {} as LaneOutput,
    tags: {} as 'takes-traffic' | 'boots' | 'leaves',
  },
  actors: { thread: organ<LaneOrder, LaneInput>('thread') },
  actions: {
    note: effect<Note>('note'),
    tellReady: sendParent(({ context }) => ({ type: 'lane.ready', lane: context.lane })),
    tellCondemned: sendParent(({ context }) => ({ type: 'lane.condemned', lane: context.lane, problem: describeEnd(context) })),
    tellLeaving: sendParent(({ context }, p: { phase: 'draining' | 'killing' }) => ({
      type: 'lane.leaving',
      lane: context.lane,
      phase: p.phase,
    })),
    keepReady: assign({ wasReady: true }),
    keepAsked: assign({ wasAsked: true }),
    keepKill: assign({ killReason: (_, p: { reason: string }) => p.reason }),
    keepProblem: assign({ problem: ({ context }, p: { problem: string }) => context.problem ?? p.problem }),
    keepExit: assign({ atMs: (_, p: { atMs: number; dice: number }) => p.atMs, dice: (_, p) => p.dice }),
    order: sendTo('thread', (_, order: LaneOrder) => order),
  },
  delays: {
    bootTimeout: ({ context }) => context.bootTimeoutMs,
    grace: ({ context }) => Math.min(timerMaxMs, context.graceMs + shutdownPatienceMs),
    autopsyPatience: autopsyPatienceMs,
    terminatePatience: terminatePatienceMs,
  },
}).createMachine({
  id: 'lane',
  description: 'One thread of a worker’s pool, as its main thread sees it, from start to exit.',
  context: ({ input }) => ({ ...input, wasReady: false, wasAsked: false, killReason: null, problem: null, atMs: 0, dice: 0 }),
  output: ({ context }) => ({
    lane: context.lane,
    ending: endingOf(context),
    wasReady: context.wasReady,
    problem: describeEnd(context),
    atMs: context.atMs,
    dice: context.dice,
  }),
  options: { maxIterations: 1_000 },
  invoke: {
    id: 'thread',
    src: 'thread',
    input: ({ context: { lane, bootTimeoutMs, graceMs } }) => ({ lane, bootTimeoutMs, graceMs }),
    onError: {
      target: '.gone',
      actions: {
        type: 'keepProblem',
        params: ({ event }) => ({ problem: event.error instanceof Error ? event.error.message : String(event.error) }),
      },
    },
  },
  on: {
    'thread.exited': {
      target: '.gone',
      actions: [
        { type: 'keepExit', params: ({ event }) => event },
        { type: 'keepProblem', params: ({ event }) => ({ problem: event.how }) },
      ],
    },
    kill: { target: '.killing.terminating', actions: { type: 'keepKill', params: ({ event }) => event } },
  },
  initial: 'booting',
  states: {
    booting: {
      description: 'The thread starts and loads the app; it is given no request yet.',
      tags: 'boots',
      on: {
        'thread.loaded': {
          target: 'ready',
          actions: ['keepReady', { type: 'note', params: ({ event }) => ({ event: 'thread.ready', facts: { loadMs: event.loadMs } }) }],
        },
        'thread.failed': {
          target: 'killing.terminating',
          actions: [
            { type: 'keepProblem', params: ({ event }) => event },
            { type: 'keepKill', params: { reason: 'failed' } },
          ],
        },
        retire: { target: 'killing.terminating', actions: 'keepAsked' },
      },
      after: {
        bootTimeout: {
          target: 'killing.autopsy',
          actions: [
            { type: 'keepProblem', params: { problem: 'not ready within boot_timeout' } },
            { type: 'keepKill', params: { reason: 'boot-timeout' } },
          ],
        },
      },
    },
    ready: {
      description: 'It is given requests.',
      tags: 'takes-traffic',
      entry: ['tellReady', { type: 'order', params: { type: 'serve' } }],
      on: {
        retire: {
          target: 'draining',
          actions: ['keepAsked', { type: 'note', params: ({ event }) => ({ event: 'thread.retiring', facts: { reason: event.reason } }) }],
        },
        overdue: {
          target: 'killing.autopsy',
          actions: [
            { type: 'keepKill', params: { reason: 'timeout' } },
            { type: 'note', params: ({ event }) => ({ event: 'thread.timeout', facts: { blockedMs: event.blockedMs } }) },
          ],
        },
      },
    },
    draining: {
      description: 'Graceful shutdown: it finishes what it has, then the app’s onShutdown runs in it.',
      tags: 'leaves',
      entry: [
        { type: 'tellLeaving', params: { phase: 'draining' } },
        { type: 'order', params: { type: 'drain' } },
      ],
      on: {
        'thread.drained': 'killing.terminating',
        overdue: {
          target: 'killing.autopsy',
          actions: [
            { type: 'keepKill', params: { reason: 'timeout' } },
            { type: 'note', params: ({ event }) => ({ event: 'thread.timeout', facts: { blockedMs: event.blockedMs } }) },
          ],
        },
      },
      after: { grace: { target: 'killing.autopsy', actions: { type: 'keepKill', params: { reason: 'grace' } } } },
    },
    killing: {
      description: 'Timeout kill, or the end of a thread that has finished.',
      tags: 'leaves',
      entry: { type: 'tellLeaving', params: { phase: 'killing' } },
      initial: 'terminating',
      states: {
        autopsy: {
          description: 'Its stack is taken and its requests are answered.',
          entry: { type: 'order', params: { type: 'autopsy' } },
          on: { 'thread.autopsied': 'terminating' },
          after: { autopsyPatience: 'terminating' },
        },
        terminating: {
          description: 'V8 has been told to end it.',
          entry: { type: 'order', params: { type: 'terminate' } },
          // What is under way does not begin again: the patience would with it.
          on: { kill: {} },
          after: { terminatePatience: 'condemned' },
        },
        condemned: {
          description: 'It is in native code, which nothing ends but the process: no other takes its place, and the worker is replaced.',
          entry: [
            'tellCondemned',
            { type: 'note', params: ({ context }) => ({ event: 'thread.condemned', facts: { reason: context.killReason } }) },
          ],
          on: { kill: {} },
        },
      },
    },
    gone: {
      description: 'The thread has exited.',
      type: 'final',
      entry: {
        type: 'note',
        params: ({ context }) => ({
          event: { 'as-asked': 'thread.gone', killed: 'thread.killed', died: 'thread.died', 'boot-failed': 'thread.boot-failed' }[
            endingOf(context)
          ],
          facts: { how: describeEnd(context) },
        }),
      },
    },
  },
})
