import { expect, it } from 'vitest'
import { helpText } from '../../../src/config/help.ts'
import { valueRows } from '../../../src/config/settings.ts'

const help = helpText()

it('names every flag with its default', () => {
  for (const row of valueRows) {
    for (const flag of row.cli ?? []) expect(help).toContain(row.default === true ? flag.replace('--', '--[no-]') : flag)
  }
  expect(help).toMatch(/-t, --timeout SECONDS [^[]*\[default: 30 s\]/)
  expect(help).toContain('[default: 127.0.0.1:8000]')
  expect(help).toMatch(/--thread-queue-max INT [^[]*\[default: as\s+--worker-connections\]/)
  expect(help).toMatch(/--\[no-\]fast-response .*\n.*\[default: on\]/)
})

it('has examples on top, the sections, the signals, and a pointer to the documentation', () => {
  const heads = help.split('\n').filter((line) => /^\S.*:$/.test(line))
  expect(heads).toEqual([
    'Examples:',
    'Config:',
    'Server socket:',
    'Workers:',
    'Threads:',
    'Dirty:',
    'Control:',
    'Dashboard:',
    'Mechanics:',
    'Logging:',
    'Metrics:',
    'Signals of the arbiter:',
  ])
  expect(help.startsWith('Usage: monoceros [OPTIONS] MODULE[:EXPORT]\n')).toBe(true)
  expect(help).toContain('monoceros ./app.js -w 4')
  expect(help).toContain('docs/reference')
})

it('fits on its lines', () => {
  for (const line of help.split('\n')) {
    expect(line.length, line).toBeLessThanOrEqual(110)
    expect(line, 'no blanks at the end').toBe(line.trimEnd())
  }
})
