import { assign, setup } from 'xstate'
import { effect, work } from './effect.ts'
import type { Note } from './vocabulary.ts'

/** Why a worker cannot get ready, or ends unasked, as it tells the arbiter, and the code it exits with. */
export interface BootFailure {
  readonly exitCode: number
  readonly error: unknown
}

export interface Drain {
  readonly graceMs: number
  readonly isQuick: boolean
  readonly reason: string
}

export interface WorkerContext {
  readonly drain: Drain
  readonly failure: BootFailure | null
}

export type WorkerEvent =
  | ({ type: 'drain' } & Drain)
  /** A job has failed after it was ready, or has nothing left to do. */
  | ({ type: 'end'; failure: BootFailure } & Drain)

const toFailure = (error: unknown): BootFailure => {
  const exitCode = (error as { exitCode?: unknown } | null)?.exitCode
  return { exitCode: typeof exitCode === 'number' ? exitCode : 3, error }
}

export const workerMachine = setup({
  types: {
    context: {} as WorkerContext,
    events: {} as WorkerEvent,
    output: {} as { readonly failure: BootFailure | null },
    tags: {} as 'takes-traffic',
  },
  actors: {
    load: work<void>('load'),
    startUp: work<void>('startUp'),
    open: work<void>('open'),
    finish: work<void, Drain>('finish'),
    shutDown: work<void, Drain>('shutDown'),
  },
  actions: {
    note: effect<Note>('note'),
    tellReady: effect('tellReady'),
    tellFailed: effect<BootFailure>('tellFailed'),
    leaveAcceptSet: effect('leaveAcceptSet'),
    /** A drain that comes while the first is under way, with less patience. */
    hasten: effect<Drain>('hasten'),
    keepDrain: assign({ drain: (_, p: Drain) => ({ graceMs: p.graceMs, isQuick: p.isQuick, reason: p.reason }) }),
    /** Orders may come in any order, from the arbiter and by signal: the least patient one counts. */
    keepHaste: assign({
      drain: ({ context: { drain } }, p: Drain) => ({
        graceMs: Math.min(drain.graceMs, p.graceMs),
        isQuick: drain.isQuick || p.isQuick,
        reason: drain.reason,
      }),
    }),
    keepFailure: assign({ failure: (_, p: BootFailure) => p }),
  },
}).createMachine({
  id: 'worker',
  description: 'The life inside a worker process.',
  context: { drain: { graceMs: 0, isQuick: false, reason: '' }, failure: null },
  output: ({ context }) => ({ failure: context.failure }),
  options: { maxIterations: 1_000 },
  initial: 'booting',
  states: {
    booting: {
      description: 'It takes no traffic yet.',
      initial: 'loading',
      on: { drain: 'gone' },
      states: {
        loading: {
          description: 'The app is imported.',
          invoke: {
            src: 'load',
            onDone: 'starting',
            onError: { target: '#worker.failed', actions: { type: 'keepFailure', params: ({ event }) => toFailure(event.error) } },
          },
        },
        starting: {
          description: 'The app’s onStartup runs.',
          invoke: {
            src: 'startUp',
            onDone: 'opening',
            onError: { target: '#worker.failed', actions: { type: 'keepFailure', params: ({ event }) => toFailure(event.error) } },
          },
        },
        opening: {
          description: 'It joins the accept set of every listener.',
          invoke: {
            src: 'open',
            onDone: '#worker.ready',
            onError: { target: '#worker.failed', actions: { type: 'keepFailure', params: ({ event }) => toFailure(event.error) } },
          },
        },
      },
    },
    ready: {
      description: 'It takes traffic.',
      tags: 'takes-traffic',
      entry: 'tellReady',
      on: {
        drain: { target: 'draining', actions: { type: 'keepDrain', params: ({ event }) => event } },
        end: {
          target: 'draining',
          actions: [
            { type: 'keepDrain', params: ({ event }) => event },
            { type: 'keepFailure', params: ({ event }) => event.failure },
          ],
        },
      },
    },
    draining: {
      description: 'Graceful shutdown.',
      entry: 'leaveAcceptSet',
      initial: 'finishing',
      on: {
        drain: {
          actions: [
            { type: 'keepHaste', params: ({ event }) => event },
            { type: 'hasten', params: ({ context }) => context.drain },
          ],
        },
      },
      states: {
        finishing: {
          description: 'Requests that have begun are finished; connections close when they are idle.',
          invoke: {
            src: 'finish',
            input: ({ context }) => context.drain,
            onDone: 'closing',
            onError: {
              target: 'closing',
              actions: { type: 'note', params: ({ event }) => ({ event: 'worker.drain-failed', facts: { problem: String(event.error) } }) },
            },
          },
        },
        closing: {
          description: 'The app’s onShutdown and its own signal handlers run.',
          invoke: {
            src: 'shutDown',
            input: ({ context }) => context.drain,
            onDone: '#worker.gone',
            onError: {
              target: '#worker.gone',
              actions: {
                type: 'note',
                params: ({ event }) => ({ event: 'worker.shutdown-failed', facts: { problem: String(event.error) } }),
              },
            },
          },
        },
      },
    },
    failed: {
      description: 'It could not get ready; the arbiter is told why before the process exits.',
      type: 'final',
      entry: { type: 'tellFailed', params: ({ context }) => context.failure ?? { exitCode: 3, error: undefined } },
    },
    gone: { description: 'The process exits.', type: 'final' },
  },
})
