/**
 * What the arbiter decides, as pure functions from its context to what changes and what is ordered. The chart
 * (`arbiter.ts`) says when each rule applies, and `arbiter-orders.ts` has what an order is to XState.
 */
import type { EventObject } from 'xstate'
import { backoffFromMs, countRestart, type Death, freshWindow, type RestartWindow } from './restart-window.ts'
import type { Age, Generation, Note, Slot, StopReason } from './vocabulary.ts'

/** What the arbiter needs to know of a generation; everything else of its configuration stays with the effects. */
export interface GenerationFacts {
  readonly generation: Generation
  readonly workers: number
  /** How many more stand by, booted, to take the place of one that leaves; only a dirty arbiter has some. */
  readonly spares?: number
  readonly unavailableMax: number
  readonly bootTimeoutMs: number
  readonly graceMs: number
}

export interface ListenerOrder {
  readonly id: string
  readonly address: string
}

/** A configuration that was read for a reload, and what it changes about the listeners. */
export interface Candidate extends GenerationFacts {
  readonly opens: readonly ListenerOrder[]
  readonly closes: readonly string[]
}

export interface WorkerRow {
  readonly slot: Slot
  readonly age: Age
  readonly generation: Generation
  readonly phase: 'booting' | 'ready' | 'leaving'
  /** It has asked for a successor, and drains when that one is ready. */
  readonly isSpent: boolean
  /** The name of its actor among the arbiter's children. */
  readonly actorId: string
}

export interface ArbiterContext {
  readonly facts: GenerationFacts
  /** How many slots are to be filled: the setting, changed by TTIN and TTOU until the next reload. */
  readonly target: number
  /** How many spares there are to be: none until the arbiter is ready, so that they do not hold up the first workers. */
  readonly spares: number
  readonly candidate: Candidate | null
  /** What TTIN and TTOU added since the reload under way began: it counts for the generation to come as well. */
  readonly scaledBy: number
  /** The same of who named a number: that number. */
  readonly scaledTo: number | null
  readonly nextAge: Age
  readonly workers: Readonly<Record<Age, WorkerRow>>
  readonly listeners: Readonly<Record<string, 'binding' | 'bound'>>
  readonly opens: readonly ListenerOrder[]
  readonly hasServed: boolean
  readonly bootFailure: { readonly exitCode: number; readonly problem: string } | null
  readonly window: RestartWindow
  /** Slots whose refill waits for its back-off. */
  readonly refills: readonly Slot[]
  readonly isReloadPending: boolean
  readonly stop: { readonly reason: string; readonly isQuick: boolean }
  readonly exitCode: number
}

export type Order =
  | { do: 'spawn'; row: WorkerRow; facts: GenerationFacts }
  | { do: 'promote'; actorId: string; slot: Slot }
  | { do: 'stop'; actorId: string; reason: StopReason; graceMs: number; isQuick: boolean }
  | { do: 'kill'; actorId: string }
  | { do: 'open'; listener: ListenerOrder }
  | { do: 'close'; id: string }
  | { do: 'roll'; candidate: Candidate }
  | { do: 'tell-rolling'; event: EventObject }
  | { do: 'stop-rolling' }
  | { do: 'refill-later'; slot: Slot; delayMs: number }
  | { do: 'cancel-refill'; slot: Slot }
  | { do: 'watch-boot' }
  | { do: 'effect'; name: string; params: unknown }

/** So many more, or fewer; or just that many, none included. */
export interface ScaleWish {
  readonly by?: number
  readonly to?: number
}

export interface Decision {
  readonly context: ArbiterContext
  readonly orders: readonly Order[]
}

const workerId = (number: number) => `worker.${number}`

export const rowsOf = (context: ArbiterContext): WorkerRow[] => Object.values(context.workers)
const change = (context: ArbiterContext, changes: Partial<ArbiterContext>, orders: readonly Order[] = []): Decision => ({
  context: { ...context, ...changes },
  orders,
})
const note = (event: string, facts: NonNullable<Note['facts']> = {}): Order => ({ do: 'effect', name: 'note', params: { event, facts } })

/** Runs rules one after the other, each on what the one before it left. */
function inTurn(context: ArbiterContext, ...rules: ((context: ArbiterContext) => Decision)[]): Decision {
  return rules.reduce<Decision>(
    (done, rule) => {
      const next = rule(done.context)
      return { context: next.context, orders: [...done.orders, ...next.orders] }
    },
    { context, orders: [] },
  )
}

const withoutKey = <V>(record: Readonly<Record<string, V>>, key: string | number): Record<string, V> =>
  Object.fromEntries(Object.entries(record).filter(([name]) => name !== String(key)))

