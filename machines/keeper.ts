import { assign, type DoneActorEvent, type ErrorActorEvent, sendTo, setup, stateIn } from 'xstate'
import { effect } from './effect.ts'
import { countRestart, freshWindow, type RestartWindow } from './restart-window.ts'
import type { Note } from './vocabulary.ts'
import { type HandleOutput, workerHandleMachine } from './worker-handle.ts'

export interface KeeperInput {
  readonly bootTimeoutMs: number
  readonly graceMs: number
}

export interface KeeperContext extends KeeperInput {
  readonly age: number
  readonly window: RestartWindow
  readonly delayMs: number
}

export type KeeperEvent =
  | { type: 'stop'; isQuick: boolean }
  | { type: 'force' }
  | { type: 'handle.ready'; slot: number; age: number }
  | { type: 'handle.recycle'; slot: number; age: number }
  | { type: 'handle.leaving'; slot: number; age: number; atMs: number; dice: number }
  | DoneActorEvent<HandleOutput, 'child'>
  | ErrorActorEvent<unknown, 'child'>

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
    /** It ended before it was ready. */
    tellFailed: effect<{ exitCode: number; problem: string }>('tellFailed'),
    tellStopped: effect('tellStopped'),
    orderStop: sendTo('child', ({ context }, p: { isQuick: boolean }) => ({
      type: 'stop',
      reason: 'stop',
      graceMs: context.graceMs,
      isQuick: p.isQuick,
    })),
    orderKill: sendTo('child', { type: 'kill' }),
    countAge: assign({ age: ({ context }) => context.age + 1 }),
    countDeath: assign(({ context }, output: HandleOutput) => countRestart(context.window, output)),
    waitASecond: assign({ delayMs: 1_000 }),
  },
  guards: { wasReady: (_, p: HandleOutput) => p.wasReady },
  delays: { backoff: ({ context }) => Math.max(1, context.delayMs) },
}).createMachine({
  id: 'keeper',
  description: 'The arbiter’s care for its dirty arbiter: one process, started again whenever it ends.',
  context: ({ input }) => ({ ...input, age: 0, window: freshWindow, delayMs: 0 }),
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
            guard: { type: 'wasReady', params: ({ event }) => event.output },
            target: 'waiting',
            actions: { type: 'countDeath', params: ({ event }) => event.output },
          },
          {
            target: 'waiting',
            actions: [
              { type: 'countDeath', params: ({ event }) => event.output },
              { type: 'tellFailed', params: ({ event }) => ({ exitCode: event.output.exitCode, problem: event.output.problem }) },
            ],
          },
        ],
        // A chart that breaks is a bug of ours; the process behind it takes itself for an orphan.
        onError: {
          target: 'waiting',
          actions: [
            'waitASecond',
            { type: 'note', params: ({ event }) => ({ event: 'chart.failed', facts: { problem: String(event.error) } }) },
          ],
        },
      },
      initial: 'booting',
      states: {
        booting: {
          description: 'It starts its workers, and they load their apps.',
          on: { 'handle.ready': { target: 'ready', actions: 'tellReady' } },
        },
        ready: { description: 'Calls can be made.', tags: 'takes-traffic' },
        draining: {
          description: 'It was told to go, and finishes the calls under way.',
        },
      },
      on: {
        stop: { target: '.draining', actions: { type: 'orderStop', params: ({ event }) => event } },
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
