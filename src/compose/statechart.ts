/** `monoceros statechart`: the charts that run, for people and for what draws. */
import { readFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { parseArgs } from 'node:util'
import type { AnyStateMachine } from 'xstate'
import { charts } from '../../machines/index.ts'
import { MonocerosError, problemOf } from '../base/errors.ts'
import { nearest } from '../base/nearest.ts'
import { dotOf } from '../statechart/dot.ts'
import { litSvg, stacked, statesMeant } from '../statechart/lit.ts'
import { mermaidOf } from '../statechart/mermaid.ts'
import { type ChartOutline, outlineOf } from '../statechart/outline.ts'

const formats = ['mermaid', 'dot', 'svg', 'json'] as const
type Format = (typeof formats)[number]

/** @returns the exit code of the process */
export function runStatechart(args: readonly string[]): number {
  const { name, format, states } = read(args)
  const chosen = Object.entries(charts).filter(([chart]) => name === 'all' || chart === name)
  const outlines = chosen.map(([chart, machine]) => outlineOf(chart, machine as unknown as AnyStateMachine))
  checkStates(outlines, states)
  process.stdout.write(`${drawn(outlines, format, states, name === 'all')}\n`)
  return 0
}

function drawn(outlines: readonly ChartOutline[], format: Format, states: readonly string[], isAll: boolean): string {
  const each = (draw: (chart: ChartOutline, lit: string[]) => string) => outlines.map((chart) => draw(chart, statesMeant(chart, states)))
  switch (format) {
    case 'mermaid':
      return each((chart, lit) => `%% ${chart.name}: ${chart.description}\n${mermaidOf(chart, lit)}`).join('\n\n')
    case 'dot':
      return each(dotOf).join('\n\n')
    case 'svg': {
      const svgs = each((chart, lit) => litSvg(drawingOf(chart.name), lit))
      return (isAll ? stacked(svgs) : svgs.join('')).trimEnd()
    }
    case 'json': {
      const told = outlines.map((chart) => ({ ...chart, lit: statesMeant(chart, states) }))
      return JSON.stringify(isAll ? told : told[0], null, 2)
    }
  }
}

/** Drawn when the package was built, so that nobody has to install what draws. */
function drawingOf(chart: string): string {
  const path = fileURLToPath(new URL(`../../charts/${chart}.svg`, import.meta.url))
  try {
    return readFileSync(path, 'utf8')
  } catch (error) {
    throw new MonocerosError('MON_BUILD_MISSING', { path }, error)
  }
}

function read(args: readonly string[]): { name: string; format: Format; states: string[] } {
  const { values, positionals } = parsed(args)
  const [name = 'all', ...more] = positionals
  if (more.length > 0) throw usage(`one chart at a time, or all; ${more[0]} is one too many`)
  if (name !== 'all' && !Object.hasOwn(charts, name)) throw unknown('chart', name, [...Object.keys(charts), 'all'])
  const format = formats.find((word) => word === values.format)
  if (format === undefined) throw unknown('format', values.format, formats)
  return { name, format, states: values.state }
}

function parsed(args: readonly string[]) {
  try {
    return parseArgs({
      args: [...args],
      options: { format: { type: 'string', default: 'mermaid', short: 'f' }, state: { type: 'string', multiple: true, default: [] } },
      allowPositionals: true,
    })
  } catch (error) {
    throw usage(problemOf(error))
  }
}

function checkStates(outlines: readonly ChartOutline[], states: readonly string[]): void {
  const known = outlines.flatMap((chart) => chart.states.flatMap(({ path, name }) => [path, name]))
  for (const state of states) if (!known.includes(state)) throw unknown('state', state, known)
}

const form = 'monoceros statechart [NAME|all] [--format mermaid|dot|svg|json] [--state PATH ...]'
const usage = (problem: string) =>
  new MonocerosError('MON_CLI_USAGE', { source: 'statechart', problem: `${problem}; the form is: ${form}` })

function unknown(what: string, given: string, known: readonly string[]): MonocerosError {
  const meant = nearest(given, known)
  return new MonocerosError('MON_CHART_UNKNOWN', { what, given, hint: meant === undefined ? '' : ` (did you mean ${meant}?)` })
}
