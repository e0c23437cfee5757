import { litColour } from './lit.ts'
import type { ChartOutline, StateOutline } from './outline.ts'

const font = 'fontname="Helvetica,Arial,sans-serif"'
const quoted = (text: string) => `"${text.replaceAll('"', '\\"')}"`

/** The id of a state, and of all arrows between two, in a drawing made from this. */
export const stateId = (path: string) => `state:${path}`
export const arrowId = (from: string, to: string) => `arrow:${from}>${to}`

/** The chart for Graphviz. `lit` are paths of states that stand out. */
export function dotOf(chart: ChartOutline, lit: readonly string[] = []): string {
  return [
    `digraph ${quoted(chart.name)} {`,
    `  graph [compound=true, rankdir=TB, ranksep=0.45, nodesep=0.3, bgcolor=transparent, pad=0.1, ${font}, fontsize=12]`,
    `  node [shape=box, style=rounded, ${font}, fontsize=12, margin="0.14,0.06", height=0.36]`,
    `  edge [${font}, fontsize=10, arrowsize=0.6]`,
    ...starters(chart, '', '  '),
    ...inside(chart, '', '  ', new Set(lit)),
    ...edges(chart),
    '}',
  ].join('\n')
}

function inside(chart: ChartOutline, parent: string, indent: string, lit: ReadonlySet<string>): string[] {
  return chart.states
    .filter((state) => state.parent === parent)
    .flatMap((state) => {
      const { path, name, isNest, isFinal } = state
      const isLit = lit.has(path)
      const facts = `id=${quoted(stateId(path))}, class=${quoted(isLit ? 'state lit' : 'state')}, tooltip=${quoted(state.description)}`
      if (!isNest) {
        const look = isLit ? `, style="rounded,filled", fillcolor="${litColour}", fontcolor="#ffffff"` : ''
        return [`${indent}${quoted(path)} [label=${quoted(name)}, ${facts}${isFinal ? ', peripheries=2' : ''}${look}]`]
      }
      const look = isLit ? `, pencolor="${litColour}", penwidth=2` : ''
      return [
        `${indent}subgraph ${quoted(`cluster ${path}`)} {`,
        `${indent}  graph [label=${quoted(name)}, labeljust=l, style=rounded, margin=10, ${facts}${look}]`,
        ...starters(chart, path, `${indent}  `),
        ...inside(chart, path, `${indent}  `, lit),
        `${indent}}`,
      ]
    })
}

/** The dot that points at the first state of a nest, and, where arrows leave from whatever state in it is active, the word for that. */
function starters(chart: ChartOutline, nest: string, indent: string): string[] {
  const first = chart.states.find((state) => state.parent === nest && state.isInitial)
  const dot = `${indent}${quoted(`start ${nest}`)} [shape=point, width=0.09, label="", class="start"]`
  const any = `${indent}${quoted(`any ${nest}`)} [shape=plaintext, label="any state", fontsize=10, class="any"]`
  return [
    ...(first === undefined ? [] : [dot]),
    ...(chart.arrows.some((arrow) => arrow.from === nest && startsInside(chart, arrow)) ? [any] : []),
  ]
}

/** Graphviz can draw no arrow from the rim of a nest to a state within it. */
const startsInside = (chart: ChartOutline, { from, to }: { from: string; to: string }) =>
  from === '' || isWithin(to, from) || !isNest(chart, from)
const isWithin = (path: string, nest: string) => path.startsWith(`${nest}.`)
const isNest = (chart: ChartOutline, path: string) => chart.states.some((state) => state.path === path && state.isNest)

function edges(chart: ChartOutline): string[] {
  const starts = chart.states
    .filter(({ isInitial }) => isInitial)
    .map((state) => edge(quoted(`start ${state.parent}`), head(chart, state.path), ['class="first"', ...rims(chart, null, state)]))
  const pairs = new Map<string, { from: string; to: string; events: string[] }>()
  for (const { from, to, event } of chart.arrows) {
    const id = arrowId(from, to)
    const pair = pairs.get(id) ?? { from, to, events: [] }
    pairs.set(id, { ...pair, events: [...pair.events, event] })
  }
  const arrows = [...pairs].map(([id, { from, to, events }]) => {
    const isInside = from === '' || isWithin(to, from)
    const tail = isInside ? quoted(`any ${from}`) : head(chart, from)
    const label = events
      .filter((event) => event !== '')
      .map((event) => ` ${event} `)
      .join('\\n')
    const tooltip = `${from || 'any state'} → ${to}`
    return edge(tail, head(chart, to), [
      `id=${quoted(id)}`,
      'class="arrow"',
      `label="${label}"`,
      `tooltip=${quoted(tooltip)}, labeltooltip=${quoted(tooltip)}`,
      ...rims(chart, isInside ? null : from, stateOf(chart, to)),
    ])
  })
  return [...starts, ...arrows]
}

const edge = (tail: string, to: string, facts: readonly string[]) => `  ${tail} -> ${to} [${facts.join(', ')}]`
const stateOf = (chart: ChartOutline, path: string) => chart.states.find((state) => state.path === path) as StateOutline

/** An arrow to or from a nest ends at its rim, but is laid to a state in it. */
function head(chart: ChartOutline, path: string): string {
  const state = stateOf(chart, path)
  if (!state.isNest) return quoted(path)
  const first = chart.states.find(({ parent, isInitial }) => parent === path && isInitial)
  return first === undefined ? quoted(path) : head(chart, first.path)
}

function rims(chart: ChartOutline, from: string | null, to: StateOutline): string[] {
  const tail = from !== null && isNest(chart, from) ? [`ltail=${quoted(`cluster ${from}`)}`] : []
  // From within the nest there is no rim to cross.
  const isCrossed = to.isNest && (from === null || !isWithin(from, to.path))
  return [...tail, ...(isCrossed ? [`lhead=${quoted(`cluster ${to.path}`)}`] : [])]
}
