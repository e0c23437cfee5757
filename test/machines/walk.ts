/** Walks a chart through everything that can happen to it: no process, no clock, no effect. */
import { expect } from 'vitest'
import {
  type AnyActorScope,
  type AnyMachineSnapshot,
  type AnyStateMachine,
  type AnyStateNode,
  type AnyTransitionDefinition,
  createEmptyActor,
  type EventObject,
  initialTransition,
  transition,
} from 'xstate'
import { getAdjacencyMap } from 'xstate/graph'

export interface Sample extends EventObject {
  readonly [fact: string]: unknown
}

export interface WalkOptions {
  readonly input?: unknown
  /** What can happen in a snapshot; events that the chart does not know there are welcome. */
  readonly events: readonly Sample[] | ((snapshot: AnyMachineSnapshot) => readonly Sample[])
  /** What tells two snapshots of one state apart. */
  readonly essentials?: (context: AnyMachineSnapshot['context'], snapshot: AnyMachineSnapshot) => unknown
  readonly from?: AnyMachineSnapshot
  readonly edgesMax?: number
}

export interface Node {
  readonly key: string
  readonly snapshot: AnyMachineSnapshot
  readonly next: readonly { readonly event: Sample; readonly key: string }[]
}

export interface Walk {
  readonly nodes: ReadonlyMap<string, Node>
  readonly sampled: ReadonlySet<string>
  /** Ids of the states that were entered, those included that a chart only passes through. */
  readonly entered: ReadonlySet<string>
  readonly taken: ReadonlySet<AnyTransitionDefinition>
}

type Watch = (snapshot: AnyMachineSnapshot, transitions: readonly AnyTransitionDefinition[]) => void

/**
 * XState's pure functions know no parent, and `sendParent` throws without one: this gives a chart an inert parent, and
 * shows each of its microsteps.
 */
function watched(machine: AnyStateMachine, watch: Watch): AnyStateMachine {
  const parent = createEmptyActor()
  const inspect = (seen: { type: string; snapshot: AnyMachineSnapshot; _transitions: AnyTransitionDefinition[] }) => {
    if (seen.type === '@xstate.microstep') watch(seen.snapshot, seen._transitions)
  }
  const scoped = (scope: AnyActorScope): AnyActorScope => ({
    ...scope,
    self: Object.create(scope.self, { _parent: { value: parent } }),
    system: Object.create(scope.system, { _sendInspectionEvent: { value: inspect } }),
  })
  return Object.create(machine, {
    getInitialSnapshot: { value: (scope: AnyActorScope, input: unknown) => machine.getInitialSnapshot(scoped(scope), input) },
    transition: {
      value: (snapshot: AnyMachineSnapshot, event: EventObject, scope: AnyActorScope) => machine.transition(snapshot, event, scoped(scope)),
    },
  }) as AnyStateMachine
}

/** Every snapshot that can be reached, once for each value and essentials. */
export function walk(machine: AnyStateMachine, options: WalkOptions): Walk {
  const essentials = options.essentials ?? (() => null)
  const key = (snapshot: AnyMachineSnapshot) => JSON.stringify([snapshot.status, snapshot.value, essentials(snapshot.context, snapshot)])
  const sampled = new Set<string>()
  const entered = new Set<string>()
  const taken = new Set<AnyTransitionDefinition>()
  const logic = watched(machine, (snapshot, transitions) => {
    for (const { id } of snapshot._nodes) entered.add(id)
    for (const one of transitions) taken.add(one)
  })
  const eventsIn = (snapshot: AnyMachineSnapshot) => {
    if (snapshot.status !== 'active') return []
    const all = typeof options.events === 'function' ? options.events(snapshot) : options.events
    // A timer or an invoked actor lives as long as its state: elsewhere its event cannot come.
    const known = new Set(snapshot._nodes.flatMap((node) => node.ownEvents))
    const isPossible = ({ type }: Sample) => known.has(type) || !/^xstate\.(after\.|(done|error)\.actor\.\d)/.test(type)
    const events = all.filter(isPossible)
    for (const event of events) sampled.add(event.type)
    return events
  }
  const graph = getAdjacencyMap(logic, {
    input: options.input,
    events: eventsIn,
    serializeState: key,
    limit: options.edgesMax ?? 5_000,
    fromState: options.from ?? initialTransition(logic, options.input)[0],
  } as never) as unknown as Record<
    string,
    { state: AnyMachineSnapshot; transitions: Record<string, { event: Sample; state: AnyMachineSnapshot }> }
  >
  const nodes = new Map<string, Node>()
  for (const [name, { state, transitions }] of Object.entries(graph)) {
    for (const { id } of state._nodes) entered.add(id)
    nodes.set(name, {
      key: name,
      snapshot: state,
      next: Object.values(transitions).map(({ event, state: after }) => ({ event, key: key(after) })),
    })
  }
  return { nodes, sampled, entered, taken }
}