// Listeners

export function openListeners(context: ArbiterContext, p: { listeners: readonly ListenerOrder[] }): Decision {
  const added = p.listeners.filter((listener) => context.listeners[listener.id] === undefined)
  const binding = Object.fromEntries(added.map((listener) => [listener.id, 'binding' as const]))
  return change(
    context,
    { listeners: { ...context.listeners, ...binding } },
    added.map((listener) => ({ do: 'open', listener })),
  )
}

export function closeListeners(context: ArbiterContext, p: { ids: readonly string[] | 'all' }): Decision {
  const ids = Object.keys(context.listeners).filter((id) => p.ids === 'all' || p.ids.includes(id))
  const listeners = ids.reduce((left, id) => withoutKey(left, id), context.listeners as Record<string, 'binding' | 'bound'>)
  return change(
    context,
    { listeners },
    ids.map((id) => ({ do: 'close', id })),
  )
}

export const keepBound = (context: ArbiterContext, p: { id: string }): Decision =>
  change(context, { listeners: { ...context.listeners, [p.id]: 'bound' } })

export const forgetListener = (context: ArbiterContext, p: { id: string }): Decision =>
  change(context, { listeners: withoutKey(context.listeners, p.id) })

// Workers

function spawn(context: ArbiterContext, slot: Slot, facts: GenerationFacts): Decision {
  const age = context.nextAge
  const row: WorkerRow = { slot, age, generation: facts.generation, phase: 'booting', isSpent: false, actorId: freeActorId(context) }
  return change(context, { nextAge: age + 1, workers: { ...context.workers, [age]: row } }, [{ do: 'spawn', row, facts }])
}

/**
 * Names are used again: the end of a child is an event of a type of its own, and XState keeps for ever what it has worked
 * out for a type. With a new name for each, ten thousand recycles left 4 MB behind.
 */
function freeActorId(context: ArbiterContext): string {
  const taken = new Set(rowsOf(context).map(({ actorId }) => actorId))
  let number = 1
  while (taken.has(workerId(number))) number++
  return workerId(number)
}

/** Whether a generation has its worker in a slot, or one under way. A spent one counts no more: its successor boots beside it. */
const hasWorker = (context: ArbiterContext, slot: Slot, generation: Generation) =>
  rowsOf(context).some(
    (row) => row.slot === slot && row.generation === generation && (row.phase === 'booting' || (row.phase === 'ready' && !row.isSpent)),
  )

/** By a new worker that serves already, or whose elder was sent away to make room for it. */
function isHeldByCandidate(context: ArbiterContext, slot: Slot): boolean {
  const { candidate } = context
  const isEnough = (row: WorkerRow) => row.phase === 'ready' || (row.phase === 'booting' && (candidate?.unavailableMax ?? 0) > 0)
  return rowsOf(context).some((row) => row.slot === slot && row.generation === candidate?.generation && isEnough(row))
}

const isEmpty = (context: ArbiterContext, slot: Slot) =>
  !hasWorker(context, slot, context.facts.generation) && !isHeldByCandidate(context, slot)

const isToBeFilled = (context: ArbiterContext, slot: Slot) =>
  !isSurplus(context, slot) && isEmpty(context, slot) && !context.refills.includes(slot)

const isSurplus = (context: ArbiterContext, slot: Slot) => (slot < 0 ? -slot > context.spares : slot >= context.target)

const workerSlots = ({ target }: ArbiterContext): Slot[] => Array.from({ length: target }, (_, slot) => slot)
const spareSlots = ({ spares }: ArbiterContext): Slot[] => Array.from({ length: spares }, (_, index) => -1 - index)

/** Gives a worker to every slot that wants one, a spare before a new one; done again it does nothing. */
export const fillSlots = (context: ArbiterContext): Decision => inTurn(context, promoteSpares, spawnMissing, promoteSpares)

function spawnMissing(context: ArbiterContext): Decision {
  const empty = [...workerSlots(context), ...spareSlots(context)].filter((slot) => isToBeFilled(context, slot))
  return inTurn(context, ...empty.map((slot) => (now: ArbiterContext) => spawn(now, slot, now.facts)))
}

/** A back-off does not keep a spare away: it is a boot that waits. */
function promoteSpares(context: ArbiterContext): Decision {
  const steps = workerSlots(context).map((slot) => (now: ArbiterContext) => {
    const spare = isEmpty(now, slot) ? spareOf(now) : undefined
    return spare === undefined ? change(now, {}) : promote(now, spare, slot)
  })
  return inTurn(context, ...steps)
}

