import { assign, sendParent, setup } from 'xstate'
import { effect, work } from './effect.ts'
import type { Note } from './vocabulary.ts'

export interface ListenerInput {
  readonly id: string
  readonly address: string
  readonly triesMax: number
  readonly pauseMs: number
}

/** `isRetryable` is false for what no waiting mends: a bad address, a file in the way, no permission. */
export interface BindProblem {
  readonly code: string
  readonly text: string
  readonly isRetryable: boolean
}

export interface ListenerContext extends ListenerInput {
  readonly tries: number
  readonly boundAddress: string | null
  readonly problem: BindProblem | null
}

export type ListenerEvent = { type: 'close' }

export const listenerMachine = setup({
  types: {
    input: {} as ListenerInput,
    context: {} as ListenerContext,
    events: {} as ListenerEvent,
    output: {} as { readonly id: string; readonly problem: BindProblem | null },
    tags: {} as 'bound',
  },
  actors: {
    bind: work<{ ok: true; address: string } | { ok: false; problem: BindProblem }, { id: string; tries: number }>('bind'),
  },
  actions: {
    note: effect<Note>('note'),
    release: effect<{ id: string }>('release'),
    countTry: assign({ tries: ({ context }) => context.tries + 1 }),
    keepBound: assign({ boundAddress: (_, p: { address: string }) => p.address, problem: null }),
    keepProblem: assign({ problem: (_, p: { problem: BindProblem }) => p.problem }),
    tellBound: sendParent(({ context }) => ({ type: 'listener.bound', id: context.id })),
    tellFailed: sendParent(({ context }) => ({ type: 'listener.failed', id: context.id, problem: context.problem?.text ?? '' })),
  },
  guards: {
    isBound: (_, p: { ok: boolean }) => p.ok,
    mayTryAgain: ({ context }, p: { problem: BindProblem | null }) => p.problem?.isRetryable === true && context.tries < context.triesMax,
  },
  delays: { pause: ({ context }) => context.pauseMs },
}).createMachine({
  id: 'listener',
  description: 'One listening socket of the arbiter: bound once, inherited by every worker.',
  context: ({ input }) => ({ ...input, tries: 0, boundAddress: null, problem: null }),
  output: ({ context }) => ({ id: context.id, problem: context.problem }),
  options: { maxIterations: 1_000 },
  initial: 'binding',
  states: {
    binding: {
      description: 'The kernel is asked for the address.',
      entry: 'countTry',
      invoke: {
        src: 'bind',
        input: ({ context }) => ({ id: context.id, tries: context.tries }),
        onDone: [
          {
            guard: { type: 'isBound', params: ({ event }) => ({ ok: event.output.ok }) },
            target: 'bound',
            actions: { type: 'keepBound', params: ({ event }) => ({ address: event.output.ok ? event.output.address : '' }) },
          },
          {
            guard: { type: 'mayTryAgain', params: ({ event }) => ({ problem: event.output.ok ? null : event.output.problem }) },
            target: 'waiting',
            actions: {
              type: 'keepProblem',
              params: ({ event }) => ({ problem: event.output.ok ? { code: '', text: '', isRetryable: false } : event.output.problem }),
            },
          },
          {
            target: 'failed',
            actions: {
              type: 'keepProblem',
              params: ({ event }) => ({ problem: event.output.ok ? { code: '', text: '', isRetryable: false } : event.output.problem }),
            },
          },
        ],
        onError: {
          target: 'failed',
          actions: {
            type: 'keepProblem',
            params: ({ event }) => ({ problem: { code: 'MON_LISTENER_FAILED', text: String(event.error), isRetryable: false } }),
          },
        },
      },
      on: { close: { target: 'closed', actions: { type: 'release', params: ({ context }) => ({ id: context.id }) } } },
    },
    waiting: {
      description: 'The address is in use; it is tried again after a pause.',
      entry: {
        type: 'note',
        params: ({ context }) => ({ event: 'listener.waiting', facts: { problem: context.problem?.text ?? '', tries: context.tries } }),
      },
      after: { pause: 'binding' },
      on: { close: { target: 'closed', actions: { type: 'release', params: ({ context }) => ({ id: context.id }) } } },
    },
    bound: {
      description: 'Bound; workers inherit or are sent its descriptor.',
      tags: 'bound',
      entry: [
        'tellBound',
        { type: 'note', params: ({ context }) => ({ event: 'listener.bound', facts: { address: context.boundAddress ?? '' } }) },
      ],
      on: {
        close: {
          target: 'closed',
          // First: who reads that it is closed may try it.
          actions: [
            { type: 'release', params: ({ context }) => ({ id: context.id }) },
            { type: 'note', params: ({ context }) => ({ event: 'listener.closed', facts: { address: context.boundAddress ?? '' } }) },
          ],
        },
      },
    },
    closed: {
      description: 'The arbiter holds it no longer.',
      type: 'final',
    },
    failed: {
      description: 'The address cannot be had.',
      type: 'final',
      entry: ['tellFailed', { type: 'release', params: ({ context }) => ({ id: context.id }) }],
    },
  },
})
