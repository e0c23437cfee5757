import type { Socket } from 'node:net'
import { PassThrough } from 'node:stream'
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { type Frame, frameBytes, type OutFrame, readFrames, writeFrame } from '../../../src/wire/frames.ts'

const limit = 64 * 2 ** 20

/** A newer Node reads one piece at a time. */
function allOf(socket: PassThrough): Buffer {
  const pieces: Buffer[] = []
  for (let piece = socket.read(); piece !== null; piece = socket.read()) pieces.push(piece as Buffer)
  return Buffer.concat(pieces)
}

function bytesOf(...frames: OutFrame[]): Buffer {
  const socket = new PassThrough({ highWaterMark: 2 * limit })
  for (const frame of frames) writeFrame(socket as unknown as Socket, frame)
  // What is written in one turn may be held together until its end.
  while (socket.writableCorked > 0) socket.uncork()
  return allOf(socket)
}

/** What a reader makes of bytes that come in pieces of these sizes, in turn. */
function received(bytes: Buffer, sizes: readonly number[] = [bytes.length], maxBytes = limit): { frames: Frame[]; refused: number[] } {
  const frames: Frame[] = []
  const refused: number[] = []
  const reader = readFrames(
    maxBytes,
    (frame) => frames.push(frame),
    (size) => refused.push(size),
  )
  for (let at = 0, turn = 0; at < bytes.length; turn++) {
    const size = Math.max(1, sizes[turn % sizes.length] ?? 1)
    // A socket's buffer may be used again once it has been read.
    const piece = Buffer.from(bytes.subarray(at, at + size))
    reader.push(piece)
    at += size
  }
  return { frames, refused }
}

const plain = ({ kind, flags = 0, call, meta, buffers = [] }: OutFrame | Frame) => ({
  kind, flags, call, meta: Buffer.from(meta).toString('hex'), buffers: buffers.map((buffer) => Buffer.from(buffer).toString('hex')),
}) // biome-ignore format: a list of facts

const someBytes = (maxLength: number) => fc.uint8Array({ maxLength })
const someFrame: fc.Arbitrary<OutFrame> = fc.record({
  kind: fc.nat(255),
  flags: fc.nat(255),
  call: fc.nat(2 ** 32 - 1),
  meta: fc.oneof(
    someBytes(40),
    fc.constantFrom(4_095, 4_096, 4_097, 9_001).map((size) => new Uint8Array(size).fill(7)),
  ),
  buffers: fc.array(someBytes(60), { maxLength: 5 }),
})

describe('frames', () => {
  test('come as they were sent, however the stream is cut', () => {
    fc.assert(
      fc.property(
        fc.array(someFrame, { maxLength: 6 }),
        fc.array(fc.integer({ min: 1, max: 50 }), { minLength: 1, maxLength: 8 }),
        (sent, sizes) => {
          const bytes = bytesOf(...sent)
          expect(bytes.length).toBe(sent.reduce((sum, frame) => sum + frameBytes(frame), 0))
          const { frames, refused } = received(bytes, sizes)
          expect(frames.map(plain)).toEqual(sent.map(plain))
          expect(refused).toEqual([])
        },
      ),
      { numRuns: 200 },
    )
  })

  test('of which a piece brings several are all told, in their order', () => {
    const sent = [1, 2, 3, 4].map((call) => ({ kind: 1, call, meta: new Uint8Array(call) }))
    expect(received(bytesOf(...sent)).frames.map(({ call }) => call)).toEqual([1, 2, 3, 4])
  })

  test('that are big have memory of their own, in which every part is aligned', () => {
    const big = Buffer.alloc(20 * 2 ** 20 + 3, 9)
    const { frames } = received(
      bytesOf({ kind: 3, call: 1, meta: Buffer.from('abc'), buffers: [big, Buffer.from('x'), big.subarray(1)] }),
      [65_536],
    )
    const [{ meta, buffers }] = frames as [Frame]
    expect(buffers.map(({ byteLength }) => byteLength)).toEqual([big.length, 1, big.length - 1])
    expect(Buffer.compare(buffers[0] as Uint8Array, big)).toBe(0)
    for (const part of [meta, ...buffers]) {
      expect(part.buffer).toBe(meta.buffer)
      expect(part.byteOffset % 8).toBe(0)
    }
  })

  test('up to the limit are taken, and one byte more is refused by its head, once, and nothing after it', () => {
    const frame = { kind: 1, call: 1, meta: new Uint8Array(1_000) }
    const size = frameBytes(frame)
    expect(received(bytesOf(frame), [7], size)).toMatchObject({ refused: [], frames: [{ call: 1 }] })
    expect(received(bytesOf(frame, frame), [7], size - 1)).toEqual({ refused: [size], frames: [] })
    expect(received(bytesOf({ kind: 1, call: 1, meta: new Uint8Array(0) }, frame), [4_000], size - 1)).toMatchObject({
      refused: [size],
      frames: [{ call: 1 }],
    })
  })

  test('that are none of ours are refused, and never read beyond their end', () => {
    fc.assert(
      fc.property(fc.uint8Array({ minLength: 4, maxLength: 80 }), fc.integer({ min: 1, max: 20 }), (noise, size) => {
        const { frames } = received(Buffer.from(noise), [size], 1_000)
        for (const { meta, buffers } of frames) {
          const bytes = [meta, ...buffers].reduce((sum, part) => sum + part.byteLength, 0)
          expect(bytes).toBeLessThanOrEqual(noise.length)
        }
      }),
    )
    // Whose meta part would be the beginning of the next frame.
    const greedy = bytesOf({ kind: 1, call: 1, meta: new Uint8Array(8) }, { kind: 1, call: 2, meta: Buffer.from('secret') })
    greedy.writeUInt32LE(24, 12)
    expect(received(greedy)).toMatchObject({ frames: [], refused: [24] })
    const short = Buffer.from([4, 0, 0, 0, 1, 0, 0, 0])
    expect(received(short).refused).toHaveLength(1)
  })
})

test('a writer is told when its last byte is out, and when the socket has enough', async () => {
  const socket = new PassThrough({ highWaterMark: 10 }) as unknown as Socket
  const written = new Promise<void>((resolve) => {
    expect(writeFrame(socket, { kind: 1, call: 1, meta: new Uint8Array(5_000), buffers: [new Uint8Array(9_000)] }, () => resolve())).toBe(
      false,
    )
  })
  socket.resume()
  await written
})
