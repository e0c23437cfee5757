import { expect, test } from 'vitest'
import { counter, gauge, histogram, numberText } from '../../../src/metrics/family.ts'
import { prometheusText } from '../../../src/metrics/prometheus-text.ts'

test('a family is its help, its type and its values', () => {
  const text = prometheusText([gauge('a', 'One.', 1), counter('b_total', 'Two.', [{ labels: { x: 'y', n: 2 }, value: 0 }])])
  expect(text).toBe('# HELP a One.\n# TYPE a gauge\na 1\n# HELP b_total Two.\n# TYPE b_total counter\nb_total{x="y",n="2"} 0\n')
})

test('a family without a value is left out', () => {
  expect(prometheusText([gauge('a', 'One.', [])])).toBe('')
})

test('what would end a line or a label is escaped', () => {
  const text = prometheusText([gauge('a', 'a\\b\nc', [{ labels: { x: 'q"\\\n' }, value: 1 }])])
  expect(text).toBe('# HELP a a\\\\b\\nc\n# TYPE a gauge\na{x="q\\"\\\\\\n"} 1\n')
})

test('the buckets of a histogram add up, and the last is all', () => {
  const { samples } = histogram('h', 'H.', [0.1, 1], [{ labels: { k: 'v' }, sum: 4.5, buckets: [1, 2, 3] }])
  expect(samples.map(({ suffix, labels, value }) => [suffix, labels?.['le'], value])).toEqual([
    ['_bucket', '0.1', 1],
    ['_bucket', '1', 3],
    ['_bucket', '+Inf', 6],
    ['_sum', undefined, 4.5],
    ['_count', undefined, 6],
  ])
})

test('numbers are written as the format has them', () => {
  expect([0, 1e21, Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY, Number.NaN, 0.1 + 0.2].map(numberText)).toEqual([
    '0',
    '1e+21',
    '+Inf',
    '-Inf',
    'NaN',
    '0.3',
  ])
})