/** The one that is the furthest. */
function spareOf(context: ArbiterContext): WorkerRow | undefined {
  const { generation } = context.facts
  const spares = rowsOf(context).filter((row) => row.slot < 0 && row.generation === generation && row.phase !== 'leaving' && !row.isSpent)
  return spares.find(({ phase }) => phase === 'ready') ?? spares[0]
}

function promote(context: ArbiterContext, spare: WorkerRow, slot: Slot): Decision {
  const row = { ...spare, slot }
  return inTurn(
    changeRow(context, row, {}),
    (now) => change(now, {}, [{ do: 'promote', actorId: row.actorId, slot }]),
    (now) => (row.phase === 'ready' ? retireElders(now, row) : change(now, {})),
  )
}

/** Those in whose place it is: it may have waited for longer than they have worked. */
function retireElders(context: ArbiterContext, { age, slot, generation }: WorkerRow): Decision {
  const isElder = (other: WorkerRow) => other.age !== age && (other.age < age || other.isSpent)
  const others = rowsOf(context).filter((other) => other.slot === slot && other.generation === generation)
  return retire(context, others.filter(isElder), 'recycle')
}

/** The first workers are there: from now on some stand by. */
export const wantSpares = (context: ArbiterContext): Decision => fillSlots({ ...context, spares: context.facts.spares ?? 0 })

function retire(context: ArbiterContext, rows: readonly WorkerRow[], reason: StopReason): Decision {
  const leaving = rows.filter((row) => row.phase !== 'leaving')
  const marked = Object.fromEntries(leaving.map((row) => [row.age, { ...row, phase: 'leaving' as const }]))
  return change(
    context,
    { workers: { ...context.workers, ...marked } },
    leaving.map((row) => ({ do: 'stop', actorId: row.actorId, reason, graceMs: context.facts.graceMs, isQuick: false })),
  )
}

const retireSurplus = (context: ArbiterContext): Decision =>
  retire(
    context,
    rowsOf(context).filter((row) => isSurplus(context, row.slot) && row.generation === context.facts.generation),
    'scale',
  )

/** A worker became ready: the elder of its slot and generation may go, which is how recycling loses nothing. */
export function keepReady(context: ArbiterContext, p: { age: Age }): Decision {
  const row = context.workers[p.age]
  if (row === undefined || row.phase === 'leaving') return change(context, { hasServed: true })
  return inTurn(
    { ...changeRow(context, row, { phase: 'ready' }), hasServed: true, bootFailure: null, window: { ...context.window, failedBoots: 0 } },
    (now) => retireElders(now, row),
    retireSurplus,
  )
}

const changeRow = (context: ArbiterContext, row: WorkerRow, changes: Partial<WorkerRow>): ArbiterContext => ({
  ...context,
  workers: { ...context.workers, [row.age]: { ...row, ...changes } },
})

/** A worker asks to be recycled: its successor boots in the same slot, and only then it drains. */
export function replace(context: ArbiterContext, p: { age: Age }): Decision {
  const row = context.workers[p.age]
  if (row === undefined) return change(context, {})
  const marked = changeRow(context, row, { isSpent: true })
  const { candidate } = context
  if (row.generation !== candidate?.generation) return fillSlots(marked)
  return hasWorker(marked, row.slot, candidate.generation) ? change(marked, {}) : spawn(marked, row.slot, candidate)
}

/** It may do no more work: its place is another's at once, and it does not wait for that one to be ready. */
export function retireSpent(context: ArbiterContext, p: { age: Age }): Decision {
  const row = context.workers[p.age]
  if (row === undefined || row.phase === 'leaving') return change(context, {})
  const { candidate } = context
  const fill = (now: ArbiterContext) => {
    if (row.generation !== candidate?.generation) return fillSlots(now)
    return hasWorker(now, row.slot, row.generation) ? change(now, {}) : spawn(now, row.slot, candidate)
  }
  return inTurn(context, (now) => retire(now, [row], 'recycle'), fill)
}

/** Somebody wants other processes for the same code: each has its successor before it goes. */
export function restartWorkers(context: ArbiterContext, p: { ages: readonly Age[] }): Decision {
  const isReady = (now: ArbiterContext, age: Age) => now.workers[age]?.phase === 'ready'
  return inTurn(context, ...p.ages.map((age) => (now: ArbiterContext) => (isReady(now, age) ? replace(now, { age }) : change(now, {}))))
}

