import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { createRing, type Record, type RingReader, type RingWriter, readRing, writeRing } from '../../../src/lanes/ring.ts'

/** The longest payload that is sure to find room in an empty ring. */
const payloadMaxOf = (capacity: number) => capacity / 4

const capacity = 1_024
const empty = (): Record => ({ kind: 0, slot: 0, stamp: 0, a: 0, b: 0, offset: 0, length: 0 })

function ringOf(bytes = capacity): { writer: RingWriter; reader: RingReader } {
  const memory = createRing(bytes)
  return { writer: writeRing(memory), reader: readRing(memory) }
}

/** A payload that no other record has. */
const payloadOf = (stamp: number, length: number) => Buffer.from(Array.from({ length }, (_, index) => (stamp * 31 + index * 7) & 0xff))

function write(writer: RingWriter, stamp: number, reserved: number, used: number): boolean {
  const offset = writer.reserve(reserved)
  if (offset === -1) return false
  writer.bytes.set(payloadOf(stamp, used), offset)
  writer.commit(stamp & 0x7f, stamp % 1_000, stamp, -stamp, stamp * 3, used)
  return true
}

function read(reader: RingReader): { stamp: number; length: number } | null {
  const record = empty()
  if (!reader.next(record)) return null
  const { kind, slot, stamp, a, b, offset, length } = record
  expect([kind, slot, a, b].join()).toBe([stamp & 0x7f, stamp % 1_000, -stamp, stamp * 3].join())
  expect(reader.bytes.subarray(offset, offset + length).equals(payloadOf(stamp, length))).toBe(true)
  return { stamp, length }
}

const step = fc.oneof(
  fc.record({
    what: fc.constant('write' as const),
    reserved: fc.nat(payloadMaxOf(capacity)),
    share: fc.double({ min: 0, max: 1, noNaN: true }),
  }),
  fc.record({ what: fc.constant('read' as const), times: fc.integer({ min: 1, max: 4 }) }),
)

test('what is written is read once, in order and unchanged, however writer and reader take turns', () => {
  fc.assert(
    fc.property(fc.array(step, { maxLength: 300, size: 'max' }), (steps) => {
      const { writer, reader } = ringOf()
      const wanted: { stamp: number; length: number }[] = []
      let stamp = 1
      for (const one of steps) {
        if (one.what === 'read') for (let time = 0; time < one.times; time++) expect(read(reader)).toEqual(wanted.shift() ?? null)
        else {
          const length = Math.floor(one.reserved * one.share)
          if (write(writer, stamp, one.reserved, length)) wanted.push({ stamp: stamp++, length })
          // The place of what was read last is free with the next read.
          else expect(wanted.length > 0 || read(reader) === null).toBe(true)
        }
      }
      while (wanted.length > 0) expect(read(reader)).toEqual(wanted.shift())
      expect(read(reader)).toBeNull()
    }),
  )
})

describe('a full ring', () => {
  test('takes no more until something was read, and then does', () => {
    const { writer, reader } = ringOf()
    let count = 0
    while (write(writer, count + 1, 100, 100)) count++
    // 24 bytes of header and 104 of payload.
    expect(count).toBe(8)
    expect(writer.reserve(0)).toBe(-1)
    read(reader)
    expect(writer.reserve(0)).toBe(-1)
    read(reader)
    expect(write(writer, 9, 100, 100)).toBe(true)
    expect(writer.reserve(0)).toBe(-1)
    expect(Array.from({ length: 8 }, () => read(reader)?.stamp)).toEqual([3, 4, 5, 6, 7, 8, 9, undefined])
  })

  test('that is empty has room for the longest payload, wherever it stands', () => {
    const longest = payloadMaxOf(capacity)
    for (let start = 0; start < capacity; start += 8) {
      const { writer, reader } = ringOf()
      for (let at = 0; at < start; at += 24) {
        writer.reserve(0)
        writer.commit(0, 0, 0, 0, 0, 0)
        reader.next(empty())
      }
      reader.next(empty())
      expect(write(writer, 5, longest, longest)).toBe(true)
      expect(read(reader)).toEqual({ stamp: 5, length: longest })
    }
  })
})

test('positions may pass 2^32', () => {
  const { writer, reader } = ringOf(64 * 1_024)
  const record = empty()
  const length = 16 * 1_024 - 64
  const count = Math.ceil(2 ** 32 / length) + 1_000
  for (let stamp = 1; stamp <= count; stamp++) {
    const offset = writer.reserve(length)
    if (offset === -1) throw new Error(`no room for record ${stamp}`)
    writer.bytes.writeUInt32LE(stamp, offset)
    writer.commit(1, 2, stamp, 3, 4, length)
    if (!reader.next(record) || record.stamp !== stamp || reader.bytes.readUInt32LE(record.offset) !== stamp) {
      throw new Error(`record ${stamp} was not read as it was written`)
    }
  }
})

describe('the bell', () => {
  test('a reader sleeps from the beginning, and is to be rung once', () => {
    const { writer } = ringOf()
    expect([writer.takeSleeper(), writer.takeSleeper()]).toEqual([true, false])
  })

  test('a reader that finds something as it lies down is awake, unless it is rung already', () => {
    const { writer, reader } = ringOf()
    writer.takeSleeper()
    write(writer, 1, 0, 0)
    expect(reader.sleep()).toBe(false)
    expect(writer.takeSleeper()).toBe(false)
    read(reader)
    expect(read(reader)).toBeNull()
    expect(reader.sleep()).toBe(true)
    expect(writer.takeSleeper()).toBe(true)
  })

  test('a reader that will look by itself is not rung', () => {
    const { writer, reader } = ringOf()
    reader.stayAwake()
    expect(writer.takeSleeper()).toBe(false)
  })

  test('a writer that waits for room is told once', () => {
    const { writer, reader } = ringOf()
    expect(reader.takeCramped()).toBe(false)
    writer.wantRoom()
    expect([reader.takeCramped(), reader.takeCramped()]).toEqual([true, false])
  })
})
