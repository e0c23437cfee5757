import { assign, type DoneActorEvent, type ErrorActorEvent, setup, stopChild } from 'xstate'
import { rule } from './arbiter-orders.ts'
import * as rules from './arbiter-rules.ts'
import { type ArbiterContext, type Candidate, type GenerationFacts, type ListenerOrder, rowsOf, type ScaleWish } from './arbiter-rules.ts'
import { effect, work } from './effect.ts'
import { listenerMachine } from './listener.ts'
import { freshWindow } from './restart-window.ts'
import { type RollingOutput, rollingMachine } from './rolling.ts'
import type { Age, Generation, Note, Slot } from './vocabulary.ts'
import { type HandleOutput, workerHandleMachine } from './worker-handle.ts'

export interface ArbiterInput {
  readonly first: GenerationFacts
  readonly listeners: readonly ListenerOrder[]
}

export type LoadAnswer = { readonly ok: true; readonly candidate: Candidate } | { readonly ok: false; readonly problem: string }

export type ArbiterEvent =
  | { type: 'reload' }
  | ({ type: 'scale' } & ScaleWish)
  | { type: 'stop'; reason: string; isQuick: boolean }
  | { type: 'force' }
  | { type: 'listener.wanted'; id: string; address: string }
  | { type: 'listener.unwanted'; id: string }
  | { type: 'listener.bound'; id: string }
  | { type: 'listener.failed'; id: string; problem: string }
  | { type: 'handle.ready'; slot: Slot; age: Age }
  | { type: 'handle.recycle'; slot: Slot; age: Age }
  /** It may do no more work, and is to go. */
  | { type: 'worker.spent'; age: Age }
  | { type: 'handle.leaving'; slot: Slot; age: Age; problem: string | null; atMs: number; dice: number }
  | { type: 'roll.spawn'; slot: Slot }
  | { type: 'roll.retire'; slot: Slot }
  | { type: 'slot.refill'; slot: Slot }
  | { type: 'boot.overdue' }
  | { type: 'restart'; ages: readonly Age[] }
  | { type: 'drain'; age: Age }
  | DoneActorEvent<HandleOutput, `worker.${number}`>
  | DoneActorEvent<RollingOutput, `rolling.${number}`>
  | DoneActorEvent<unknown, `listener.${string}`>
  | ErrorActorEvent<unknown, `worker.${number}`>
  | ErrorActorEvent<unknown, `listener.${string}`>

export type ArbiterOutput = { readonly exitCode: number; readonly reason: string }

const leftByItself = (p: { slot: Slot; problem: string | null; atMs: number; dice: number }) => ({
  slot: p.slot,
  atMs: p.atMs,
  dice: p.dice,
  wasReady: true,
  problem: p.problem ?? 'somebody else told it to leave',
})
const exitCodeOf = (error: unknown): number => {
  const exitCode = (error as { exitCode?: unknown } | null)?.exitCode
  return typeof exitCode === 'number' ? exitCode : 1
}
const reasonOf = (error: unknown) => (error instanceof Error ? error.message : String(error))
const noneReady = 'no worker became ready'
/** Only the end tells the cause once more: each worker has told its own when it failed. */
const endedBy = ({ stop: { reason }, bootFailure }: ArbiterContext) =>
  reason === noneReady && bootFailure !== null ? `${reason}: ${bootFailure.problem}` : reason

