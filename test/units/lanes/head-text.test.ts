import fc from 'fast-check'
import { expect, test } from 'vitest'
import { type Ends, headFields, packEnds, packHead, packTrailers, unpackHead, unpackTrailers } from '../../../src/lanes/head-text.ts'

/** What the parser lets through: a byte to a character, and no NUL. */
const field = fc.array(fc.integer({ min: 1, max: 255 }), { maxLength: 12 }).map((codes) => String.fromCharCode(...codes))
const headers = fc.array(fc.tuple(field, field), { maxLength: 20 }).map((pairs) => pairs.flat())
const ends = fc.record<Ends>({
  remoteAddress: fc.option(fc.ipV6()),
  remotePort: fc.option(fc.nat(65_535)),
  localAddress: fc.option(fc.ipV4()),
  localPort: fc.option(fc.nat(65_535)),
})

test('a head comes out as it went in, with fields that repeat or are empty', () => {
  fc.assert(
    fc.property(field, field, ends, headers, (method, url, given, rawHeaders) => {
      const fields = unpackHead(packHead(method, url, packEnds(given), rawHeaders))
      expect([fields[headFields.method], fields[headFields.url]]).toEqual([method, url])
      const told = (value: string | number | null) => String(value ?? '')
      expect(fields[headFields.remoteAddress]).toBe(told(given.remoteAddress))
      expect(fields[headFields.remotePort]).toBe(told(given.remotePort))
      expect(fields[headFields.localAddress]).toBe(told(given.localAddress))
      expect(fields[headFields.localPort]).toBe(told(given.localPort))
      expect(fields.slice(headFields.headers)).toEqual(rawHeaders)
    }),
  )
})

test('trailers come out as they went in, and none as none', () => {
  fc.assert(
    fc.property(headers, (rawTrailers) => {
      expect(unpackTrailers(packTrailers(rawTrailers))).toEqual(rawTrailers)
    }),
  )
  expect(unpackTrailers(packTrailers([]))).toEqual([])
})
