import { assign, sendParent, sendTo, setup, stateIn } from 'xstate'
import { effect, organ } from './effect.ts'
import type { Age, ChildExit, Ending, Generation, KillReason, Note, Slot, StopReason } from './vocabulary.ts'

export interface HandleInput {
  readonly slot: Slot
  readonly age: Age
  readonly generation: Generation
  readonly bootTimeoutMs: number
  readonly graceMs: number
}

export interface HandleContext extends HandleInput {
  readonly pid: number | null
  readonly wasReady: boolean
  /** It has asked to be recycled, before it said that it is ready. */
  readonly isSpent: boolean
  readonly stopReason: StopReason | null
  readonly isQuick: boolean
  readonly killReason: KillReason | null
  /** What the child said of itself before it died: its exit code to be, and why. */
  readonly failure: { readonly exitCode: number; readonly problem: string } | null
  readonly exit: ChildExit | null
}

export interface HandleOutput {
  readonly slot: Slot
  readonly age: Age
  readonly generation: Generation
  readonly ending: Ending
  readonly wasReady: boolean
  readonly exitCode: number
  readonly problem: string
  readonly atMs: number
  readonly dice: number
}

export type HandleEvent =
  | { type: 'child.spawned'; pid: number }
  /** The app is imported; one that exports nothing to serve may yet listen. */
  | { type: 'child.loaded'; isServable: boolean }
  | { type: 'child.ready'; readyMs: number }
  | { type: 'child.failed'; exitCode: number; problem: string }
  | { type: 'child.stuck'; problem: string }
  | { type: 'child.recycle'; reason: string; served: number }
  | { type: 'child.silent'; blockedMs: number }
  /** Its loop turns, but its job gives no beats. */
  | { type: 'child.hung'; silentMs: number }
  | { type: 'child.frozen'; silentMs: number }
  | { type: 'child.autopsied' }
  /** It leaves by itself: somebody else sent it TERM or INT, or (`problem`) its job has ended. */
  | { type: 'child.draining'; problem: string | null; atMs: number; dice: number }
  | { type: 'child.drained'; tookMs: number; cutRequests: number }
  | { type: 'child.exited'; exit: ChildExit }
  | { type: 'stop'; reason: StopReason; graceMs: number; isQuick: boolean }
  | { type: 'kill' }
  /** It stood by, and takes the place of one that leaves. */
  | { type: 'promote'; slot: Slot }

/** Orders to the child, carried out by the effect behind `childProcess`. */
export type ChildOrder =
  | { type: 'drain'; graceMs: number; isQuick: boolean; reason: StopReason }
  | { type: 'promote'; slot: Slot }
  | { type: 'autopsy' }
  | { type: 'strike' }

const endingOf = (context: HandleContext): Ending => {
  if (context.stopReason === 'ended' && context.killReason === null) return 'crashed'
  if (context.stopReason !== null && context.killReason === null) return 'as-asked'
  if (context.stopReason !== null && (context.killReason === 'unwanted' || context.killReason === 'forced')) return 'as-asked'
  if (!context.wasReady) return 'boot-failed'
  return context.killReason === null ? 'crashed' : 'killed'
}

/** The same in one word, for counts. */
export const causeOfEnd = (context: HandleContext): string => {
  const ending = endingOf(context)
  return ending === 'as-asked' ? (context.stopReason ?? 'stop') : ending === 'killed' ? (context.killReason ?? 'forced') : ending
}

/** How a death is told to a person: what it said of itself, else the signal, else the exit code. */
export const describeEnd = (context: HandleContext): string => {
  if (context.killReason === 'boot-timeout') return 'not ready within boot_timeout'
  if (context.killReason === 'never-serves') return 'it exports no handler, and did not call listen() within boot_timeout'
  if (context.failure !== null) return context.failure.problem
  if (context.killReason === 'silent') return 'its loop was blocked beyond timeout'
  if (context.killReason === 'hung') return 'its job gave no beat within timeout'
  if (context.killReason === 'frozen') return 'the process was frozen beyond timeout'
  if (context.killReason === 'grace') return 'it did not finish within graceful_timeout'
  if (context.exit === null) return 'it could not be started'
  if (context.exit.code === null && context.exit.signal === null) return 'it was not started'
  if (context.exit.signal !== null) {
    const hint = context.exit.signal === 'SIGKILL' && context.killReason === null ? ' (somebody else’s: out of memory?)' : ''
    return `killed by ${context.exit.signal}${hint}`
  }
  return context.wasReady ? `exited with code ${context.exit.code}` : `exited with code ${context.exit.code} before it was ready`
}

