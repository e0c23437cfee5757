import { assign, enqueueActions, sendParent, setup } from 'xstate'
import type { Slot } from './vocabulary.ts'

export interface RollingInput {
  readonly slots: readonly Slot[]
  /** How many slots may be without a worker that takes traffic; 0 = the old serve until all the new are ready. */
  readonly unavailableMax: number
}

export interface RollingContext extends RollingInput {
  readonly waiting: readonly Slot[]
  readonly booting: readonly Slot[]
  readonly ready: readonly Slot[]
  readonly problem: string | null
}

export type RollingEvent = { type: 'worker.ready'; slot: Slot } | { type: 'worker.failed'; slot: Slot; problem: string }

export type RollingOutput = { readonly ok: true } | { readonly ok: false; readonly problem: string }

export const rollingMachine = setup({
  types: {
    input: {} as RollingInput,
    context: {} as RollingContext,
    events: {} as RollingEvent,
    output: {} as RollingOutput,
  },
  actions: {
    keepReady: assign({
      booting: ({ context }, p: { slot: Slot }) => context.booting.filter((slot) => slot !== p.slot),
      ready: ({ context }, p) => [...context.ready, p.slot],
    }),
    keepProblem: assign({ problem: (_, p: { problem: string }) => p.problem }),
    /** With room for absences the old of a batch leave first, which saves their memory; with none they stay. */
    startBatch: enqueueActions(({ context, enqueue }) => {
      const batch = context.waiting.slice(0, Math.max(1, context.unavailableMax))
      if (context.unavailableMax > 0) for (const slot of batch) enqueue(sendParent({ type: 'roll.retire', slot }))
      for (const slot of batch) enqueue(sendParent({ type: 'roll.spawn', slot }))
      enqueue.assign({ waiting: context.waiting.slice(batch.length), booting: batch })
    }),
  },
  guards: {
    isWaitedFor: ({ context }, p: { slot: Slot }) => context.booting.includes(p.slot),
    isRolling: ({ context }, p: { slot: Slot }) => context.booting.includes(p.slot) || context.ready.includes(p.slot),
    isLastOfBatch: ({ context }, p: { slot: Slot }) => context.booting.length === 1 && context.booting[0] === p.slot,
    isAllReady: ({ context }) => context.waiting.length === 0,
  },
}).createMachine({
  id: 'rolling',
  description: 'Replacement of one generation by the next, slot by slot: the new are ready before the old are asked to go.',
  context: ({ input }) => ({ ...input, waiting: input.slots, booting: [], ready: [], problem: null }),
  output: ({ context }) => (context.problem === null ? { ok: true } : { ok: false, problem: context.problem }),
  options: { maxIterations: 1_000 },
  initial: 'starting',
  states: {
    starting: {
      description: 'The next slots get their new worker, or none is left.',
      always: [
        { guard: 'isAllReady', target: 'committed' },
        { target: 'booting', actions: 'startBatch' },
      ],
    },
    booting: {
      description: 'New workers are booting beside the old ones.',
      on: {
        'worker.ready': [
          {
            guard: { type: 'isLastOfBatch', params: ({ event }) => ({ slot: event.slot }) },
            target: 'starting',
            actions: { type: 'keepReady', params: ({ event }) => ({ slot: event.slot }) },
          },
          {
            guard: { type: 'isWaitedFor', params: ({ event }) => ({ slot: event.slot }) },
            actions: { type: 'keepReady', params: ({ event }) => ({ slot: event.slot }) },
          },
        ],
        'worker.failed': {
          guard: { type: 'isRolling', params: ({ event }) => ({ slot: event.slot }) },
          target: 'rolledBack',
          actions: { type: 'keepProblem', params: ({ event }) => ({ problem: event.problem }) },
        },
      },
    },
    committed: { description: 'All new workers are ready; the old ones may go.', type: 'final' },
    rolledBack: { description: 'The attempt is given up; the old ones serve on.', type: 'final' },
  },
})
