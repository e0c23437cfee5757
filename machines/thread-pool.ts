import { type DoneActorEvent, type ErrorActorEvent, setup, stopChild } from 'xstate'
import { effect } from './effect.ts'
import { type LaneNumber, type LaneOutput, laneMachine } from './lane.ts'
import { freshWindow } from './restart-window.ts'
import * as rules from './thread-pool-rules.ts'
import { type PoolContext, type PoolInput, rowsOf, rule } from './thread-pool-rules.ts'
import type { Note } from './vocabulary.ts'

export type PoolEvent =
  | { type: 'open' }
  | { type: 'close'; reason: string }
  /** Every thread is busy and a request waits, or no longer. */
  | { type: 'pressure'; isSaturated: boolean }
  | { type: 'lane.ready'; lane: LaneNumber }
  | { type: 'lane.leaving'; lane: LaneNumber; phase: 'draining' | 'killing' }
  | { type: 'lane.condemned'; lane: LaneNumber; problem: string }
  | { type: 'lane.overdue'; lane: LaneNumber; blockedMs: number }
  /** End a thread at once: what it does is not wanted any more. */
  | { type: 'lane.kill'; lane: LaneNumber; reason: string }
  | { type: 'lane.recycle'; lane: LaneNumber; reason: string }
  | { type: 'lane.idle'; lane: LaneNumber }
  | { type: 'refill' }
  | DoneActorEvent<LaneOutput, `lane.${string}`>
  | ErrorActorEvent<unknown, `lane.${string}`>

