/** The merge is held against prom-client's own. */
import client from 'prom-client'
import { describe, expect, test } from 'vitest'
import { type AppMetric, keepCounted, mergeRegistries } from '../../../src/metrics/app-registries.ts'
import { prometheusText } from '../../../src/metrics/prometheus-text.ts'

/** What an app might keep, with other figures in each process. */
async function registryOf(seed: number): Promise<AppMetric[]> {
  const register = new client.Registry()
  const registers = [register]
  const labelNames = ['path']
  const counter = new client.Counter({ name: 'hits_total', help: 'Hits.', labelNames, registers })
  counter.inc({ path: '/a' }, seed)
  counter.inc({ path: `/${seed}` }, 1)
  for (const aggregator of ['sum', 'first', 'min', 'max', 'average', 'omit'] as const) {
    new client.Gauge({ name: `level_${aggregator}`, help: 'A "level".', registers, aggregator }).set(seed * 1.5)
  }
  const histogram = new client.Histogram({ name: 'took_seconds', help: 'Took.', labelNames, buckets: [0.1, 1], registers })
  histogram.observe({ path: '/a' }, seed / 10)
  histogram.observe({ path: '/a' }, 3)
  const summary = new client.Summary({ name: 'size_bytes', help: 'Size.', percentiles: [0.5], registers })
  summary.observe(seed)
  return (await register.getMetricsAsJSON()) as unknown as AppMetric[]
}

const linesOf = (text: string) =>
  text
    .split('\n')
    .filter((line) => line !== '')
    .sort()

test('registries are made one as prom-client does it', async () => {
  const registries = await Promise.all([1, 2, 5].map(registryOf))
  const expected = await client.AggregatorRegistry.aggregate(structuredClone(registries) as never).metrics()
  expect(linesOf(prometheusText(mergeRegistries(registries)))).toEqual(linesOf(expected))
})

describe('what an app tells is not trusted', () => {
  const metric = (changes: object) => [{ name: 'x', help: 'X.', type: 'counter', values: [{ value: 1 }], ...changes } as AppMetric]

  test.each([[{ name: 'no name' }], [{ name: 7 }], [{ help: null }], [{ values: 'none' }], [{ name: 'monoceros_workers' }]])(
    '%j',
    (changes) => {
      expect(mergeRegistries([metric(changes)])).toEqual([])
    },
  )

  test('a type that is none is untyped', () => {
    expect(mergeRegistries([metric({ type: 'drop\ntable' })])[0]?.type).toBe('untyped')
  })
})

test('of a process that is gone, what it has counted counts on, and what it was at does not', async () => {
  const [gone, living] = await Promise.all([registryOf(3), registryOf(1)])
  const past = keepCounted(keepCounted([], gone!), gone!)
  const text = prometheusText(mergeRegistries([past, living!]))
  expect(text).toContain('hits_total{path="/a"} 7\n')
  expect(text).toContain('took_seconds_count{path="/a"} 6\n')
  expect(text).toContain('level_sum 1.5\n')
  expect(text).toContain('size_bytes_count 1\n')
})

test('what is kept of the dead is bounded', () => {
  const many = Array.from({ length: 30_000 }, (_, index) => ({ value: 1, labels: { id: String(index) } }))
  const past = keepCounted([], [{ name: 'hits_total', help: 'Hits.', type: 'counter', values: many }])
  expect(past[0]?.values.length).toBe(10_000)
})
