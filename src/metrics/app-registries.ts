/**
 * The metrics that apps keep with prom-client: one registry in each process or thread of a worker, made into one by the
 * rules of its AggregatorRegistry.
 */
import type { Family, Sample } from './family.ts'

/** As `getMetricsAsJSON()` of prom-client has it. */
export interface AppMetric {
  readonly name: string
  readonly help: string
  readonly type: string
  readonly aggregator?: string
  readonly values: readonly AppValue[]
}

interface AppValue {
  readonly value: number
  readonly labels?: Readonly<Record<string, string | number>>
  /** Of the parts of a histogram or summary. */
  readonly metricName?: string
}

interface Gathered {
  readonly metric: AppMetric
  /** By name of the part and labels. */
  readonly series: Map<string, { readonly first: AppValue; readonly values: number[] }>
}

const types = new Set(['counter', 'gauge', 'histogram', 'summary'])
const nameShape = /^[a-zA-Z_:][a-zA-Z0-9_:]*$/
/** Ours: an app cannot speak for the server. */
const ownPrefix = 'monoceros_'

export function mergeRegistries(registries: readonly (readonly AppMetric[])[]): Family[] {
  return [...gather(registries).values()].flatMap(({ metric, series }) => {
    const { name, help, type, aggregator = 'sum' } = metric
    const join = joins[aggregator]
    if (join === undefined) return []
    const samples: Sample[] = [...series.values()].map(({ first: { metricName = name, labels = {} }, values }) => ({
      suffix: metricName.startsWith(name) ? metricName.slice(name.length) : '',
      labels,
      value: join(values),
    }))
    return [{ name, help, type: (types.has(type) ? type : 'untyped') as Family['type'], samples }]
  })
}

/** `omit` is none of them: what it marks is left out. */
const joins: Readonly<Record<string, (values: readonly number[]) => number>> = {
  sum: (values) => values.reduce((total, value) => total + value, 0),
  first: ([value = 0]) => value,
  min: (values) => Math.min(...values),
  max: (values) => Math.max(...values),
  average: (values) => values.reduce((total, value) => total + value, 0) / values.length,
}

function gather(registries: readonly (readonly AppMetric[])[]): Map<string, Gathered> {
  const gathered = new Map<string, Gathered>()
  for (const metric of registries.flat()) {
    if (!isMetric(metric)) continue
    const { series } = gathered.get(metric.name) ?? { series: new Map() }
    gathered.set(metric.name, { metric: gathered.get(metric.name)?.metric ?? metric, series })
    for (const value of metric.values) {
      const key = `${value.metricName ?? ''}${JSON.stringify(Object.entries(value.labels ?? {}).sort(([one], [other]) => (one < other ? -1 : 1)))}`
      const before = series.get(key)
      if (before === undefined) series.set(key, { first: value, values: [value.value] })
      else before.values.push(value.value)
    }
  }
  return gathered
}

/** It came out of the app: nothing is taken for granted. */
function isMetric(metric: AppMetric): boolean {
  return (
    typeof metric?.name === 'string' &&
    nameShape.test(metric.name) &&
    !metric.name.startsWith(ownPrefix) &&
    typeof metric.help === 'string' &&
    Array.isArray(metric.values)
  )
}

const seriesMax = 10_000

/**
 * What counts on when the process that has counted it is gone: else every recycle would look like a fall. Both are summed,
 * and only what is summed anyway.
 */
export function keepCounted(past: readonly AppMetric[], gone: readonly AppMetric[]): AppMetric[] {
  const lasting = [past, gone].map((metrics) =>
    metrics.filter(({ type, aggregator = 'sum' }) => (type === 'counter' || type === 'histogram') && aggregator === 'sum'),
  )
  let room = seriesMax
  return [...gather(lasting).values()].map(({ metric, series }) => {
    const values = [...series.values()]
      .slice(0, Math.max(0, room))
      .map(({ first, values: counts }) => ({ ...first, value: joins['sum']!(counts) }))
    room -= values.length
    return { ...metric, values }
  })
}
