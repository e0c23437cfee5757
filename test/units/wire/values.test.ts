import type { Socket } from 'node:net'
import { PassThrough } from 'node:stream'
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { decode, encode } from '../../../src/wire/codec.ts'
import { readFrames, writeFrame } from '../../../src/wire/frames.ts'

const there = <T>(value: T): T => decode<T>(encode(value))

/** The same through a frame, in whose memory the buffers then lie. */
function sent<T>(value: T): T {
  const socket = new PassThrough({ highWaterMark: 2 ** 26 })
  writeFrame(socket as unknown as Socket, { kind: 1, call: 1, ...encode(value) })
  // What is written in one turn may be held together until its end.
  while (socket.writableCorked > 0) socket.uncork()
  let back: T | undefined
  const reader = readFrames(2 ** 26, (frame) => { back = decode<T>(frame) }, () => undefined) // biome-ignore format: short
  // A newer Node reads one piece at a time.
  for (let piece = socket.read(); piece !== null; piece = socket.read()) reader.push(piece as Buffer)
  return back as T
}

const classes = [
  Int8Array, Uint8Array, Uint8ClampedArray, Int16Array, Uint16Array, Int32Array, Uint32Array, Float32Array, Float64Array, BigInt64Array, BigUint64Array,
] as const // biome-ignore format: a list of names

describe.each(classes.map((View) => [View.name, View] as const))('a %s', (_, View) => {
  const size = View.BYTES_PER_ELEMENT
  test.each([0, size, 4_096 - size, 4_096, 4_096 + size, 100_000 * size])('of %d bytes comes as it was, of its class', (bytes) => {
    const memory = new ArrayBuffer(bytes + 2 * size)
    new Uint8Array(memory).forEach((_value, index, all) => { all[index] = index * 31 }) // biome-ignore format: short
    const view = new View(memory, size, bytes / size)
    for (const back of [there(view), sent(view)]) {
      expect(back.constructor).toBe(View)
      expect(back.length).toBe(view.length)
      expect(Buffer.from(back.buffer, back.byteOffset, back.byteLength).equals(Buffer.from(memory, size, bytes))).toBe(true)
    }
  })
})

test.each([0, 1, 4_095, 4_096, 4_097, 70_001])(
  'a Buffer, a DataView and an ArrayBuffer of %d bytes come as what they were, from odd offsets',
  (bytes) => {
    const memory = Buffer.alloc(bytes + 3, 5)
    const buffer = memory.subarray(3)
    const view = new DataView(memory.buffer, memory.byteOffset + 1, bytes)
    const alone = new Uint8Array(bytes).fill(9).buffer
    for (const back of [there({ buffer, view, alone }), sent({ buffer, view, alone })]) {
      expect(Buffer.isBuffer(back.buffer)).toBe(true)
      expect(back.buffer.equals(buffer)).toBe(true)
      expect(back.view).toBeInstanceOf(DataView)
      expect(back.view.byteLength).toBe(bytes)
      expect(back.alone).toBeInstanceOf(ArrayBuffer)
      expect(Buffer.from(back.alone).equals(Buffer.from(alone))).toBe(true)
    }
  },
)

test('a view beside a view keeps its own bytes, big or small', () => {
  const parts = [1, 5_000, 3, 4_096, 7, 4_095].map((bytes, index) => Buffer.alloc(bytes, index))
  expect(sent(parts).map((part) => [part.length, part[0]])).toEqual(parts.map((part, index) => [part.length, index]))
})

test('whatever structured clone takes comes as structured clone makes it', () => {
  const leaf = fc.oneof(
    fc.string(), fc.integer(), fc.double(), fc.bigInt(), fc.boolean(), fc.constant(null), fc.constant(undefined),
    fc.date({ noInvalidDate: false }), fc.constantFrom(/a+/giu, -0, Number.NaN), fc.uint8Array({ maxLength: 20 }),
  ) // biome-ignore format: a list of kinds
  const { value } = fc.letrec((tie) => ({
    value: fc.oneof({ maxDepth: 4 }, leaf, tie('list'), tie('object'), tie('map'), tie('set')),
    list: fc.array(tie('value'), { maxLength: 4 }),
    object: fc.dictionary(fc.string(), tie('value'), { maxKeys: 4 }),
    map: fc.array(fc.tuple(tie('value'), tie('value')), { maxLength: 3 }).map((entries) => new Map(entries)),
    set: fc.array(tie('value'), { maxLength: 3 }).map((entries) => new Set(entries)),
  }))
  fc.assert(
    fc.property(value, (one) => {
      expect(there(one)).toStrictEqual(structuredClone(one))
    }),
    { numRuns: 300 },
  )
})

test('rings, shared parts and errors come as they were', () => {
  const ring: { self?: unknown; parts: unknown[] } = { parts: [] }
  ring.self = ring
  const part = { big: Buffer.alloc(5_000, 1) }
  ring.parts.push(part, part)
  const back = there(ring)
  expect(back.self).toBe(back)
  expect(back.parts[0]).toBe(back.parts[1])
  expect(there(new RangeError('far'))).toMatchObject({ name: 'RangeError', message: 'far' })
})

test.each([
  ['a function', () => 1],
  ['a symbol', Symbol('s')],
  ['a promise', Promise.resolve()],
  ['a weak map', new WeakMap()],
])('what structured clone refuses is refused: %s', (_, value) => {
  for (const one of [value, [value], { deep: { value } }]) expect(() => encode(one)).toThrow()
})
