/** A metric as every exposition has it: one name, one sentence, and its values by labels. */
export interface Family {
  readonly name: string
  readonly help: string
  readonly type: 'counter' | 'gauge' | 'histogram' | 'summary' | 'untyped'
  readonly samples: readonly Sample[]
}

export interface Sample {
  /** Of the parts of a histogram or summary, what follows the name: `_bucket`, `_sum`, `_count`. */
  readonly suffix?: string
  readonly labels?: Labels
  readonly value: number
}

export type Labels = Readonly<Record<string, string | number>>

export function gauge(name: string, help: string, samples: readonly Sample[] | number): Family {
  return { name, help, type: 'gauge', samples: listOf(samples) }
}

/** @param name ends in `_total`, by convention */
export function counter(name: string, help: string, samples: readonly Sample[] | number): Family {
  return { name, help, type: 'counter', samples: listOf(samples) }
}

const listOf = (samples: readonly Sample[] | number): readonly Sample[] => (typeof samples === 'number' ? [{ value: samples }] : samples)

export interface Counted {
  readonly labels: Labels
  /** In the unit that the name ends in. */
  readonly sum: number
  /** One count for each bound and one for what is beyond, not accumulated. */
  readonly buckets: readonly number[]
}

/** @param bounds upper bounds of the buckets, in the unit that the name ends in */
export function histogram(name: string, help: string, bounds: readonly number[], counted: readonly Counted[]): Family {
  const samples = counted.flatMap(({ labels, sum, buckets }) => {
    let count = 0
    const accumulated = [...bounds, Number.POSITIVE_INFINITY].map((bound, index) => {
      count += buckets[index] ?? 0
      return { suffix: '_bucket', labels: { ...labels, le: numberText(bound) }, value: count }
    })
    return [...accumulated, { suffix: '_sum', labels, value: sum }, { suffix: '_count', labels, value: count }]
  })
  return { name, help, type: 'histogram', samples }
}

/** As the text format writes numbers. */
export function numberText(value: number): string {
  // Sums of decimals have a tail that says nothing.
  if (Number.isFinite(value)) return String(Number.isInteger(value) ? value : Number(value.toPrecision(12)))
  return Number.isNaN(value) ? 'NaN' : value > 0 ? '+Inf' : '-Inf'
}
