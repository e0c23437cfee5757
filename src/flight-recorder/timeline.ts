/** A recording as text for people: one line a step, all processes in one stream or actor by actor. */
import { styleText } from 'node:util'
import { applyTransition, type Instance, type Instances } from '../ipc/instances.ts'
import type { Transition } from '../ipc/transition.ts'
import { printable } from '../log/printable.ts'
import { isAbout } from './choose.ts'

type Style = Parameters<typeof styleText>[0]
type Paint = (style: Style, text: string) => string

const painter =
  (hasColours: boolean): Paint =>
  (style, text) =>
    hasColours ? styleText(style, text, { validateStream: false }) : text

/** What lives on when the steps end: of the last server alone, when one was started after another. */
export function livingAfter(steps: readonly Transition[], actor: string | null): Instance[] {
  const living: Instances = new Map()
  for (const step of steps) {
    // What the one before could not say any more is over all the same.
    if (step.role === 'arbiter' && step.chart === 'arbiter' && step.from === null) living.clear()
    applyTransition(living, step)
  }
  return [...living.values()].filter((instance) => actor === null || isAbout({ ...instance, facts: instance.last.facts }, actor))
}

export function mergedTimeline(steps: readonly Transition[], living: readonly Instance[], hasColours: boolean): string {
  const paint = painter(hasColours)
  const whoWidth = widest(steps.map(whoOf))
  const actorWidth = widest(steps.map(({ actor }) => actor))
  const lines = steps.map((step, index) => {
    const before = steps[index - 1]
    const who = paint('dim', printable(whoOf(step)).padEnd(whoWidth))
    return `${dayBefore(step, before)}${timeColumn(step, before, paint)}  ${who}  ${paint('bold', printable(step.actor).padEnd(actorWidth))}  ${told(step, paint)}`
  })
  return [...lines, '', ...ending(living, steps.at(-1), paint)].join('\n')
}

export function timelineByActor(steps: readonly Transition[], living: readonly Instance[], hasColours: boolean): string {
  const paint = painter(hasColours)
  const blocks = actorsIn(steps).map((own) => {
    const [first] = own as [Transition]
    const head = `${paint('bold', printable(first.actor))} ${paint('dim', `in ${whoOf(first)}`)}`
    return [
      head,
      ...own.map((step, index) => `  ${dayBefore(step, own[index - 1])}${timeColumn(step, own[index - 1], paint)}  ${told(step, paint)}`),
    ].join('\n')
  })
  return [...blocks, ending(living, steps.at(-1), paint).join('\n')].join('\n\n')
}

/** In the order in which they began. */
function actorsIn(steps: readonly Transition[]): Transition[][] {
  const actors = new Map<string, Transition[]>()
  for (const step of steps) {
    const key = `${step.pid} ${step.actor}`
    const own = actors.get(key)
    if (own === undefined) actors.set(key, [step])
    else own.push(step)
  }
  return [...actors.values()]
}

function ending(living: readonly Instance[], last: Transition | undefined, paint: Paint): string[] {
  if (last === undefined) return []
  if (living.length === 0) return [paint('dim', 'Nothing of this is alive when the record ends.')]
  const width = widest(living.map(whoOf))
  const actorWidth = widest(living.map(({ actor }) => actor))
  const stateWidth = widest(living.map(({ state }) => state))
  const rows = living.map((instance) => {
    const state = paint(styleOf(instance.state), printable(instance.state).padEnd(stateWidth))
    const since = paint('dim', `since ${clock(instance.sinceAt)} (${instance.ledBy.event})`)
    return `  ${printable(whoOf(instance)).padEnd(width)}  ${printable(instance.actor).padEnd(actorWidth)}  ${state}  ${since}`
  })
  return [paint('dim', `Alive when the record ends, at ${clock(last.at)}:`), ...rows]
}

function told({ event, from, to, isOver, cause, facts }: Transition, paint: Paint): string {
  const state = paint(styleOf(to), printable(to))
  const move = from === null || from === to ? state : `${paint('dim', `${printable(from)} →`)} ${state}`
  const why = cause === null ? '' : paint('cyan', `  ← ${printable(cause)}`)
  const rest = Object.entries(facts)
    .filter(([name, value]) => !quiet.has(name) && value !== null && value !== '' && !(typeof value === 'string' && cause?.includes(value)))
    .map(([name, value]) => ` ${name}=${value}`)
    .join('')
  const end = isOver && from !== null ? paint('dim', ' ■') : ''
  return `${printable(event)}: ${move}${end}${why}${rest === '' ? '' : paint('dim', ` ${printable(rest)}`)}`
}

/** What only machines read, or what another column says. */
const quiet = new Set(
  'id age generation bootTimeoutMs graceMs unavailableMax triesMax pauseMs ok isQuick dice wasReady ending lane'.split(' '),
)

function styleOf(state: string): Style {
  if (/^(killing|failed|rolledBack|waiting|saturated)/.test(state)) return 'red'
  if (/^(draining|leaving|closing|stopping)/.test(state)) return 'yellow'
  if (/^(booting|opening|starting|binding)/.test(state)) return 'blue'
  if (/^(gone|stopped|closed)/.test(state)) return 'gray'
  return 'green'
}

function whoOf({ role, slot, pid }: Pick<Transition, 'role' | 'slot' | 'pid'>): string {
  return `${role}${slot === null ? '' : ` slot ${slot}`} (${pid})`
}

const widest = (texts: readonly string[]) =>
  Math.min(
    40,
    texts.reduce((most, text) => Math.max(most, text.length), 0),
  )

function dayBefore({ at }: Transition, before: Transition | undefined): string {
  const day = dayOf(at)
  return before !== undefined && dayOf(before.at) === day ? '' : `-- ${day}\n`
}

function timeColumn({ at }: Transition, before: Transition | undefined, paint: Paint): string {
  return `${clock(at)} ${paint('dim', (before === undefined ? '' : passed(at - before.at)).padStart(9))}`
}

function passed(ms: number): string {
  if (ms < 10) return `+${ms.toFixed(1)} ms`
  if (ms < 1_000) return `+${Math.round(ms)} ms`
  return ms < 600_000 ? `+${(ms / 1_000).toFixed(1)} s` : `+${Math.round(ms / 60_000)} min`
}

const two = (number: number, digits = 2) => String(number).padStart(digits, '0')

function clock(at: number): string {
  const date = new Date(at)
  return `${two(date.getHours())}:${two(date.getMinutes())}:${two(date.getSeconds())}.${two(date.getMilliseconds(), 3)}`
}

function dayOf(at: number): string {
  const date = new Date(at)
  return `${date.getFullYear()}-${two(date.getMonth() + 1)}-${two(date.getDate())}`
}
