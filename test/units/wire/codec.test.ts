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
