/**
 * Turns what XState tells of a system of charts into steps to record. It is called in the middle of a chart's step: it
 * throws nothing (the chart would be stuck for ever), waits for nothing and keeps no snapshot.
 */
import { eventLabel } from '../../machines/event-label.ts'
import { statePath } from '../base/state-path.ts'
import type { Transition } from '../ipc/transition.ts'
import { causeOf } from './cause.ts'
import { clip, factsOf } from './facts.ts'

/** The parts of XState's inspection that are read; a test holds them against the version that is installed. */
export interface Inspected {
  readonly type: string
  readonly actorRef: object
  readonly sourceRef?: object | undefined
  readonly event?: Readonly<Record<string, unknown>> & { readonly type: string }
  readonly snapshot?: object
  readonly _transitions?: readonly TakenTransition[]
}

interface TakenTransition {
  readonly eventType: string
  readonly source: { readonly invoke: readonly { readonly src: unknown }[] }
}

interface ChartSnapshot {
  readonly status: 'active' | 'done' | 'error' | 'stopped'
  readonly value: unknown
  readonly context: Readonly<Record<string, unknown>>
  readonly error?: unknown
  readonly tags: ReadonlySet<string>
  readonly machine: { readonly id: string }
}

export interface TapOptions {
  readonly who: Pick<Transition, 'role' | 'slot' | 'age'>
  record(step: Transition): void
}

export interface Tap {
  /** @param label sets the charts of one system apart from those of another in the same process */
  inspect(label?: string): (inspected: unknown) => void
  /** All steps that are made while `act` runs have this cause, unless their events name one. */
  because(cause: string | null, act: () => void): void
}

/** What is known of one living actor. */
interface Known {
  readonly chart: string
  readonly actor: string
  /** Started by another chart, for a reason of which its states are the consequence. */
  readonly isChild: boolean
  state: string
  /** It drains or is killed: its end follows from what led to that. */
  isLeaving: boolean
  /** The step that is being made: what others do because of it names it. */
  step: string
  /** What began the chain that led to that step, and to the present state. */
  root: string | null
  stateRoot: string | null
}

/** Of an event, as it was when it was sent: it may wait in a mailbox while others come. */
interface Sending {
  readonly sender: object | undefined
  readonly step: string | null
  readonly root: string | null
}

