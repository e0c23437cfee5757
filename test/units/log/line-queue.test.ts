import fc from 'fast-check'
import { expect, it } from 'vitest'
import { LineQueue } from '../../../src/log/line-queue.ts'

const take = (queue: LineQueue, line: string): boolean => queue.add(line, Buffer.byteLength(line), 64)

it('gives back every byte it took, in order, in chunks of whole lines', () => {
  const line = fc.string({ unit: 'grapheme', maxLength: 30 }).map((text) => `${text.replaceAll('\n', '')}\n`)
  fc.assert(
    fc.property(fc.array(line), fc.array(fc.nat(40)), (lines, writes) => {
      const queue = new LineQueue(1_000_000)
      for (const text of lines) expect(take(queue, text)).toBe(true)
      const out: Buffer[] = []
      for (let head = queue.head(), turn = 0; head !== null; head = queue.head(), turn++) {
        const lineCount = head.toString().split('\n').length - 1
        expect(lineCount === 1 || head.length <= 64).toBe(true)
        const bytes = Math.min(head.length, writes[turn] ?? head.length)
        out.push(head.subarray(0, bytes))
        queue.advance(bytes)
      }
      expect(Buffer.concat(out).toString()).toBe(lines.join(''))
      expect(queue.bytes).toBe(0)
    }),
  )
})

it('takes no more than it may hold', () => {
  const queue = new LineQueue(10)
  expect([take(queue, '12345\n'), take(queue, '12345\n'), take(queue, '123\n')]).toEqual([true, false, true])
})

it('cuts the rest of a line that was begun elsewhere, and only that', () => {
  const queue = new LineQueue(100)
  for (const line of ['one\n', 'two\n', 'three\n']) take(queue, line)
  queue.head()
  queue.advance(6)
  expect(queue.cutTornLine()).toBe(true)
  expect(queue.head()?.toString()).toBe('three\n')
  expect(queue.bytes).toBe(6)
  expect(queue.cutTornLine()).toBe(false)
})
