import { describe, expect, test } from 'vitest'
import { commandNames, formOf, rowOf } from '../../../src/control/command-table.ts'
import { readCommand } from '../../../src/control/read-command.ts'

const now = Date.parse('2026-06-01T12:00:00Z')
const valuesOf = (text: string) => readCommand(text.split(' '), now).values

test('arguments are read by their place, options by their name, wherever they stand', () => {
  expect(valuesOf('worker add')).toEqual({ N: 1 })
  expect(valuesOf('WORKER Add 3')).toEqual({ N: 3 })
  expect(valuesOf('worker restart all')).toEqual({ SLOT: 'all' })
  expect(valuesOf('worker restart 0')).toEqual({ SLOT: 0 })
  expect(valuesOf('reload')).toEqual({ wait: false })
  expect(valuesOf('reload --wait')).toEqual({ wait: true })
  expect(valuesOf('profile 12 1.5')).toEqual({ PID: 12, SECONDS: 1.5 })
  expect(valuesOf('shutdown')).toEqual({ 'graceful|quick': null })
  expect(valuesOf('show events --limit=5 --actor lane')).toEqual({ actor: 'lane', since: null, after: null, limit: 5, follow: false })
})

test.each([
  ['30s', 30_000],
  ['1.5m', 90_000],
  ['2h', 7_200_000],
  ['1d', 86_400_000],
  ['2026-06-01T11:59:00Z', 60_000],
])('since %s is so long ago', (text, agoMs) => {
  expect(valuesOf(`show events --since ${text}`)['since']).toBe(now - agoMs)
})

describe('what is refused', () => {
  test.each([
    'worker add 0',
    'worker add 1.5',
    'worker kill',
    'profile 12 0',
    'profile 12 601',
    'show events --limit',
    'show events --since later',
    'show events --wrong',
    'reload now',
    'drain -1',
    'help me',
  ])('%s, with the form of the command', (text) => {
    expect(() => readCommand(text.split(' '))).toThrow(
      expect.objectContaining({ code: 'MON_CONTROL_USAGE', message: expect.stringContaining('the form is: ') }),
    )
  })

  test.each([
    ['shw workers', 'did you mean show workers?'],
    ['show wrokers', 'did you mean show workers?'],
    ['relaod', 'did you mean reload?'],
    ['worker', 'there are: worker add'],
    ['xyzzy', 'unknown command xyzzy'],
  ])('%s, with what may be meant', (text, part) => {
    expect(() => readCommand(text.split(' '))).toThrow(part)
  })
})

test('every command has a sentence, and a form that begins with its name', () => {
  for (const name of commandNames) {
    expect(rowOf(name).doc, name).toMatch(/^[A-Z].*\.$/)
    expect(formOf(name).startsWith(name)).toBe(true)
  }
})