/** A chart's states, without its root. */
function statesOf(machine: AnyStateMachine): AnyStateNode[] {
  const below = (node: AnyStateNode): AnyStateNode[] => [node, ...Object.values(node.states).flatMap(below)]
  return Object.values(machine.root.states).flatMap(below)
}

function transitionsOf(machine: AnyStateMachine): AnyTransitionDefinition[] {
  return [machine.root, ...statesOf(machine)].flatMap((node) => [...[...node.transitions.values()].flat(), ...(node.always ?? [])])
}

/** Nodes from which none that is `wanted` can be reached by events that are `allowed`. */
export function cannotReach(
  { nodes }: Pick<Walk, 'nodes'>,
  isWanted: (node: Node) => boolean,
  isAllowed: (event: Sample) => boolean = () => true,
): string[] {
  const before = new Map<string, string[]>()
  for (const node of nodes.values()) {
    for (const { event, key } of node.next) {
      if (!isAllowed(event)) continue
      const sources = before.get(key)
      if (sources === undefined) before.set(key, [node.key])
      else sources.push(node.key)
    }
  }
  const reached = new Set([...nodes.values()].filter(isWanted).map(({ key }) => key))
  const queue = [...reached]
  for (let key = queue.pop(); key !== undefined; key = queue.pop()) {
    for (const earlier of before.get(key) ?? []) {
      if (reached.has(earlier)) continue
      reached.add(earlier)
      queue.push(earlier)
    }
  }
  return [...nodes.keys()].filter((key) => !reached.has(key))
}

export const isDone = ({ snapshot }: Node): boolean => snapshot.status === 'done'

/** What must hold of every chart, where a chart that never is over ends otherwise. A wildcard counts as sampled by any event that it takes. */
export function expectSound(machine: AnyStateMachine, walks: readonly Walk[], isEnd: (node: Node) => boolean = isDone): void {
  const all = <T>(pick: (one: Walk) => Iterable<T>) => new Set(walks.flatMap((one) => [...pick(one)]))
  const entered = all((one) => one.entered)
  const neverEntered = statesOf(machine).filter(({ id }) => !entered.has(id))
  expect(
    neverEntered.map(({ id }) => id),
    'states that are never entered',
  ).toEqual([])

  const sampled = [...all((one) => one.sampled)]
  const isSampled = (type: string) =>
    sampled.some((event) => event === type || (type.endsWith('.*') && event.startsWith(type.slice(0, -1))))
  expect(
    machine.events.filter((type) => !isSampled(type)),
    'events without a sample',
  ).toEqual([])

  const taken = all((one) => one.taken)
  const neverTaken = transitionsOf(machine).filter((one) => !taken.has(one))
  expect(
    neverTaken.map(({ source, eventType, target }) => `${source.id} on ${eventType} to ${target?.map(({ id }) => id) ?? 'itself'}`),
    'transitions that are never taken',
  ).toEqual([])

  for (const one of walks) {
    expect(
      [...one.nodes.values()].filter(({ snapshot }) => snapshot.status === 'error').map(({ key }) => key),
      'nodes in error',
    ).toEqual([])
    expect(cannotReach(one, isEnd), 'nodes that can never end').toEqual([])
  }
}

interface Told {
  readonly type: string
  readonly params: unknown
}

export interface Step {
  readonly snapshot: AnyMachineSnapshot
  /** Parameters of the actions of that name. */
  told(type: string): unknown[]
  /** Names of all effects, in their order. */
  readonly order: readonly string[]
  /** Events sent by this step, to the parent or to a child. */
  sent(): Record<string, unknown>[]
}

/** Where the last of these events leads a chart, and what it orders then. */
export function after(machine: AnyStateMachine, input: unknown, ...events: readonly Sample[]): Step {
  const logic = watched(machine, () => undefined)
  let [snapshot, actions] = initialTransition(logic, input) as [AnyMachineSnapshot, readonly Told[]]
  for (const event of events) [snapshot, actions] = transition(logic, snapshot, event as never) as [AnyMachineSnapshot, readonly Told[]]
  return {
    snapshot,
    order: actions.map(({ type }) => type),
    told: (type) => actions.filter((action) => action.type === type).map(({ params }) => params),
    sent: () =>
      actions.filter(({ type }) => type === 'xstate.sendTo').map(({ params }) => (params as { event: Record<string, unknown> }).event),
  }
}
