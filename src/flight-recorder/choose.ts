/** Which steps of a recording are asked for. */
import type { Transition } from '../ipc/transition.ts'

export interface Choice {
  /** Milliseconds since the epoch. */
  readonly sinceAt: number
  /** A chart, an instance of one, a role, or a pid; null is all. */
  readonly actor: string | null
  /** The newest so many; null is all. */
  readonly last: number | null
}

export function choose(steps: readonly Transition[], { sinceAt, actor, last }: Choice): Transition[] {
  const chosen = steps.filter((step) => step.at >= sinceAt && (actor === null || isAbout(step, actor)))
  return last === null ? chosen : chosen.slice(Math.max(0, chosen.length - last))
}

/** A pid means the process itself, and the handle by which its parent sees it. */
export function isAbout(
  { chart, actor, role, pid, facts }: Pick<Transition, 'chart' | 'actor' | 'role' | 'pid' | 'facts'>,
  asked: string,
): boolean {
  return [chart, actor, role, String(pid), String(facts['childPid'] ?? '')].includes(asked)
}

const unitMs: Readonly<Record<string, number>> = { s: 1_000, m: 60_000, h: 3_600_000, d: 86_400_000 }

/**
 * Reads a moment: `all`, a time before the last step (`90s`, `10m`, `2h`, `1d`), a time of that day (`14:05`, `14:05:30`), or
 * a date. @returns null for what is none of these
 */
export function momentOf(text: string, lastAt: number): number | null {
  if (text === 'all') return Number.NEGATIVE_INFINITY
  const [, count, unit] = /^(\d+(?:\.\d+)?)([smhd])$/.exec(text) ?? []
  if (count !== undefined && unit !== undefined) return lastAt - Number(count) * (unitMs[unit] ?? 0)
  const [, hour, minute, second = '0'] = /^(\d{1,2}):(\d{2})(?::(\d{2}(?:\.\d+)?))?$/.exec(text) ?? []
  if (hour !== undefined) return new Date(lastAt).setHours(Number(hour), Number(minute), 0, Number(second) * 1_000)
  // Date.parse takes nearly anything for a date.
  const at = /^\d{4}-\d\d/.test(text) ? Date.parse(text) : Number.NaN
  return Number.isNaN(at) ? null : at
}