/** The same where the child's own word has been told already: a stack and a long sentence are not told twice. */
const describeExit = (context: HandleContext): string =>
  describeEnd(typeof context.exit?.code === 'number' && context.stopReason !== 'ended' ? { ...context, failure: null } : context)

const outputOf = (context: HandleContext): HandleOutput => ({
  slot: context.slot,
  age: context.age,
  generation: context.generation,
  ending: endingOf(context),
  wasReady: context.wasReady,
  exitCode: context.failure?.exitCode ?? (context.killReason === 'never-serves' ? 4 : 3),
  problem: describeEnd(context),
  atMs: context.exit?.atMs ?? 0,
  dice: context.exit?.dice ?? 0,
})

/** How long a child may take to leave after it said that it failed, and a watchdog to answer. */
const exitPatienceMs = 2_000
const autopsyPatienceMs = 2_500
const shutdownPatienceMs = 2_000
/** Node fires a timer that is longer than this at once. */
const timerMaxMs = 2 ** 31 - 1
/** How long a quick stop (INT, QUIT) lets requests finish. */
const quickGraceMs = 1_000

export const workerHandleMachine = setup({
  types: {
    input: {} as HandleInput,
    context: {} as HandleContext,
    events: {} as HandleEvent,
    output: {} as HandleOutput,
    tags: {} as 'takes-traffic' | 'boots' | 'leaves',
  },
  actors: {
    childProcess: organ<ChildOrder, HandleInput>('childProcess'),
  },
  actions: {
    note: effect<Note>('note'),
    tellReady: sendParent(({ context }) => ({ type: 'handle.ready', slot: context.slot, age: context.age })),
    tellLeaving: sendParent(({ context }, p: { problem: string | null; atMs: number; dice: number }) => ({
      type: 'handle.leaving',
      slot: context.slot,
      age: context.age,
      ...p,
    })),
    tellRecycle: sendParent(({ context }) => ({ type: 'handle.recycle', slot: context.slot, age: context.age })),
    keepSpent: assign({ isSpent: (_, p: { isSpent: boolean }) => p.isSpent }),
    keepPid: assign({ pid: (_, p: { pid: number }) => p.pid }),
    keepReady: assign({ wasReady: true }),
    keepExit: assign({ exit: (_, p: { exit: ChildExit }) => p.exit }),
    keepFailure: assign({ failure: (_, p: HandleContext['failure']) => p }),
    keepKill: assign({ killReason: (_, p: { reason: KillReason }) => p.reason }),
    keepStop: assign({
      stopReason: (_, p: { reason: StopReason; graceMs: number; isQuick: boolean }) => p.reason,
      graceMs: (_, p) => p.graceMs,
      isQuick: (_, p) => p.isQuick,
    }),
    orderDrain: sendTo('child', ({ context }) => ({
      type: 'drain',
      graceMs: context.graceMs,
      isQuick: context.isQuick,
      reason: context.stopReason ?? 'stop',
    })),
    keepSlot: assign({ slot: (_, p: { slot: Slot }) => p.slot }),
    orderPromote: sendTo('child', (_, p: { slot: Slot }) => ({ type: 'promote', slot: p.slot })),
    orderAutopsy: sendTo('child', { type: 'autopsy' }),
    strike: sendTo('child', { type: 'strike' }),
  },
  guards: {
    isQuicker: ({ context }, p: { isQuick: boolean }) => p.isQuick && !context.isQuick,
    isSpent: ({ context }) => context.isSpent,
    isUnservable: (_, p: { isServable: boolean }) => !p.isServable,
  },
  delays: {
    bootTimeout: ({ context }) => context.bootTimeoutMs,
    // The child cuts what is left at its grace and still runs the app's onShutdown; only then is it late.
    grace: ({ context }) =>
      Math.min(timerMaxMs, (context.isQuick ? Math.min(context.graceMs, quickGraceMs) : context.graceMs) + shutdownPatienceMs),
    exitPatience: exitPatienceMs,
    autopsyPatience: autopsyPatienceMs,
  },
}).createMachine({
  id: 'worker-handle',
  description: 'The arbiter’s view of one worker process, from spawn to reap.',
  context: ({ input }) => ({
    ...input,
    pid: null,
    wasReady: false,
    isSpent: false,
    stopReason: null,
    isQuick: false,
    killReason: null,
    failure: null,
    exit: null,
  }),
  output: ({ context }) => outputOf(context),
  options: { maxIterations: 1_000 },
  invoke: {
    id: 'child',
    src: 'childProcess',
    input: ({ context }) => ({
      slot: context.slot,
      age: context.age,
      generation: context.generation,
      bootTimeoutMs: context.bootTimeoutMs,
      graceMs: context.graceMs,
    }),
    onError: {
      target: '.gone',
      actions: {
        type: 'keepFailure',
        params: ({ event }) => ({ exitCode: 3, problem: event.error instanceof Error ? event.error.message : String(event.error) }),
      },
    },
  },
  on: {
    'child.spawned': { actions: { type: 'keepPid', params: ({ event }) => ({ pid: event.pid }) } },
    'child.stuck': {
      // What kept it from getting ready was told before, and is the reason.
      actions: { type: 'keepFailure', params: ({ context, event }) => context.failure ?? { exitCode: 3, problem: event.problem } },
    },
    'child.exited': { target: '.gone', actions: { type: 'keepExit', params: ({ event }) => ({ exit: event.exit }) } },
    promote: {
      actions: [
        { type: 'keepSlot', params: ({ event }) => ({ slot: event.slot }) },
        { type: 'orderPromote', params: ({ event }) => ({ slot: event.slot }) },
        { type: 'note', params: { event: 'worker.promoted' } },
      ],
    },
    kill: { target: '.killing.striking', actions: { type: 'keepKill', params: { reason: 'forced' } } },
  },
  initial: 'booting',
  states: {
    booting: {
      description: 'The process starts and loads the app; it takes no traffic yet.',
      tags: 'boots',
      initial: 'loading',
      states: {
        loading: {
          description: 'Waiting for the child to say that it is ready.',
          on: {
            'child.loaded': { guard: { type: 'isUnservable', params: ({ event }) => event }, target: 'listening' },
            'child.failed': {
              target: 'failed',
              actions: { type: 'keepFailure', params: ({ event }) => ({ exitCode: event.exitCode, problem: event.problem }) },
            },
          },
        },
        listening: {
          description: 'The app is a program that exports nothing to serve: waiting for it to call listen(), or to say that it is ready.',
          on: {
            'child.failed': {
              target: 'failed',
              actions: { type: 'keepFailure', params: ({ event }) => ({ exitCode: event.exitCode, problem: event.problem }) },
            },
          },
        },
        failed: {
          description: 'The child said why it cannot get ready and is about to exit.',
          after: {
            exitPatience: { target: '#worker-handle.killing.striking', actions: { type: 'keepKill', params: { reason: 'failed' } } },
          },
        },
      },
      on: {
        'child.ready': {
          target: 'ready',
          actions: ['keepReady', { type: 'note', params: ({ event }) => ({ event: 'worker.ready', facts: { readyMs: event.readyMs } }) }],
        },
        'child.frozen': {
          target: 'killing.striking',
          actions: [
            { type: 'keepKill', params: { reason: 'frozen' } },
            { type: 'note', params: ({ event }) => ({ event: 'worker.frozen', facts: { silentMs: event.silentMs } }) },
          ],
        },
        // Its doors may open, and be worn out, before the word that it is ready comes.
        'child.recycle': {
          actions: [
            { type: 'keepSpent', params: { isSpent: true } },
            { type: 'note', params: ({ event }) => ({ event: 'worker.recycle', facts: { reason: event.reason, served: event.served } }) },
          ],
        },
        stop: {
          target: 'killing.striking',
          actions: [
            { type: 'keepStop', params: ({ event }) => event },
            { type: 'keepKill', params: { reason: 'unwanted' } },
          ],
        },
      },
      after: {
        bootTimeout: [
          {
            guard: stateIn({ booting: 'listening' }),
            target: 'killing.autopsy',
            actions: [
              { type: 'keepKill', params: { reason: 'never-serves' } },
              {
                type: 'note',
                params: ({ context }) => ({ event: 'worker.boot-timeout', facts: { bootTimeoutS: context.bootTimeoutMs / 1_000 } }),
              },
            ],
          },
          {
            target: 'killing.autopsy',
            actions: [
              { type: 'keepKill', params: { reason: 'boot-timeout' } },
              {
                type: 'note',
                params: ({ context }) => ({ event: 'worker.boot-timeout', facts: { bootTimeoutS: context.bootTimeoutMs / 1_000 } }),
              },
            ],
          },
        ],
      },
    },
    ready: {
      description: 'It takes traffic.',
      tags: 'takes-traffic',
      entry: 'tellReady',
      always: { guard: 'isSpent', actions: ['tellRecycle', { type: 'keepSpent', params: { isSpent: false } }] },
      on: {
        stop: { target: 'draining', actions: { type: 'keepStop', params: ({ event }) => event } },
        'child.draining': {
          target: 'draining',
          actions: [
            {
              type: 'keepStop',
              params: ({ context, event }) => ({
                reason: event.problem === null ? 'signal' : 'ended',
                graceMs: context.graceMs,
                isQuick: false,
              }),
            },
            {
              type: 'keepFailure',
              params: ({ context, event }) => (event.problem === null ? context.failure : { exitCode: 1, problem: event.problem }),
            },
            { type: 'tellLeaving', params: ({ event: { problem, atMs, dice } }) => ({ problem, atMs, dice }) },
          ],
        },
        'child.silent': {
          target: 'killing.striking',
          actions: [
            { type: 'keepKill', params: { reason: 'silent' } },
            { type: 'note', params: ({ event }) => ({ event: 'worker.timeout', facts: { blockedMs: event.blockedMs } }) },
          ],
        },
        'child.hung': {
          target: 'killing.striking',
          actions: [
            { type: 'keepKill', params: { reason: 'hung' } },
            { type: 'note', params: ({ event }) => ({ event: 'worker.hung', facts: { silentMs: event.silentMs } }) },
          ],
        },
        'child.frozen': {
          target: 'killing.striking',
          actions: [
            { type: 'keepKill', params: { reason: 'frozen' } },
            { type: 'note', params: ({ event }) => ({ event: 'worker.frozen', facts: { silentMs: event.silentMs } }) },
          ],
        },
        'child.recycle': {
          actions: [
            'tellRecycle',
            { type: 'note', params: ({ event }) => ({ event: 'worker.recycle', facts: { reason: event.reason, served: event.served } }) },
          ],
        },
      },
    },
    draining: {
      description: 'Graceful shutdown: it has left the accept set and finishes what it has begun.',
      tags: 'leaves',
      entry: [
        'orderDrain',
        { type: 'note', params: ({ context }) => ({ event: 'worker.draining', facts: { reason: context.stopReason ?? 'stop' } }) },
      ],
      on: {
        'child.drained': {
          actions: {
            type: 'note',
            params: ({ event }) => ({ event: 'worker.drained', facts: { tookMs: event.tookMs, cutRequests: event.cutRequests } }),
          },
        },
        'child.silent': {
          target: 'killing.striking',
          actions: [
            { type: 'keepKill', params: { reason: 'silent' } },
            { type: 'note', params: ({ event }) => ({ event: 'worker.timeout', facts: { blockedMs: event.blockedMs } }) },
          ],
        },
        'child.frozen': {
          target: 'killing.striking',
          actions: [
            { type: 'keepKill', params: { reason: 'frozen' } },
            { type: 'note', params: ({ event }) => ({ event: 'worker.frozen', facts: { silentMs: event.silentMs } }) },
          ],
        },
        // A quick stop overtakes a graceful one, never the other way round.
        stop: {
          guard: { type: 'isQuicker', params: ({ event }) => ({ isQuick: event.isQuick }) },
          target: 'draining',
          reenter: true,
          actions: { type: 'keepStop', params: ({ event }) => event },
        },
      },
      after: {
        grace: {
          target: 'killing.autopsy',
          actions: [
            { type: 'keepKill', params: { reason: 'grace' } },
            { type: 'note', params: ({ context }) => ({ event: 'worker.grace-over', facts: { graceMs: context.graceMs } }) },
          ],
        },
      },
    },
    killing: {
      description: 'Timeout kill: first the autopsy, then SIGKILL to its process group.',
      tags: 'leaves',
      initial: 'striking',
      states: {
        autopsy: {
          description: 'Its watchdog is asked for the stack and the requests in flight.',
          entry: 'orderAutopsy',
          on: { 'child.autopsied': 'striking' },
          after: { autopsyPatience: 'striking' },
        },
        striking: {
          description: 'SIGKILL has been sent; waiting for the kernel to reap it.',
          entry: 'strike',
        },
      },
    },
    gone: {
      description: 'Reaped.',
      type: 'final',
      entry: {
        type: 'note',
        params: ({ context }) => ({
          event: goneEvent(context),
          facts: { how: describeExit(context), exitCode: context.exit?.code ?? null, signal: context.exit?.signal ?? null },
        }),
      },
    },
  },
})

function goneEvent(context: HandleContext): string {
  const ending = endingOf(context)
  if (ending === 'as-asked') return 'worker.gone'
  return ending === 'boot-failed' ? 'worker.boot-failed' : 'worker.died'
}
