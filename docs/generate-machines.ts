import type { AnyStateMachine } from 'xstate'
import { charts } from '../machines/index.ts'
import { mermaidOf } from '../src/statechart/mermaid.ts'
import { type ChartOutline, outlineOf } from '../src/statechart/outline.ts'

export function machinesPage(): string {
  const parts = Object.entries(charts).map(([name, machine]) => chartPart(outlineOf(name, machine as unknown as AnyStateMachine)))
  return `# Charts

Every lifecycle is a statechart, and these are drawn from the charts that run. The names of the states are the same
everywhere: \`booting\`, \`ready\`, \`draining\` (graceful shutdown), \`killing\` (timeout kill), \`gone\` (the arbiter: \`stopped\`).
An arrow without an event is taken at once, as soon as its condition holds. The same on a terminal, or as a picture:
\`monoceros statechart worker-handle --format svg --state draining\`.

${parts.join('\n\n')}
`
}

function chartPart(chart: ChartOutline): string {
  return `## ${chart.name}

${chart.description}

\`\`\`mermaid
${mermaidOf(chart)}
\`\`\`

States:

${chart.states.map(({ path, description }) => `- \`${path}\`: ${description}`).join('\n')}

Events:

${chart.events.map(({ name, description }) => `- \`${name}\`: ${description}`).join('\n')}`
}