export function createTap({ who, record }: TapOptions): Tap {
  const known = new WeakMap<object, Known>()
  const sent = new WeakMap<object, Sending>()
  const named = new Map<string, number>()
  let outside: string | null = null
  let seq = 0

  /** Numbers that are used again (of lanes) or are always the same (of rollings) are told apart by how often they were. */
  function nameOf(chart: string, label: string, { age, lane, address, name: sidecar }: ChartSnapshot['context']): string {
    const own =
      chart === 'worker-handle' ? age : chart === 'lane' ? lane : chart === 'listener' ? address : chart === 'sidecar' ? sidecar : ''
    const name = [chart, label, own].filter((part) => part !== '' && part !== undefined).join(' ')
    if (chart === 'worker-handle') return name
    const times = (named.get(name) ?? 0) + 1
    named.set(name, times)
    return times === 1 ? name : `${name}#${times}`
  }

  function tell(at: Known, step: Pick<Transition, 'event' | 'from' | 'to' | 'isOver' | 'facts' | 'cause'>): void {
    record({
      at: Math.round((performance.timeOrigin + performance.now()) * 1_000) / 1_000,
      pid: process.pid,
      seq: ++seq,
      ...who,
      chart: at.chart,
      actor: at.actor,
      ...step,
    })
  }

  /** Its own words, else who sent it; and where the chain began. */
  function causeFor(at: Known, actorRef: object, given: object, event: string, facts: Transition['facts']): string | null {
    const sending = sent.get(given)
    const words = causeOf(event, facts)
    if (sending?.step !== null && sending?.step !== undefined && sending.sender !== actorRef) {
      at.root = sending.root ?? words
      return chain(words ?? sending.step, sending.root)
    }
    // What ends a state by itself goes back to what led into it.
    const isOfState = event.startsWith('after ') || / (done|failed)$/.test(event) || (at.isChild && (words === null || at.isLeaving))
    const root = sending?.root ?? (isOfState ? at.stateRoot : null)
    at.root = root ?? words
    return chain(words, root)
  }

  function keepSending(event: object, sender: object | undefined): void {
    const at = sender === undefined ? undefined : known.get(sender)
    // Of what nobody in the system has sent, whoever sent it may know the cause.
    sent.set(event, { sender, step: at === undefined ? null : `${at.actor}: ${at.step}`, root: at === undefined ? outside : at.root })
  }

  function onStart(label: string, actorRef: object, sender: object | undefined, event: NonNullable<Inspected['event']>): void {
    const snapshot = (actorRef as { getSnapshot(): object }).getSnapshot()
    if (!isChart(snapshot)) return
    const chart = snapshot.machine.id
    const state = statePath(snapshot.value)
    const actor = nameOf(chart, label, snapshot.context)
    const at: Known = { chart, actor, isChild: sender !== undefined, state, isLeaving: false, step: 'start', root: null, stateRoot: null }
    known.set(actorRef, at)
    const facts = { ...factsOf(event), ...identityOf(snapshot) }
    const cause = causeFor(at, actorRef, event, 'start', facts)
    at.stateRoot = at.root
    tell(at, { event: 'start', from: null, to: state, isOver: snapshot.status !== 'active', facts, cause })
  }

  function onStep(at: Known, actorRef: object, snapshot: ChartSnapshot, given: NonNullable<Inspected['event']>, event: string): void {
    const from = at.state
    at.state = statePath(snapshot.value)
    // What follows from a step by itself has brought nothing of its own.
    const facts = { ...(event === 'always' ? {} : factsOf(given)), ...identityOf(snapshot) }
    const cause = event === 'always' ? chain(at.step, at.root) : causeFor(at, actorRef, given, event, facts)
    if (event !== 'always') at.step = event
    if (at.state !== from) at.stateRoot = at.root
    at.isLeaving = snapshot.tags.has('leaves')
    tell(at, { event, from, to: at.state, isOver: snapshot.status !== 'active', facts, cause })
  }

  function look(label: string, { type, actorRef, sourceRef, event, snapshot, _transitions }: Inspected): void {
    if (event === undefined) return
    if (type === '@xstate.event') {
      keepSending(event, sourceRef)
      if (event.type === 'xstate.init') onStart(label, actorRef, sourceRef, event)
      return
    }
    const at = known.get(actorRef)
    if (at === undefined || snapshot === undefined || !isChart(snapshot)) return
    if (type === '@xstate.microstep') {
      const taken = _transitions?.[0]
      if (taken !== undefined) onStep(at, actorRef, snapshot, event, eventLabel(taken.eventType, taken.source))
      else if (event.type === 'xstate.stop') onStep(at, actorRef, snapshot, event, 'stopped')
    } else if (type === '@xstate.snapshot' && snapshot.status === 'error') {
      onStep(at, actorRef, snapshot, { type: '', error: snapshot.error }, 'broken')
    }
  }

  return {
    inspect:
      (label = '') =>
      (inspected) => {
        try {
          look(label, inspected as Inspected)
        } catch {
          // A step that cannot be told is lost; the chart that made it goes on.
        }
      },
    because(cause, act) {
      const before = outside
      outside = cause === null ? null : clip(cause)
      try {
        act()
      } finally {
        outside = before
      }
    },
  }
}

function isChart(snapshot: object): snapshot is ChartSnapshot {
  return 'machine' in snapshot && 'value' in snapshot
}

/** Whom the step of a handle is about: a viewer finds the process by it. */
function identityOf({ machine: { id }, context }: ChartSnapshot): Record<string, string | number | boolean | null> {
  if (id === 'worker-handle') {
    const { slot, age, generation, pid } = context as Record<string, number | null>
    return { slot: slot ?? null, age: age ?? null, generation: generation ?? null, childPid: pid ?? null }
  }
  if (id === 'sidecar') {
    const { name, age, pid } = context as Record<string, string | number | null>
    return { sidecar: name ?? null, age: age ?? null, childPid: pid ?? null }
  }
  return id === 'lane' ? { lane: (context['lane'] as number | undefined) ?? null } : {}
}

function chain(words: string | null, root: string | null): string | null {
  if (words === null || words === root) return root
  return clip(root === null ? words : `${words} ← ${root}`)
}
