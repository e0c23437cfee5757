/** What an event brought, as numbers and words: bounded, whatever it was. */
type Fact = string | number | boolean | null
export type StepFacts = Readonly<Record<string, Fact>>

const factsMax = 12
const textMax = 300
/** Clocks and jitter of the charts, and what other facts say. */
const silent = new Set(['type', 'atMs', 'dice', 'actorId'])
/** What an event carries as a whole. */
const carried = new Set(['exit', 'output', 'input'])

export function factsOf(event: Readonly<Record<string, unknown>>): Record<string, Fact> {
  const facts: Record<string, Fact> = {}
  collect(facts, event)
  return facts
}

function collect(facts: Record<string, Fact>, from: Readonly<Record<string, unknown>>): void {
  for (const [name, value] of Object.entries(from)) {
    if (Object.keys(facts).length >= factsMax) return
    if (silent.has(name)) continue
    if (name === 'error') facts['problem'] = clip(problemIn(value))
    else if (carried.has(name) && typeof value === 'object' && value !== null) collect(facts, value as Record<string, unknown>)
    else if (value === null || typeof value === 'number' || typeof value === 'boolean') facts[nameOf(name)] = value
    else if (typeof value === 'string') facts[nameOf(name)] = clip(value)
  }
}

/** `pid` is that of the process which recorded the step. */
const nameOf = (name: string) => (name === 'pid' ? 'childPid' : name)

function problemIn(error: unknown): string {
  return error instanceof Error ? error.message : String(error)
}

export function clip(text: string): string {
  return text.length <= textMax ? text : `${text.slice(0, textMax - 1)}…`
}