export const arbiterMachine = setup({
  types: {
    input: {} as ArbiterInput,
    context: {} as ArbiterContext,
    events: {} as ArbiterEvent,
    output: {} as ArbiterOutput,
    tags: {} as 'takes-traffic' | 'ends',
  },
  actors: {
    prepare: work<void>('prepare'),
    loadConfig: work<LoadAnswer>('loadConfig'),
    workerHandle: workerHandleMachine,
    listener: listenerMachine,
    rolling: rollingMachine,
  },
  actions: {
    note: effect<Note>('note'),
    letGo: effect<{ age: Age }>('letGo'),
    announceReady: effect('announceReady'),
    announceScale: effect<{ from: number; to: number }>('announceScale'),
    announceCommit: effect<{ generation: Generation; workers: number }>('announceCommit'),
    announceRollback: effect<{ problem: string }>('announceRollback'),
    openListeners: rule(rules.openListeners),
    closeListeners: rule(rules.closeListeners),
    keepBound: rule(rules.keepBound),
    forgetListener: rule(rules.forgetListener),
    fillSlots: rule(rules.fillSlots),
    fitSlots: rule(rules.fitSlots),
    keepReady: rule(rules.keepReady),
    replace: rule(rules.replace),
    retireSpent: rule(rules.retireSpent),
    wantSpares: rule(rules.wantSpares),
    mend: rule(rules.mend),
    keepLeaving: rule(rules.keepLeaving),
    dropWorker: rule(rules.dropWorker),
    dropBroken: rule(rules.dropBroken),
    keepBootFailure: rule(rules.keepBootFailure),
    restart: rule(rules.restart),
    refill: rule(rules.refill),
    scale: rule(rules.scale),
    restartWorkers: rule(rules.restartWorkers),
    drainWorker: rule(rules.drainWorker),
    keepCandidate: rule(rules.keepCandidate),
    startRolling: rule(rules.startRolling),
    spawnCandidate: rule(rules.spawnCandidate),
    retireOldOf: rule(rules.retireOldOf),
    tellRollingReady: rule(rules.tellRollingReady),
    tellRolling: rule(rules.tellRolling),
    commit: rule(rules.commit),
    rollBack: rule(rules.rollBack),
    stopAll: rule(rules.stopAll),
    killAll: rule(rules.killAll),
    keepReloadPending: assign({ isReloadPending: true, scaledBy: 0, scaledTo: null }),
    beginReload: assign({ isReloadPending: false }),
    keepStop: assign({ stop: (_, p: { reason: string; isQuick: boolean }) => ({ reason: p.reason, isQuick: p.isQuick }) }),
    keepExit: assign({ exitCode: (_, p: { exitCode: number }) => p.exitCode }),
  },
  guards: {
    isAllBound: ({ context }) => (context.candidate?.opens ?? context.opens).every(({ id }) => context.listeners[id] === 'bound'),
    isToBeOpened: ({ context }, p: { id: string }) => context.candidate?.opens.some(({ id }) => id === p.id) === true,
    isFilled: ({ context }) => (context.target === 0 || context.hasServed) && rowsOf(context).every((row) => row.phase !== 'booting'),
    isHopeless: ({ context }) =>
      !context.hasServed && context.bootFailure !== null && rowsOf(context).every((row) => row.phase !== 'booting'),
    hasNeverServed: ({ context }) => !context.hasServed,
    isEmpty: ({ context }) => rowsOf(context).length === 0,
    isReloadPending: ({ context }) => context.isReloadPending,
    isAnswerOk: (_, p: { answer: LoadAnswer }) => p.answer.ok,
    isRolledOut: (_, p: { output: RollingOutput }) => p.output.ok,
    isLeaving: ({ context }, p: { age: Age }) => context.workers[p.age]?.phase === 'leaving',
    isOfCandidate: ({ context }, p: { age: Age }) =>
      context.candidate !== null && context.workers[p.age]?.generation === context.candidate.generation,
    isQuick: (_, p: { isQuick: boolean }) => p.isQuick,
  },
  delays: {
    /** A configuration is code, and may hang like an app. */
    loadTimeout: ({ context }) => context.facts.bootTimeoutMs,
  },
}).createMachine({
  id: 'arbiter',
  description: 'The process that owns the sockets and supervises the workers. It never reads a request.',
  context: ({ input }) => ({
    facts: input.first,
    target: input.first.workers,
    spares: 0,
    candidate: null,
    scaledBy: 0,
    scaledTo: null,
    nextAge: 1,
    workers: {},
    listeners: {},
    opens: input.listeners,
    hasServed: false,
    bootFailure: null,
    window: freshWindow,
    refills: [],
    isReloadPending: false,
    stop: { reason: '', isQuick: false },
    exitCode: 0,
  }),
  output: ({ context }) => ({ exitCode: context.exitCode, reason: endedBy(context) }),
  options: { maxIterations: 1_000 },
  initial: 'booting',
  on: {
    'listener.wanted': {
      actions: { type: 'openListeners', params: ({ event }) => ({ listeners: [{ id: event.id, address: event.address }] }) },
    },
    'listener.unwanted': { actions: { type: 'closeListeners', params: ({ event }) => ({ ids: [event.id] }) } },
    'listener.bound': { actions: { type: 'keepBound', params: ({ event }) => ({ id: event.id }) } },
    'listener.failed': { actions: { type: 'forgetListener', params: ({ event }) => ({ id: event.id }) } },
    'xstate.done.actor.listener.*': { actions: stopChild(({ event }) => event.actorId) },
    // A chart that breaks is a bug of ours; unhandled, its error would end the whole service.
    'xstate.error.actor.listener.*': {
      actions: [
        stopChild(({ event }) => event.actorId),
        { type: 'forgetListener', params: ({ event }) => ({ id: event.actorId.slice('listener.'.length) }) },
        { type: 'note', params: ({ event }) => ({ event: 'chart.failed', facts: { problem: reasonOf(event.error) } }) },
      ],
    },
    'xstate.error.actor.worker.*': {
      actions: [
        stopChild(({ event }) => event.actorId),
        { type: 'dropBroken', params: ({ event }) => ({ actorId: event.actorId }) },
        { type: 'note', params: ({ event }) => ({ event: 'chart.failed', facts: { problem: reasonOf(event.error) } }) },
      ],
    },
  },
  states: {
    booting: {
      description: 'It binds and starts its first workers.',
      initial: 'preparing',
      on: {
        stop: { target: 'draining', actions: { type: 'keepStop', params: ({ event }) => event } },
        force: { target: 'killing' },
        reload: { actions: 'keepReloadPending' },
        scale: { actions: { type: 'scale', params: ({ event }) => event } },
      },
      states: {
        preparing: {
          description: 'The pid file is written and the onStarting hook runs.',
          invoke: {
            src: 'prepare',
            onDone: { target: 'opening' },
            onError: {
              target: '#arbiter.draining',
              actions: [
                { type: 'keepExit', params: ({ event }) => ({ exitCode: exitCodeOf(event.error) }) },
                { type: 'keepStop', params: ({ event }) => ({ reason: reasonOf(event.error), isQuick: true }) },
              ],
            },
          },
        },
        opening: {
          description: 'The listening sockets are bound.',
          entry: { type: 'openListeners', params: ({ context }) => ({ listeners: context.opens }) },
          always: { guard: 'isAllBound', target: 'filling' },
          on: {
            'listener.failed': {
              target: '#arbiter.draining',
              actions: [
                { type: 'forgetListener', params: ({ event }) => ({ id: event.id }) },
                { type: 'keepExit', params: { exitCode: 1 } },
                { type: 'keepStop', params: ({ event }) => ({ reason: event.problem, isQuick: true }) },
              ],
            },
          },
        },
        filling: {
          description: 'The first workers boot; nothing has served yet.',
          entry: 'fillSlots',
          always: [
            { guard: 'isFilled', target: '#arbiter.ready' },
            {
              guard: 'isHopeless',
              target: '#arbiter.draining',
              actions: [
                { type: 'keepExit', params: ({ context }) => ({ exitCode: context.bootFailure?.exitCode ?? 3 }) },
                { type: 'keepStop', params: { reason: noneReady, isQuick: true } },
              ],
            },
          ],
          on: {
            'handle.ready': { actions: [{ type: 'keepReady', params: ({ event }) => ({ age: event.age }) }, 'fillSlots'] },
            scale: { actions: [{ type: 'scale', params: ({ event }) => event }, 'fitSlots'] },
            'handle.recycle': { actions: { type: 'replace', params: ({ event }) => ({ age: event.age }) } },
            'worker.spent': { actions: { type: 'retireSpent', params: ({ event }) => ({ age: event.age }) } },
            'handle.leaving': {
              actions: [
                { type: 'keepLeaving', params: ({ event }) => ({ age: event.age }) },
                { type: 'restart', params: ({ event }) => leftByItself(event) },
              ],
            },
            'slot.refill': { actions: { type: 'refill', params: ({ event }) => ({ slot: event.slot }) } },
            'listener.failed': {
              target: '#arbiter.draining',
              guard: 'hasNeverServed',
              actions: [
                { type: 'forgetListener', params: ({ event }) => ({ id: event.id }) },
                { type: 'keepExit', params: { exitCode: 1 } },
                { type: 'keepStop', params: ({ event }) => ({ reason: event.problem, isQuick: true }) },
              ],
            },
            'boot.overdue': {
              guard: 'hasNeverServed',
              target: '#arbiter.draining',
              actions: [
                { type: 'keepExit', params: ({ context }) => ({ exitCode: context.bootFailure?.exitCode ?? 3 }) },
                { type: 'keepStop', params: { reason: noneReady, isQuick: true } },
              ],
            },
            'xstate.done.actor.worker.*': [
              {
                guard: { type: 'isLeaving', params: ({ event }) => ({ age: event.output.age }) },
                actions: [
                  stopChild(({ event }) => event.actorId),
                  { type: 'dropWorker', params: ({ event }) => ({ age: event.output.age }) },
                ],
              },
              {
                guard: 'hasNeverServed',
                actions: [
                  stopChild(({ event }) => event.actorId),
                  { type: 'dropWorker', params: ({ event }) => ({ age: event.output.age }) },
                  { type: 'keepBootFailure', params: ({ event }) => ({ exitCode: event.output.exitCode, problem: event.output.problem }) },
                ],
              },
              {
                actions: [stopChild(({ event }) => event.actorId), { type: 'mend', params: ({ event }) => event.output }],
              },
            ],
          },
        },
      },
    },
    ready: {
      description: 'Workers take traffic; deaths are mended.',
      tags: 'takes-traffic',
      entry: ['announceReady', 'wantSpares'],
      initial: 'steady',
      on: {
        restart: { actions: { type: 'restartWorkers', params: ({ event }) => ({ ages: event.ages }) } },
        drain: { actions: { type: 'drainWorker', params: ({ event }) => ({ age: event.age }) } },
        stop: { target: 'draining', actions: { type: 'keepStop', params: ({ event }) => event } },
        force: { target: 'killing' },
        scale: { actions: [{ type: 'scale', params: ({ event }) => event }, 'fitSlots'] },
        'slot.refill': { actions: { type: 'refill', params: ({ event }) => ({ slot: event.slot }) } },
        'handle.ready': {
          actions: { type: 'keepReady', params: ({ event }) => ({ age: event.age }) },
        },
        'handle.recycle': { actions: { type: 'replace', params: ({ event }) => ({ age: event.age }) } },
        'worker.spent': { actions: { type: 'retireSpent', params: ({ event }) => ({ age: event.age }) } },
        'handle.leaving': [
          {
            guard: { type: 'isOfCandidate', params: ({ event }) => ({ age: event.age }) },
            actions: [
              { type: 'keepLeaving', params: ({ event }) => ({ age: event.age }) },
              { type: 'tellRolling', params: ({ event }) => ({ event: { type: 'worker.failed', ...leftByItself(event) } }) },
            ],
          },
          {
            actions: [
              { type: 'keepLeaving', params: ({ event }) => ({ age: event.age }) },
              { type: 'restart', params: ({ event }) => leftByItself(event) },
            ],
          },
        ],
        'xstate.done.actor.worker.*': [
          {
            guard: { type: 'isLeaving', params: ({ event }) => ({ age: event.output.age }) },
            actions: [stopChild(({ event }) => event.actorId), { type: 'dropWorker', params: ({ event }) => ({ age: event.output.age }) }],
          },
          {
            guard: { type: 'isOfCandidate', params: ({ event }) => ({ age: event.output.age }) },
            actions: [
              stopChild(({ event }) => event.actorId),
              { type: 'dropWorker', params: ({ event }) => ({ age: event.output.age }) },
              {
                type: 'tellRolling',
                params: ({ event }) => ({ event: { type: 'worker.failed', slot: event.output.slot, problem: event.output.problem } }),
              },
            ],
          },
          {
            actions: [stopChild(({ event }) => event.actorId), { type: 'mend', params: ({ event }) => event.output }],
          },
        ],
      },
      states: {
        steady: {
          description: 'One generation serves.',
          always: { guard: 'isReloadPending', target: 'reloading' },
          on: { reload: { actions: 'keepReloadPending' } },
        },
        reloading: {
          description: 'The next generation gets ready while the present one serves.',
          entry: ['beginReload', { type: 'note', params: { event: 'reload.started' } }],
          initial: 'loading',
          on: {
            // The newest configuration wins: the attempt under way is rolled back and the next begins.
            reload: {
              target: 'steady',
              actions: ['keepReloadPending', { type: 'rollBack', params: { problem: 'a newer reload was asked for' } }],
            },
          },
          states: {
            loading: {
              description: 'The configuration is read again and validated.',
              after: {
                loadTimeout: {
                  target: '#arbiter.ready.steady',
                  actions: {
                    type: 'rollBack',
                    params: { problem: 'the configuration was not read, or the dirty pool not ready, within boot_timeout' },
                  },
                },
              },
              invoke: {
                src: 'loadConfig',
                onDone: [
                  {
                    guard: { type: 'isAnswerOk', params: ({ event }) => ({ answer: event.output }) },
                    target: 'binding',
                    actions: {
                      type: 'keepCandidate',
                      params: ({ event }) => ({ candidate: (event.output as { candidate: Candidate }).candidate }),
                    },
                  },
                  {
                    target: '#arbiter.ready.steady',
                    actions: { type: 'rollBack', params: ({ event }) => ({ problem: event.output.ok ? '' : event.output.problem }) },
                  },
                ],
                onError: {
                  target: '#arbiter.ready.steady',
                  actions: { type: 'rollBack', params: ({ event }) => ({ problem: reasonOf(event.error) }) },
                },
              },
            },
            binding: {
              description: 'Addresses that the new configuration adds are bound.',
              entry: { type: 'openListeners', params: ({ context }) => ({ listeners: context.candidate?.opens ?? [] }) },
              always: { guard: 'isAllBound', target: 'rolling' },
              on: {
                'listener.failed': {
                  guard: { type: 'isToBeOpened', params: ({ event }) => ({ id: event.id }) },
                  target: '#arbiter.ready.steady',
                  actions: [
                    { type: 'forgetListener', params: ({ event }) => ({ id: event.id }) },
                    { type: 'rollBack', params: ({ event }) => ({ problem: event.problem }) },
                  ],
                },
              },
            },
            rolling: {
              description: 'New workers boot slot by slot.',
              entry: 'startRolling',
              on: {
                'roll.spawn': { actions: { type: 'spawnCandidate', params: ({ event }) => ({ slot: event.slot }) } },
                'roll.retire': { actions: { type: 'retireOldOf', params: ({ event }) => ({ slot: event.slot }) } },
                'handle.ready': {
                  actions: [
                    { type: 'keepReady', params: ({ event }) => ({ age: event.age }) },
                    { type: 'tellRollingReady', params: ({ event }) => event },
                  ],
                },
                'xstate.done.actor.rolling.*': [
                  {
                    guard: { type: 'isRolledOut', params: ({ event }) => ({ output: event.output }) },
                    target: '#arbiter.ready.steady',
                    actions: [stopChild(({ event }) => event.actorId), 'commit'],
                  },
                  {
                    target: '#arbiter.ready.steady',
                    actions: [
                      stopChild(({ event }) => event.actorId),
                      { type: 'rollBack', params: ({ event }) => ({ problem: event.output.ok ? '' : event.output.problem }) },
                    ],
                  },
                ],
              },
            },
          },
        },
      },
    },
    draining: {
      description: 'Graceful shutdown: the arbiter holds no listener any more and every worker finishes what it has begun.',
      tags: 'ends',
      entry: [
        { type: 'note', params: ({ context }) => ({ event: 'arbiter.stopping', facts: { reason: context.stop.reason } }) },
        'stopAll',
        { type: 'closeListeners', params: { ids: 'all' } },
      ],
      always: { guard: 'isEmpty', target: 'stopped' },
      on: {
        stop: {
          guard: { type: 'isQuick', params: ({ event }) => ({ isQuick: event.isQuick }) },
          actions: [{ type: 'keepStop', params: ({ event }) => event }, 'stopAll'],
        },
        force: { target: 'killing' },
        'listener.wanted': {}, // who is about to go gets no new listener
        'xstate.done.actor.worker.*': {
          actions: [stopChild(({ event }) => event.actorId), { type: 'dropWorker', params: ({ event }) => ({ age: event.output.age }) }],
        },
      },
    },
    killing: {
      description: 'Told twice to stop: every worker is killed.',
      tags: 'ends',
      entry: ['killAll', { type: 'closeListeners', params: { ids: 'all' } }],
      always: { guard: 'isEmpty', target: 'stopped' },
      on: {
        'listener.wanted': {},
        'xstate.done.actor.worker.*': {
          actions: [stopChild(({ event }) => event.actorId), { type: 'dropWorker', params: ({ event }) => ({ age: event.output.age }) }],
        },
      },
    },
    stopped: { description: 'No child is left.', tags: 'ends', type: 'final' },
  },
})