/** Somebody wants a worker gone now, not when its successor is ready. Of those that a reload is trying, none is spared. */
export function drainWorker(context: ArbiterContext, p: { age: Age }): Decision {
  const row = context.workers[p.age]
  if (row === undefined || row.generation === context.candidate?.generation) return change(context, {})
  return inTurn(context, (now) => retire(now, [row], 'drain'), fillSlots)
}

/** A worker leaves by itself (somebody sent it TERM): its slot is to be filled now, not when it is gone. */
export function keepLeaving(context: ArbiterContext, p: { age: Age }): Decision {
  const row = context.workers[p.age]
  return change(row === undefined ? context : changeRow(context, row, { phase: 'leaving' }), {})
}

export const dropWorker = (context: ArbiterContext, p: { age: Age }): Decision =>
  change(context, { workers: withoutKey(context.workers, p.age) as ArbiterContext['workers'] })

/** Before anything has served, a failed boot is kept and not repeated: the arbiter will end with it. */
export function keepBootFailure(context: ArbiterContext, p: { exitCode: number; problem: string }): Decision {
  if (context.bootFailure !== null) return change(context, {})
  return change(context, { bootFailure: { exitCode: p.exitCode, problem: p.problem } }, [{ do: 'watch-boot' }])
}

/** One end of a worker nobody asked to go: refilled at once within the restart window, after a back-off beyond it. */
export function restart(context: ArbiterContext, p: Death & { slot: Slot; problem: string }): Decision {
  return afterSpare(context, p.slot, (then, slot) => {
    if (!isToBeFilled(then, slot)) return change(then, {})
    const { window, delayMs } = countRestart(then.window, p)
    if (delayMs === 0) return fillSlots({ ...then, window })
    return inTurn(
      { ...then, window },
      (now) => refillLater(now, slot, delayMs),
      (now) => change(now, {}, [note('worker.backoff', { slot, delayMs, problem: p.problem })]),
    )
  })
}

/** A slot was left: with a spare in it, it is the spare's that is to be filled by a boot. */
function afterSpare(context: ArbiterContext, slot: Slot, fill: (context: ArbiterContext, slot: Slot) => Decision): Decision {
  const isOpen = slot >= 0 && !isSurplus(context, slot) && isEmpty(context, slot)
  const spare = isOpen ? spareOf(context) : undefined
  if (spare === undefined) return fill(context, slot)
  return inTurn(
    context,
    (now) => promote(now, spare, slot),
    (now) => fill(now, spare.slot),
  )
}

/** A worker has ended that nobody asked to go. Its row is asked for its slot: its own word may be from before its promotion. */
export function mend(context: ArbiterContext, p: Death & { slot: Slot; age: Age; problem: string }): Decision {
  const slot = context.workers[p.age]?.slot ?? p.slot
  return inTurn(
    context,
    (now) => dropWorker(now, p),
    (now) => restart(now, { ...p, slot }),
  )
}

const refillLater = (context: ArbiterContext, slot: Slot, delayMs: number): Decision =>
  change(context, { refills: [...context.refills, slot] }, [{ do: 'refill-later', slot, delayMs }])

export const refill = (context: ArbiterContext, p: { slot: Slot }): Decision =>
  fillSlots({ ...context, refills: context.refills.filter((slot) => slot !== p.slot) })

/** The chart of a worker broke, which is a bug of ours: its process is let go, and its slot filled a while later. */
export function dropBroken(context: ArbiterContext, p: { actorId: string }): Decision {
  const row = rowsOf(context).find(({ actorId }) => actorId === p.actorId)
  if (row === undefined) return change(context, {})
  const { slot, age, generation } = row
  return inTurn(
    dropWorker(context, row).context,
    (now) => change(now, {}, [{ do: 'effect', name: 'letGo', params: { age } }]),
    (now) => {
      if (generation === now.candidate?.generation)
        return tellRolling(now, { event: { type: 'worker.failed', slot, problem: 'internal error' } as EventObject })
      return afterSpare(now, slot, (then, left) =>
        isToBeFilled(then, left) ? refillLater(then, left, backoffFromMs * 10) : change(then, {}),
      )
    },
  )
}

export function scale(context: ArbiterContext, p: ScaleWish): Decision {
  const { target } = context
  const to = p.to ?? scaled(target, p.by ?? 0)
  const scaledTo = p.to ?? (context.scaledTo === null ? null : to)
  if (to === target) return change(context, { scaledTo })
  return change(context, { target: to, scaledBy: context.scaledBy + to - target, scaledTo }, [announceScale(target, to)])
}

