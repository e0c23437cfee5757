import { assign, type DoneActorEvent, type ErrorActorEvent, sendTo, setup, stateIn } from 'xstate'
import { effect } from './effect.ts'
import { countRestart, freshWindow, type RestartWindow } from './restart-window.ts'
import type { Note, StopReason } from './vocabulary.ts'
import { type HandleOutput, workerHandleMachine } from './worker-handle.ts'

export interface KeeperInput {
  readonly bootTimeoutMs: number
  readonly graceMs: number
}

export interface KeeperContext extends KeeperInput {
  readonly age: number
  /** One was ready once: from now on it is started again, however often it fails. */
  readonly hasServed: boolean
  readonly window: RestartWindow
  readonly delayMs: number
}

export type KeeperEvent =
  | { type: 'stop'; isQuick: boolean }
  | { type: 'force' }
  | { type: 'handle.ready'; slot: number; age: number }
  | { type: 'handle.recycle'; slot: number; age: number }
  | { type: 'handle.leaving'; slot: number; age: number; problem: string | null; atMs: number; dice: number }
  | DoneActorEvent<HandleOutput, 'child'>
  | ErrorActorEvent<unknown, 'child'>

const noteBroken = {
  type: 'note',
  params: ({ event }: { event: ErrorActorEvent }) => ({ event: 'chart.failed', facts: { problem: String(event.error) } }),
} as const

export const keeperMachine = setup({
  types: {
    input: {} as KeeperInput,
    context: {} as KeeperContext,
    events: {} as KeeperEvent,
    tags: {} as 'takes-traffic',
  },
  actors: { handle: workerHandleMachine },
  actions: {
    note: effect<Note>('note'),
    tellReady: effect('tellReady'),
    /** The first one ended before it was ready. */
    tellFailed: effect<{ exitCode: number; problem: string }>('tellFailed'),
    tellStopped: effect('tellStopped'),
    orderStop: sendTo('child', ({ context }, p: { isQuick: boolean; reason: StopReason }) => ({
      type: 'stop',
      graceMs: context.graceMs,
      ...p,
    })),
    orderKill: sendTo('child', { type: 'kill' }),
    countAge: assign({ age: ({ context }) => context.age + 1 }),
    keepServed: assign({ hasServed: true }),
    countDeath: assign(({ context }, output: HandleOutput) => countRestart(context.window, output)),
    waitASecond: assign({ delayMs: 1_000 }),
  },
  guards: { hasServed: ({ context }) => context.hasServed },
  delays: { backoff: ({ context }) => Math.max(1, context.delayMs) },
}).createMachine({
  id: 'keeper',
  description: 'The arbiter’s care for its dirty arbiter: one process, started again whenever it ends.',
  context: ({ input }) => ({ ...input, age: 0, hasServed: false, window: freshWindow, delayMs: 0 }),
  options: { maxIterations: 1_000 },
  initial: 'running',
  states: {
    running: {
      description: 'There is a dirty arbiter.',
      entry: 'countAge',
      invoke: {
        id: 'child',
        src: 'handle',
        input: ({ context }) => ({
          slot: 0,
          age: context.age,
          generation: 1,
          bootTimeoutMs: context.bootTimeoutMs,
          graceMs: context.graceMs,
        }),
        onDone: [
          { guard: stateIn({ running: 'draining' }), target: 'stopped', actions: 'tellStopped' },
          {
            guard: 'hasServed',
            target: 'waiting',
            actions: { type: 'countDeath', params: ({ event }) => event.output },
          },
          // The server does not start without it, so that there is nothing to start another one for.
          {
            target: 'stopped',
            actions: { type: 'tellFailed', params: ({ event }) => ({ exitCode: event.output.exitCode, problem: event.output.problem }) },
          },
        ],
        // A chart that breaks is a bug of ours; the process behind it takes itself for an orphan.
        onError: [
          { guard: stateIn({ running: 'draining' }), target: 'stopped', actions: [noteBroken, 'tellStopped'] },
          { target: 'waiting', actions: [noteBroken, 'waitASecond'] },
        ],
      },
      initial: 'booting',
      states: {
        booting: {
          description: 'It starts its workers, and they load their apps.',
          on: { 'handle.ready': { target: 'ready', actions: ['keepServed', 'tellReady'] } },
        },
        ready: {
          description: 'Calls can be made.',
          tags: 'takes-traffic',
          on: {
            'handle.leaving': 'leaving',
            // There is one socket: its successor has to wait until it is gone.
            'handle.recycle': { target: 'leaving', actions: { type: 'orderStop', params: { isQuick: false, reason: 'recycle' } } },
          },
        },
        leaving: { description: 'It goes, and another will follow: somebody told it to, or it is worn.' },
        draining: {
          description: 'It was told to go, and finishes the calls under way.',
        },
      },
      on: {
        stop: { target: '.draining', actions: { type: 'orderStop', params: ({ event }) => ({ isQuick: event.isQuick, reason: 'stop' }) } },
        force: { target: '.draining', actions: 'orderKill' },
      },
    },
    waiting: {
      description: 'It has ended, and is started again at once, or after a back-off.',
      on: { stop: { target: 'stopped', actions: 'tellStopped' }, force: { target: 'stopped', actions: 'tellStopped' } },
      after: { backoff: 'running' },
    },
    stopped: { description: 'There is none any more.', type: 'final' },
  },
})
