import { expect, test } from 'vitest'
import { createStatsd } from '../../../src/metrics/statsd.ts'

function gathered(options: { prefix?: string | null; tags?: string | null } = {}) {
  const packets: string[] = []
  const statsd = createStatsd({ prefix: null, tags: null, ...options, send: (packet) => void packets.push(packet) })
  return { statsd, packets }
}

test('counters are gathered, and told once with their number', () => {
  const { statsd, packets } = gathered()
  statsd.count('a')
  statsd.count('a', 4)
  statsd.count('b')
  statsd.flush()
  statsd.flush()
  expect(packets).toEqual(['a:5|c|@1.0\nb:1|c|@1.0'])
})

test('a value of zero is told', () => {
  const { statsd, packets } = gathered()
  statsd.gauge('g', 0)
  statsd.timing('t', 0)
  statsd.histogram('h', 0)
  statsd.flush()
  expect(packets).toEqual(['g:0|g\nt:0|ms\nh:0|h'])
})

test.each([
  ['a', 'a.m:1|g'],
  ['a.', 'a.m:1|g'],
  ['shop.web', 'shop.web.m:1|g'],
  ['shop..', 'shop.m:1|g'],
])('the prefix %s gets one dot', (prefix, line) => {
  const { statsd, packets } = gathered({ prefix })
  statsd.gauge('m', 1)
  statsd.flush()
  expect(packets).toEqual([line])
})

test('tags are put to every metric, and cannot break its line', () => {
  const { statsd, packets } = gathered({ tags: 'env:prod, host:a\n|x' })
  statsd.gauge('m', 1)
  statsd.flush()
  expect(packets).toEqual(['m:1|g|#env:prod,host:ax'])
})

test('a packet is never larger than an Ethernet takes, whatever the alphabet of its tags', () => {
  const { statsd, packets } = gathered({ tags: 'ort:münchen–süd' })
  for (let index = 0; index < 500; index++) statsd.timing(`request.${index}`, index / 7)
  statsd.flush()
  const sizes = packets.map((packet) => Buffer.byteLength(packet))
  expect(Math.max(...sizes)).toBeLessThanOrEqual(1_432)
  expect(Math.min(...sizes.slice(0, -1))).toBeGreaterThan(1_300)
  expect(packets.join('\n').split('\n').length).toBe(500)
})
