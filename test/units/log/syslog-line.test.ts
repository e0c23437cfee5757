import { hostname } from 'node:os'
import { expect, test } from 'vitest'
import { facilities, facilityNumber } from '../../../src/base/syslog-facilities.ts'
import { programName, type SyslogForm, syslogLine } from '../../../src/log/syslog-line.ts'

const form: SyslogForm = { format: 'rfc3164', facility: 1, program: 'monoceros.shop', hasHost: true }
const at = new Date(2026, 10, 5, 7, 8, 9)

test('the traditional form is priority, time, host, program, pid and text', () => {
  const host = hostname().split('.', 1)[0]
  expect(syslogLine(form, 'error', 'error', 42, 'it broke', at)).toBe(`<11>Nov  5 07:08:09 ${host} monoceros.shop.error: [42] it broke`)
})

test('to a socket of this host it goes without the name of the host', () => {
  expect(syslogLine({ ...form, hasHost: false }, 'access', 'info', 42, 'GET /', at)).toBe(
    '<14>Nov  5 07:08:09 monoceros.shop.access: [42] GET /',
  )
})

test('RFC 5424 has version, time, host, program, pid and kind', () => {
  const line = syslogLine({ ...form, format: 'rfc5424', facility: 16 }, 'error', 'critical', 42, 'gone', at)
  expect(line).toBe(`<130>1 ${at.toISOString()} ${hostname()} monoceros.shop.error 42 error - [42] gone`)
})

test.each([
  ['debug', 15],
  ['info', 14],
  ['warning', 12],
  ['error', 11],
  ['critical', 10],
] as const)('%s has the severity that syslog means by it', (level, priority) => {
  expect(syslogLine(form, 'error', level, 1, '')).toMatch(new RegExp(`^<${priority}>`))
})

test('a text of many lines stays one message', () => {
  const line = syslogLine(form, 'error', 'error', 1, 'first\n    second\n', at)
  expect(line).not.toContain('\n')
  expect(line.endsWith('first#012    second')).toBe(true)
})

test('a message is cut at what every daemon takes', () => {
  expect(Buffer.byteLength(syslogLine(form, 'error', 'error', 1, 'ü'.repeat(9_000)))).toBeLessThanOrEqual(8_194)
})

test('a name cannot end the tag early', () => {
  expect(programName('shop:web [1]')).toBe('monoceros.shop.web__1_')
})

test('facilities have the numbers of RFC 5424', () => {
  expect(facilities.map(facilityNumber)).toEqual([0, 1, 2, 3, 4, 4, 5, 6, 7, 8, 9, 10, 11, 16, 17, 18, 19, 20, 21, 22, 23])
})
