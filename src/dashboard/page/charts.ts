/** The charts as they were drawn when the page was built. */
import { drawings, outlines } from 'virtual:charts'
import type { Transition } from '../../ipc/transition.ts'
import type { ChartOutline } from '../../statechart/outline.ts'

const outlineOf = (chart: string): ChartOutline | null => outlines.find(({ name }) => name === chart) ?? null

/** Only what was built in may become markup. */
const policy = (
  globalThis as { trustedTypes?: { createPolicy(name: string, rules: object): { createHTML(text: string): string } } }
).trustedTypes?.createPolicy('charts', { createHTML: (text: string) => text })

export function drawingOf(chart: string): SVGSVGElement | null {
  const text = drawings[chart]
  if (text === undefined) return null
  const holder = document.createElement('div')
  holder.innerHTML = policy?.createHTML(text) ?? text
  // Each is drawn from end to end when it is taken, however long it is.
  for (const line of holder.querySelectorAll('.arrow path')) line.setAttribute('pathLength', '1')
  return holder.querySelector('svg')
}

/** The state and those around it. */
export function withOuter(path: string): string[] {
  const parts = path.split('.')
  return parts.map((_, index) => parts.slice(0, index + 1).join('.'))
}

/** The arrow of a step: charts name it by the state that has it, which may be one around the state that was left. */
export function arrowOf(chart: string, { event, from, to }: Transition): string | null {
  if (from === null) return null
  const name = event === 'always' ? '' : event
  const [left, entered] = [new Set(['', ...withOuter(from)]), new Set(withOuter(to))]
  const found = outlineOf(chart)?.arrows.filter((arrow) => arrow.event === name && left.has(arrow.from) && entered.has(arrow.to)) ?? []
  const arrow = found.sort((one, other) => other.from.length + other.to.length - (one.from.length + one.to.length))[0]
  return arrow === undefined ? null : `arrow:${arrow.from}>${arrow.to}`
}

export function sentenceOf(chart: string, path: string): string {
  return (
    outlineOf(chart)
      ?.states.find((state) => state.path === path)
      ?.description.replaceAll('`', '') ?? ''
  )
}

/** What every chart knows. */
const common: Readonly<Record<string, string>> = {
  always: 'Taken at once, as its condition held.',
  start: 'It began.',
  stopped: 'It was stopped by what had started it.',
  broken: 'The chart itself broke.',
}

export function eventSentenceOf(chart: string, event: string): string {
  return (
    outlineOf(chart)
      ?.events.find(({ name }) => name === event)
      ?.description.replaceAll('`', '') ??
    common[event] ??
    ''
  )
}
