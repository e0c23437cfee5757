import { expect, test } from 'vitest'
import { decode, encode } from '../../../src/wire/codec.ts'

test('more buffers than a frame counts travel inside the value', () => {
  const memory = Buffer.alloc(4_096, 1)
  const sent = Array.from({ length: 61_000 }, () => memory.subarray(0))
  const encoded = encode(sent)
  expect(encoded.buffers.length).toBeLessThan(2 ** 16)
  const back = decode<Buffer[]>(encoded)
  expect(back).toHaveLength(61_000)
  expect(back[60_999]?.equals(memory)).toBe(true)
})

test('a word, a number and a short list come back as they were, whatever way they went', () => {
  const same = [0, -0, 1.5, Number.NaN, Number.POSITIVE_INFINITY, 'grün ☃ \ud800', 'x'.repeat(1_000), '', true, null, undefined, 7n]
  for (const value of same) expect(decode(encode(value))).toBe(value)
  const holes: unknown[] = [1, 2, 3]
  delete holes[1]
  const named = Object.assign([1, 2], { index: 5 })
  for (const list of [[], same, [1, 'a', null], [undefined], [-0], [[1], { a: 2 }], holes, named])
    expect(decode(encode(list))).toStrictEqual(structuredClone(list))
  expect(() => encode([() => 1])).toThrow()
})