/** The last worker is not taken away; without any (`workers` 0) none can be. */
const scaled = (count: number, by: number) => (by < 0 ? Math.min(count, Math.max(1, count + by)) : count + by)
const announceScale = (from: number, to: number): Order => ({ do: 'effect', name: 'announceScale', params: { from, to } })

export const fitSlots = (context: ArbiterContext): Decision => inTurn(context, fillSlots, retireSurplus)

// Reload

/** What is bound already, at the wish of a program, is not the candidate's to open, nor to close when it is given up. */
export function keepCandidate(context: ArbiterContext, p: { candidate: Candidate }): Decision {
  const opens = p.candidate.opens.filter(({ id }) => context.listeners[id] !== 'bound')
  return change(context, { candidate: { ...p.candidate, opens } })
}

export function startRolling(context: ArbiterContext): Decision {
  return change(context, {}, context.candidate === null ? [] : [{ do: 'roll', candidate: context.candidate }])
}

export const spawnCandidate = (context: ArbiterContext, p: { slot: Slot }): Decision =>
  context.candidate === null ? change(context, {}) : spawn(context, p.slot, context.candidate)

export const retireOldOf = (context: ArbiterContext, p: { slot: Slot }): Decision =>
  retire(
    context,
    rowsOf(context).filter((row) => row.slot === p.slot && row.generation !== context.candidate?.generation),
    'reload',
  )

/** Only of the new generation: an old worker that was replaced meanwhile gets ready in the same slot. */
export function tellRollingReady(context: ArbiterContext, p: { slot: Slot; age: Age }): Decision {
  if (context.workers[p.age]?.generation !== context.candidate?.generation) return change(context, {})
  return tellRolling(context, { event: { type: 'worker.ready', slot: p.slot } as EventObject })
}

export function tellRolling(context: ArbiterContext, p: { event: EventObject }): Decision {
  if (context.candidate === null) return change(context, {})
  return change(context, {}, [{ do: 'tell-rolling', event: p.event }])
}

/** All new workers are ready: from here on the candidate is the generation, and the old ones drain. */
export function commit(context: ArbiterContext): Decision {
  const { candidate } = context
  if (candidate === null) return change(context, {})
  const old = rowsOf(context).filter((row) => row.generation !== candidate.generation)
  const cancels = context.refills.map((slot): Order => ({ do: 'cancel-refill', slot }))
  const target = context.scaledTo ?? scaled(candidate.workers, context.scaledBy)
  const settled = { facts: candidate, target, spares: candidate.spares ?? 0, candidate: null, refills: [], window: freshWindow }
  const announce: Order = { do: 'effect', name: 'announceCommit', params: { generation: candidate.generation, workers: target } }
  const tellScale = target === context.target ? [] : [announceScale(context.target, target)]
  return inTurn(
    context,
    (now) => retire(now, old, 'reload'),
    (now) => closeListeners(now, { ids: candidate.closes }),
    (now) => change(now, settled, [...cancels, announce, ...tellScale]),
    fitSlots,
  )
}

export function rollBack(context: ArbiterContext, p: { problem: string }): Decision {
  const { candidate } = context
  const announce: Order = { do: 'effect', name: 'announceRollback', params: { problem: p.problem } }
  if (candidate === null) return change(context, {}, [announce])
  const born = rowsOf(context).filter((row) => row.generation === candidate.generation)
  return inTurn(
    context,
    (now) => change(now, { candidate: null }, [{ do: 'stop-rolling' }, announce]),
    (now) => retire(now, born, 'rollback'),
    (now) => closeListeners(now, { ids: candidate.opens.map((listener) => listener.id) }),
    fillSlots,
  )
}

// End

/** No worker is to be added any more, by a reload or by a back-off that is over. */
function startNothing(context: ArbiterContext): Decision {
  const rolling: Order[] = context.candidate === null ? [] : [{ do: 'stop-rolling' }]
  const cancels = context.refills.map((slot): Order => ({ do: 'cancel-refill', slot }))
  return change(context, { refills: [], candidate: null }, [...rolling, ...cancels])
}

export function stopAll(context: ArbiterContext): Decision {
  const { facts, stop } = context
  const stops = rowsOf(context).map(
    ({ actorId }): Order => ({ do: 'stop', actorId, reason: 'stop', graceMs: facts.graceMs, isQuick: stop.isQuick }),
  )
  return inTurn(context, startNothing, (now) => change(now, {}, stops))
}

export function killAll(context: ArbiterContext): Decision {
  const kills = rowsOf(context).map(({ actorId }): Order => ({ do: 'kill', actorId }))
  return inTurn(context, startNothing, (now) => change(now, {}, kills))
}
