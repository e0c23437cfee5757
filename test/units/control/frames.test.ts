import fc from 'fast-check'
import { expect, test } from 'vitest'
import { FrameError, frameReader, toFrame } from '../../../src/control/frames.ts'

test('messages come whole, however their bytes are cut', () => {
  const messages = fc.array(fc.record({ id: fc.integer(), command: fc.string({ unit: 'binary' }) }), { maxLength: 8 })
  fc.assert(
    fc.property(messages, fc.infiniteStream(fc.integer({ min: 1, max: 40 })), (sent, sizes) => {
      const bytes = Buffer.concat(sent.map(toFrame))
      const read = frameReader(10_000)
      const came: unknown[] = []
      for (let at = 0; at < bytes.length; ) {
        const size = sizes.next().value as number
        came.push(...read(bytes.subarray(at, at + size)))
        at += size
      }
      expect(came).toEqual(sent.map((message) => JSON.parse(JSON.stringify(message))))
    }),
  )
})

test('a frame that is too long is known by its length alone, and is the last that is read', () => {
  const read = frameReader(100)
  const [first, second, ...more] = read(Buffer.concat([toFrame({ id: 1 }), Buffer.from([0, 0, 0, 101]), toFrame({ id: 2 })]))
  expect(first).toEqual({ id: 1 })
  expect(second).toBeInstanceOf(FrameError)
  expect(more).toEqual([])
  expect(read(toFrame({ id: 3 }))).toEqual([])
})
