import type { AnyStateMachine, StateNode } from 'xstate'
import { charts } from '../machines/index.ts'
import { plainEvent, sentences } from '../machines/sentences.ts'

type Node = StateNode<never, never>

export function machinesPage(): string {
  const parts = Object.entries(charts).map(([name, machine]) => chartPart(name, machine as unknown as AnyStateMachine))
  return `# Charts

Every lifecycle is a statechart, and these are drawn from the charts that run. The names of the states are the same
everywhere: \`booting\`, \`ready\`, \`draining\` (graceful shutdown), \`killing\` (timeout kill), \`gone\` (the arbiter: \`stopped\`).
An arrow without an event is taken at once, as soon as its condition holds.

${parts.join('\n\n')}
`
}

function chartPart(name: string, machine: AnyStateMachine): string {
  const root = machine.root as unknown as Node
  const nodes = allNodes(root).slice(1)
  const states = nodes.map((node) => `- \`${node.path.join('.')}\`: ${node.description ?? ''}`)
  const known = [...new Set(machine.events.map(plainEvent))].filter((event): event is string => event !== null)
  const events = known.map((event) => `- \`${event}\`: ${sentences[name]?.[event] ?? ''}`)
  return `## ${name}

${root.description ?? ''}

\`\`\`mermaid
stateDiagram-v2
${drawing(root, 1)}
\`\`\`

States:

${states.join('\n')}

Events:

${events.join('\n')}`
}

const childrenOf = (node: Node) => Object.values(node.states) as unknown as Node[]
const allNodes = (node: Node): Node[] => [node, ...childrenOf(node).flatMap(allNodes)]
const idOf = (node: Node) => (node.path.length === 0 ? 'any' : node.path.join('_').replaceAll('-', '_'))

interface Arrow {
  readonly from: Node
  readonly to: Node
  readonly label: string
}

/** Mermaid puts a state into the block that first names it, so an arrow stands in the block that holds both its ends. */
function drawing(node: Node, depth: number): string {
  const indent = '  '.repeat(depth)
  const lines: string[] = []
  for (const child of childrenOf(node)) {
    const isNest = childrenOf(child).length > 0
    lines.push(`${indent}state "${child.key}" as ${idOf(child)}${isNest ? ' {' : ''}`)
    if (isNest) lines.push(drawing(child, depth + 1), `${indent}}`)
    if (child.type === 'final') lines.push(`${indent}${idOf(child)} --> [*]`)
  }
  const initial = node.initial?.target?.[0] as unknown as Node | undefined
  if (initial !== undefined) lines.push(`${indent}[*] --> ${idOf(initial)}`)
  const root = node.machine.root as unknown as Node
  const arrows = allNodes(root)
    .flatMap(arrowsFrom)
    .filter((arrow) => holderOf(arrow) === node)
  lines.push(...new Set(arrows.map(({ from, to, label }) => `${indent}${idOf(from)} --> ${idOf(to)}${label === '' ? '' : ` : ${label}`}`)))
  return lines.join('\n')
}

/** The innermost state that holds both ends; the transitions of the root are drawn from a node of their own. */
function holderOf({ from, to }: Arrow): Node {
  const ancestors = (node: Node): Node[] =>
    node.parent === undefined ? [] : [node.parent as unknown as Node, ...ancestors(node.parent as unknown as Node)]
  const outer = new Set(ancestors(from))
  return ancestors(to).find((node) => outer.has(node)) ?? (from.machine.root as unknown as Node)
}

function arrowsFrom(from: Node): Arrow[] {
  const always = ((from as unknown as { always?: unknown[] }).always ?? []) as { eventType: string; target?: Node[] }[]
  const transitions = [...from.transitions.values()].flat() as unknown as { eventType: string; target?: Node[] }[]
  return [...transitions, ...always].flatMap(({ eventType, target }) => {
    const to = target?.[0]
    return to === undefined ? [] : [{ from, to, label: labelOf(eventType, from) }]
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
