import type { ArrowOutline, ChartOutline } from './outline.ts'

/** The chart for what renders mermaid: code hosts, editors, notebooks. `lit` are paths of states that stand out. */
export function mermaidOf(chart: ChartOutline, lit: readonly string[] = []): string {
  const shown = lit.length === 0 ? [] : ['  classDef lit fill:#0a7f78,color:#fff,stroke:#0a7f78', `  class ${lit.map(idOf).join(',')} lit`]
  return ['stateDiagram-v2', ...inside(chart, '', 1), ...shown].join('\n')
}

/** Mermaid puts a state into the block that first names it, so an arrow stands in the block that holds both its ends. */
function inside(chart: ChartOutline, parent: string, depth: number): string[] {
  const indent = '  '.repeat(depth)
  const children = chart.states.filter((state) => state.parent === parent)
  const lines = children.flatMap(({ path, name, isNest, isFinal }) => [
    `${indent}state "${name}" as ${idOf(path)}${isNest ? ' {' : ''}`,
    ...(isNest ? [...inside(chart, path, depth + 1), `${indent}}`] : []),
    ...(isFinal ? [`${indent}${idOf(path)} --> [*]`] : []),
  ])
  const initial = children.find(({ isInitial }) => isInitial)
  if (initial !== undefined) lines.push(`${indent}[*] --> ${idOf(initial.path)}`)
  for (const { from, to, event } of chart.arrows.filter((arrow) => holderOf(arrow) === parent)) {
    lines.push(`${indent}${idOf(from)} --> ${idOf(to)}${event === '' ? '' : ` : ${event}`}`)
  }
  return lines
}

const idOf = (path: string) => (path === '' ? 'any' : path.replaceAll(/[.-]/g, '_'))

/** The innermost state that holds both ends; the transitions of the chart itself are drawn from a node of their own. */
function holderOf({ from, to }: ArrowOutline): string {
  const outer = new Set(holdersOf(from))
  return holdersOf(to).find((path) => outer.has(path)) ?? ''
}

/** The states around one, the nearest first. */
function holdersOf(path: string): string[] {
  const parts = path.split('.').slice(0, -1)
  return parts.map((_, index) => parts.slice(0, parts.length - index).join('.'))
}
