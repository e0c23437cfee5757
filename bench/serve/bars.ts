/** Comparisons and their bars, as ratios (or differences) within each round: only these survive a busy machine. */
import type { Figures, Round } from './rounds.ts'

export interface Bar {
  readonly what: string
  readonly against: string
  /** The figure to hold against the bar, from one round. */
  of(round: Round): number
  readonly atLeast?: number
  readonly atMost?: number
  readonly unit?: string
}

interface Named {
  readonly name: string
}

export interface Verdict {
  readonly what: string
  readonly against: string
  readonly median: number
  readonly min: number
  readonly max: number
  readonly unit: string
  readonly bar: string
  /** Null where there is no bar. */
  readonly isMet: boolean | null
}

export function judge(rounds: readonly Round[], { what, against, of, atLeast, atMost, unit = '×' }: Bar): Verdict {
  const values = rounds.map(of).toSorted((a, b) => a - b)
  const median = medianOf(values)
  const bar = atLeast !== undefined ? `≥ ${atLeast}` : atMost !== undefined ? `≤ ${atMost}` : ''
  const isMet = bar === '' ? null : median >= (atLeast ?? Number.NEGATIVE_INFINITY) && median <= (atMost ?? Number.POSITIVE_INFINITY)
  return { what, against, median, min: values[0] ?? Number.NaN, max: values.at(-1) ?? Number.NaN, unit, bar, isMet }
}

function medianOf(sorted: readonly number[]): number {
  const middle = Math.floor(sorted.length / 2)
  return sorted.length % 2 === 1 ? (sorted[middle] as number) : ((sorted[middle - 1] as number) + (sorted[middle] as number)) / 2
}

/** A figure of the first of the two over that of the second. */
export function ratioBar(what: string, figure: string, [arm, other]: readonly [Named, Named], bar: Pick<Bar, 'atLeast' | 'atMost'>): Bar {
  return { what, against: other.name, of: (round) => figureOf(round, arm.name, figure) / figureOf(round, other.name, figure), ...bar }
}

/** For a table: the median of the rounds, and between what they were. */
export function spreadOf(rounds: readonly Round[], arm: string, figure: string): string {
  const values = rounds.map((round) => figureOf(round, arm, figure)).toSorted((a, b) => a - b)
  return `${short(medianOf(values))} (${short(values[0] ?? Number.NaN)} – ${short(values.at(-1) ?? Number.NaN)})`
}

export function figureOf(round: Round, arm: string, figure: string): number {
  return (round[arm] as Figures)[figure] as number
}

export function tableOf(verdicts: readonly Verdict[]): string {
  const rows = verdicts.map((verdict) => [
    verdict.what,
    verdict.against,
    `${short(verdict.median)}${verdict.unit}`,
    `${short(verdict.min)} – ${short(verdict.max)}`,
    verdict.bar,
    verdict.isMet === null ? '' : verdict.isMet ? 'pass' : 'MISS',
  ])
  return alignedTable(['what', 'against', 'median', 'spread', 'bar', ''], rows)
}

const short = (value: number): string => (Math.abs(value) < 10 ? value.toFixed(2) : value.toFixed(1))

export function alignedTable(head: readonly string[], rows: readonly (readonly string[])[]): string {
  const widths = head.map((title, column) => Math.max(title.length, ...rows.map((row) => row[column]?.length ?? 0)))
  const lineOf = (cells: readonly string[]) =>
    cells
      .map((cell, column) => cell.padEnd(widths[column] ?? 0))
      .join('  ')
      .trimEnd()
  return [head, ...rows].map(lineOf).join('\n')
}
