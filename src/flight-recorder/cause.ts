/** In a few words, what led to an event: of what it brought, when that says more than its name. */
import type { StepFacts } from './facts.ts'

export function causeOf(event: string, facts: StepFacts): string | null {
  const text = (name: string) => (typeof facts[name] === 'string' && facts[name] !== '' ? facts[name] : null)
  switch (event) {
    case 'child.exited': {
      if (text('signal') !== null) return text('signal')
      return facts['code'] === null || facts['code'] === undefined ? 'it was not started' : `exit code ${facts['code']}`
    }
    case 'child.silent':
    case 'lane.overdue':
    case 'overdue':
      return `blocked for ${secondsOf(facts['blockedMs'])}`
    case 'child.frozen':
      return `frozen for ${secondsOf(facts['silentMs'])}`
    case 'child.hung':
      return `no beat for ${secondsOf(facts['silentMs'])}`
    case 'child.draining':
      return text('problem') ?? 'somebody else told it to leave'
    case 'worker.failed':
    case 'listener.failed':
      return text('problem')
    default:
      break
  }
  if (facts['ending'] === 'as-asked') return null
  return text('reason') ?? text('how') ?? text('problem')
}

function secondsOf(ms: unknown): string {
  return typeof ms === 'number' ? `${Number((ms / 1_000).toPrecision(3))} s` : 'too long'
}
