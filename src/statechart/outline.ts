/** A chart as plain data: its states, its arrows and their sentences, for whatever draws it or lists it. */
import type { AnyStateMachine, StateNode } from 'xstate'
import { plainEvent, sentences } from '../../machines/sentences.ts'

type Node = StateNode<never, never>

export interface ChartOutline {
  readonly name: string
  readonly description: string
  /** Outer states before their inner ones. */
  readonly states: readonly StateOutline[]
  readonly arrows: readonly ArrowOutline[]
  readonly events: readonly EventOutline[]
}

export interface StateOutline {
  /** As in `ready.reloading`. */
  readonly path: string
  readonly name: string
  /** Path of the state that it is in; empty when that is the chart. */
  readonly parent: string
  readonly description: string
  readonly isFinal: boolean
  readonly isInitial: boolean
  readonly isNest: boolean
}

export interface ArrowOutline {
  /** Path of a state, or empty: from any. */
  readonly from: string
  readonly to: string
  /** As it is recorded: `child.ready`, `after bootTimeout`, `loadConfig done`; empty when it is taken as soon as its condition holds. */
  readonly event: string
}

export interface EventOutline {
  readonly name: string
  readonly description: string
}

export function outlineOf(name: string, machine: AnyStateMachine): ChartOutline {
  const root = machine.root as unknown as Node
  const nodes = nodesIn(root)
  const known = [...new Set(machine.events.map(plainEvent))].filter((event): event is string => event !== null)
  return {
    name,
    description: root.description ?? '',
    states: nodes.slice(1).map(stateOf),
    arrows: distinct(nodes.flatMap(arrowsFrom)),
    events: known.map((event) => ({ name: event, description: sentences[name]?.[event] ?? '' })),
  }
}

const childrenOf = (node: Node) => Object.values(node.states) as unknown as Node[]
const nodesIn = (node: Node): Node[] => [node, ...childrenOf(node).flatMap(nodesIn)]
const pathOf = (node: Node) => node.path.join('.')

function stateOf(node: Node): StateOutline {
  const parent = node.parent as unknown as Node
  const initial = parent.initial?.target?.[0] as unknown as Node | undefined
  return {
    path: pathOf(node),
    name: node.key,
    parent: pathOf(parent),
    description: node.description ?? '',
    isFinal: node.type === 'final',
    isInitial: initial === node,
    isNest: childrenOf(node).length > 0,
  }
}

function arrowsFrom(from: Node): ArrowOutline[] {
  const always = ((from as unknown as { always?: unknown[] }).always ?? []) as { eventType: string; target?: Node[] }[]
  const transitions = [...from.transitions.values()].flat() as unknown as { eventType: string; target?: Node[] }[]
  return [...transitions, ...always].flatMap(({ eventType, target }) => {
    const to = target?.[0]
    return to === undefined ? [] : [{ from: pathOf(from), to: pathOf(to), event: labelOf(eventType, from) }]
  })
}

function labelOf(event: string, source: Node): string {
  if (event === '') return ''
  const after = /^xstate\.after\.([^.]+)\./.exec(event)?.[1]
  if (after !== undefined) return `after ${after}`
  const actor = /^xstate\.(done|error)\.actor\.\d+\./.exec(event)?.[1]
  const work = (source.invoke[0] as { src?: unknown } | undefined)?.src
  if (actor !== undefined) return `${typeof work === 'string' ? work : 'work'} ${actor === 'done' ? 'done' : 'failed'}`
  return plainEvent(event) ?? event
}

function distinct(arrows: readonly ArrowOutline[]): ArrowOutline[] {
  return [...new Map(arrows.map((arrow) => [`${arrow.from}>${arrow.to}:${arrow.event}`, arrow])).values()]
}