export const threadPoolMachine = setup({
  types: {
    input: {} as PoolInput,
    context: {} as PoolContext,
    events: {} as PoolEvent,
    tags: {} as 'takes-traffic',
  },
  actors: { lane: laneMachine },
  actions: {
    note: effect<Note>('note'),
    /** Enough threads are ready for the worker to take traffic. */
    tellOpen: effect('tellOpen'),
    /** A thread could not get ready while the pool opened. */
    tellFailed: effect<{ problem: string }>('tellFailed'),
    tellClosed: effect('tellClosed'),
    /** Only the end of the process ends what is stuck in it. */
    wantSuccessor: effect<{ reason: string }>('wantSuccessor'),
    openAll: rule(rules.openAll),
    grow: rule(rules.grow),
    keepReady: rule(rules.keepReady),
    keepLeaving: rule(rules.keepLeaving),
    keepCondemned: rule(rules.keepCondemned),
    condemn: rule(rules.condemn),
    abandon: rule(rules.abandon),
    drop: rule(rules.drop),
    letGo: rule(rules.letGo),
    replaceDead: rule(rules.replaceDead),
    refill: rule(rules.refill),
    recycle: rule(rules.recycle),
    retire: rule(rules.retire),
    tellOne: rule(rules.tellOne),
    retireAll: rule(rules.retireAll),
    killAll: rule(rules.killAll),
  },
  guards: {
    isEnough: ({ context }) => rules.readyOf(context).length >= context.min,
    isGrowable: ({ context }) => rules.isGrowable(context),
    isSaturated: (_, p: { isSaturated: boolean }) => p.isSaturated,
    isRelieved: (_, p: { isSaturated: boolean }) => !p.isSaturated,
    isSpare: ({ context }, p: { lane: LaneNumber }) => rules.isReady(context, p.lane) && rules.readyOf(context).length > context.min,
    /** It serves, and is not known to be worn. */
    isReplaceable: ({ context }, p: { lane: LaneNumber }) => rules.isReady(context, p.lane) && context.lanes[p.lane]?.isWorn === false,
    /** Its chart listens, and the thread may still be ended. */
    isThere: ({ context }, p: { lane: LaneNumber }) => context.lanes[p.lane]?.isCondemned === false,
    isAsked: (_, p: LaneOutput) => p.ending === 'as-asked',
    /** Those that are condemned go with the process, and not before. */
    isOver: ({ context }) => rowsOf(context).every(({ isCondemned }) => isCondemned),
  },
  delays: {
    /** Each thread has its grace; this is for one whose chart is lost. */
    closePatience: ({ context }) => Math.min(2 ** 31 - 1, context.graceMs + 6_000),
  },
}).createMachine({
  id: 'thread-pool',
  description: 'The threads of one worker: as many as are wanted, each with the app loaded.',
  context: ({ input }) => ({ ...input, lanes: {}, window: freshWindow, waiting: 0 }),
  options: { maxIterations: 1_000 },
  on: {
    'lane.ready': { actions: { type: 'keepReady', params: ({ event }) => event } },
    'lane.leaving': { actions: { type: 'keepLeaving', params: ({ event }) => event } },
    'lane.condemned': {
      actions: [
        { type: 'condemn', params: ({ event }) => event },
        { type: 'wantSuccessor', params: { reason: 'a thread is stuck in native code' } },
      ],
    },
    'lane.overdue': {
      guard: { type: 'isThere', params: ({ event }) => event },
      actions: { type: 'tellOne', params: ({ event }) => ({ lane: event.lane, event: { type: 'overdue', blockedMs: event.blockedMs } }) },
    },
    'lane.kill': {
      guard: { type: 'isThere', params: ({ event }) => event },
      actions: { type: 'tellOne', params: ({ event }) => ({ lane: event.lane, event: { type: 'kill', reason: event.reason } }) },
    },
    'xstate.done.actor.lane.*': [
      {
        guard: { type: 'isAsked', params: ({ event }) => event.output },
        actions: [stopChild(({ event }) => event.actorId), { type: 'letGo', params: ({ event }) => event.output }],
      },
      { actions: [stopChild(({ event }) => event.actorId), { type: 'replaceDead', params: ({ event }) => event.output }] },
    ],
    // A chart that breaks is a bug of ours; unhandled, its error would end the whole worker.
    'xstate.error.actor.lane.*': {
      actions: [
        stopChild(({ event }) => event.actorId),
        { type: 'abandon', params: ({ event }) => event },
        { type: 'wantSuccessor', params: { reason: 'the chart of a thread broke' } },
      ],
    },
  },
  initial: 'closed',
  states: {
    closed: {
      description: 'No thread runs.',
      on: {
        open: 'opening',
        close: { actions: 'tellClosed' },
        // One that was condemned has ended after all.
        'xstate.done.actor.lane.*': {
          actions: [stopChild(({ event }) => event.actorId), { type: 'drop', params: ({ event }) => event.output }],
        },
      },
    },
    opening: {
      description: 'The first threads start and load the app.',
      entry: 'openAll',
      always: { guard: 'isEnough', target: 'open', actions: 'tellOpen' },
      on: {
        // The worker cannot get ready without its app; it says so and ends.
        'xstate.done.actor.lane.*': {
          target: 'closing',
          actions: [
            stopChild(({ event }) => event.actorId),
            { type: 'drop', params: ({ event }) => event.output },
            { type: 'tellFailed', params: ({ event }) => ({ problem: event.output.problem }) },
          ],
        },
        'lane.condemned': {
          target: 'closing',
          actions: [
            { type: 'keepCondemned', params: ({ event }) => event },
            { type: 'tellFailed', params: ({ event }) => event },
          ],
        },
        'xstate.error.actor.lane.*': {
          target: 'closing',
          actions: [
            stopChild(({ event }) => event.actorId),
            { type: 'abandon', params: ({ event }) => event },
            { type: 'tellFailed', params: ({ event }) => ({ problem: String(event.error) }) },
          ],
        },
        close: 'closing',
      },
    },
    open: {
      description: 'A thread is free, or nobody waits for one.',
      tags: 'takes-traffic',
      on: {
        pressure: { guard: { type: 'isSaturated', params: ({ event }) => event }, target: 'saturated' },
        'lane.idle': {
          guard: { type: 'isSpare', params: ({ event }) => event },
          actions: { type: 'retire', params: ({ event }) => ({ lane: event.lane, reason: 'idle' }) },
        },
        'lane.recycle': {
          guard: { type: 'isReplaceable', params: ({ event }) => event },
          actions: { type: 'recycle', params: ({ event }) => event },
        },
        refill: { actions: 'refill' },
        close: 'closing',
      },
    },
    saturated: {
      description: 'Every thread is busy and requests wait; another is started as long as there may be one more.',
      tags: 'takes-traffic',
      always: { guard: 'isGrowable', actions: 'grow' },
      on: {
        pressure: { guard: { type: 'isRelieved', params: ({ event }) => event }, target: 'open' },
        'lane.recycle': {
          guard: { type: 'isReplaceable', params: ({ event }) => event },
          actions: { type: 'recycle', params: ({ event }) => event },
        },
        refill: { actions: 'refill' },
        close: 'closing',
      },
    },
    closing: {
      description: 'Every thread finishes what it has and ends.',
      entry: { type: 'retireAll', params: { reason: 'stop' } },
      always: { guard: 'isOver', target: 'closed', actions: 'tellClosed' },
      on: {
        // Ready too late to be wanted.
        'lane.ready': {
          actions: [
            { type: 'keepReady', params: ({ event }) => event },
            { type: 'retire', params: ({ event }) => ({ lane: event.lane, reason: 'stop' }) },
          ],
        },
        'lane.condemned': { actions: { type: 'keepCondemned', params: ({ event }) => event } },
        'xstate.done.actor.lane.*': {
          actions: [stopChild(({ event }) => event.actorId), { type: 'drop', params: ({ event }) => event.output }],
        },
      },
      after: { closePatience: { actions: 'killAll' } },
    },
  },
})
