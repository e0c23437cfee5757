import { stripVTControlCharacters } from 'node:util'
import { describe, expect, it } from 'vitest'
import { type LogRecord, textLine } from '../../../src/log/text-line.ts'

const record: LogRecord = {
  time: '2026-11-25T14:03:09.123Z',
  level: 'warning',
  event: 'log.dropped',
  role: 'worker',
  slot: 3,
  pid: 42,
  count: 1,
  msg: 'a sentence',
}

describe('colours', () => {
  it('are on the level, and change no character', () => {
    const [plain, coloured] = [textLine(record, false), textLine(record, true)]
    expect(coloured).toContain('\x1b[33m[WARNING]\x1b[39m')
    expect(stripVTControlCharacters(coloured)).toBe(plain)
  })
})

describe('an error', () => {
  it('with a code shows it on the line, for those who search', () => {
    const err = { type: 'Error', message: 'x', code: 'EACCES' }
    expect(textLine({ ...record, err }, false)).toMatch(/: a sentence {2}code=EACCES\n {4}Error: x\n$/)
  })
})

describe('what is not there', () => {
  it.each([[null], [[]]])('%j takes no room', (value) => {
    expect(textLine({ ...record, value }, false)).toMatch(/: a sentence\n$/)
  })
})

describe('advice', () => {
  it('stands below its line, before the stack', () => {
    const text = textLine({ ...record, advice: 'do this', stack: ['at once'] }, false)
    expect(text).toMatch(/: a sentence\n {4}do this\n {4}at once\n$/)
  })
})

describe('values', () => {
  it.each([
    ['a\nb', '"a\\nb"'],
    ['a=b', '"a=b"'],
    ['\u202e', '\\u202e'],
    ['\x9b', '\\x9b'],
    [{ deep: ['\x1b'] }, '{"deep":["\\u001b"]}'],
    [0, '0'],
    [false, 'false'],
  ])('%j is shown as %s', (value, text) => {
    expect(textLine({ ...record, value }, false)).toMatch(/ {2}value=.*\n$/)
    expect(textLine({ ...record, value }, false)).toContain(`value=${text}\n`)
  })
})
