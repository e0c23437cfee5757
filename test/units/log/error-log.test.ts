import fs from 'node:fs'
import path from 'node:path'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { MonocerosError } from '../../../src/base/errors.ts'
import { createErrorLog, type Log, type LogOptions } from '../../../src/log/error-log.ts'
import { type EventName, events } from '../../../src/log/events.ts'
import { linesIn, ownFolder } from './support.ts'

interface Opened {
  readonly log: Log
  lines(): Promise<string[]>
}

function open(options: Partial<LogOptions> = {}): Opened {
  const destination = path.join(ownFolder(), 'error.log')
  const log = createErrorLog({ destination, format: 'auto', level: 'info', who: { role: 'arbiter' }, ...options })
  const lines = async (): Promise<string[]> => {
    await log.flush()
    return linesIn(destination)
  }
  return { log, lines }
}

async function recordsOf({ lines }: Opened): Promise<Record<string, unknown>[]> {
  return (await lines()).map((line) => JSON.parse(line))
}

// An event of the log's own: other rows may be reworded.
const facts = { count: 3, destination: '-', list: [1, 2], none: null }

describe('a line of JSON', () => {
  it('has the fields of the envelope, then the facts, then the sentence', async () => {
    const opened = open({ who: { role: 'worker', slot: 2, age: 7, gen: 1 } })
    opened.log.event('log.dropped', facts)
    const [record = {}] = await recordsOf(opened)
    expect(record).toEqual({
      level: 'warning',
      time: expect.stringMatching(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$/),
      event: 'log.dropped',
      role: 'worker',
      slot: 2,
      age: 7,
      gen: 1,
      pid: process.pid,
      ...facts,
      msg: '3 lines for - were dropped',
    })
    expect(Object.keys(record).slice(2)).toEqual([
      'event',
      'role',
      'slot',
      'age',
      'gen',
      'pid',
      'count',
      'destination',
      'list',
      'none',
      'msg',
    ])
  })

  it('holds what was thrown, with its causes', async () => {
    const opened = open()
    opened.log.event('hook.failed', { hook: 'onExit' }, new MonocerosError('MON_PLATFORM', { platform: 'win32' }, new TypeError('inner')))
    opened.log.event('hook.failed', {}, 'just text')
    const [first, second] = await recordsOf(opened)
    expect(first?.['err']).toMatchObject({
      type: 'MonocerosError',
      code: 'MON_PLATFORM',
      stack: expect.stringContaining('error-log.test.ts'),
      cause: { type: 'TypeError', message: 'inner' },
    })
    expect(second?.['err']).toEqual({ type: 'string', message: 'just text' })
  })

  it('keeps a fact whose name is a field of the envelope, beside that field', async () => {
    const opened = open()
    opened.log.event('worker.gone', { pid: 1, msg: 'x', level: 'y', slot: 3 })
    expect(await recordsOf(opened)).toMatchObject([
      { pid: process.pid, level: 'info', slot: 3, 'fact.pid': 1, 'fact.msg': 'x', 'fact.level': 'y' },
    ])
  })
})

describe('levels', () => {
  it('leaves out what is below, for every child, from the moment it is set', async () => {
    const opened = open({ level: 'warning' })
    const child = opened.log.child({ role: 'worker', slot: 1 })
    child.event('worker.ready')
    opened.log.setLevel('debug')
    child.event('worker.loaded')
    opened.log.setLevel('critical')
    opened.log.event('hook.failed')
    expect(await recordsOf(opened)).toMatchObject([{ event: 'worker.loaded', role: 'worker', slot: 1 }])
  })
})

describe('facts that cannot be written', () => {
  it('cost their line at most', async () => {
    const opened = open()
    const circle: Record<string, unknown> = {}
    circle['circle'] = circle
    opened.log.event('worker.gone', circle)
    opened.log.event('worker.gone', { big: 2n ** 80n, symbol: Symbol('x'), action: () => {} })
    opened.log.event('worker.gone', { how: Object.create(null) })
    opened.log.event('hook.failed', {}, Object.defineProperty(new Error('x'), 'stack', { get: assertNot }))
    opened.log.event('worker.gone', Object.defineProperty({}, 'how', { enumerable: true, get: assertNot }))
    const records = await recordsOf(opened)
    expect(records.slice(0, 4).map(({ event }) => event)).toEqual(['worker.gone', 'worker.gone', 'worker.gone', 'hook.failed'])
    expect(opened.log.dropped).toBe(1)
  })
})

function assertNot(): never {
  throw new Error('hostile')
}

describe('a line of text', () => {
  it('has the form of Gunicorn’s, with the facts that the sentence leaves out', async () => {
    const opened = open({ format: 'text', who: { role: 'worker', slot: 2, age: 7 } })
    opened.log.event('log.dropped', { ...facts, spaced: 'a b', empty: '' })
    const [line] = await opened.lines()
    const head = `\\[\\d{4}-\\d\\d-\\d\\d \\d\\d:\\d\\d:\\d\\d [+-]\\d{4}\\] \\[${process.pid}\\] \\[WARNING\\] worker slot 2: `
    expect(line).toMatch(new RegExp(`^${head}3 lines for - were dropped {2}list=\\[1,2\\] spaced="a b" empty=""$`))
  })

  it('has stacks and requests below it, one on each line', async () => {
    const opened = open({ format: 'text' })
    const requests = [{ method: 'GET', path: '/slow', ageMs: 31_000 }]
    opened.log.event('log.dropped', {
      count: 1,
      destination: '-',
      where: 'javascript',
      stack: ['at burn (app.js:3)', 'at app.js:9'],
      requests,
    })
    const error = new Error('outer', { cause: new Error('inner') })
    error.stack = 'Error: outer\n    at a.js:1'
    opened.log.event('hook.failed', { hook: 'onExit' }, error)
    const lines = await opened.lines()
    expect(lines[0]).toMatch(/ {2}where=javascript$/)
    expect(lines.slice(1, 4)).toEqual(['    GET /slow (for 31000 ms)', '    at burn (app.js:3)', '    at app.js:9'])
    expect(lines.slice(5, 8)).toEqual(['    Error: outer', '        at a.js:1', '    Caused by: Error: inner'])
  })

  it('has no colours where there is no terminal', async () => {
    const opened = open({ format: 'text' })
    opened.log.event('log.dropped')
    expect((await opened.lines())[0]).toContain(' [WARNING] arbiter: ')
  })
})

describe('forgery', () => {
  const text = fc.oneof(
    fc.string({ unit: 'binary' }),
    fc.constantFrom('\n[2026-01-01 00:00:00 +0000] [1] [INFO] arbiter: ready', '\r\x1b[2J\u2028\x85'),
  )
  const anyFacts = fc.dictionary(text, fc.oneof(text, fc.anything()), { maxKeys: 4 })
  const name = fc.constantFrom(...(Object.keys(events) as EventName[]))
  const thrown = fc.oneof(
    fc.anything(),
    text.map((message) => new Error(message)),
  )
  const shaped = fc.record({
    how: text,
    stack: fc.oneof(text, fc.array(text)),
    requests: fc.array(fc.record({ method: text, path: text, ageMs: fc.nat() })),
  })

  it.each(['text', 'json'] as const)('no fact and no error can add a line: %s', async (format) => {
    const opened = open({ format, level: 'debug', who: { role: 'worker', slot: 1, age: 1, gen: 1 } })
    const isLine = (line: string): boolean => (format === 'json' ? JSON.parse(line).pid === process.pid : !line.startsWith('    '))
    await fc.assert(
      fc.asyncProperty(name, fc.oneof(anyFacts, shaped), fc.option(thrown, { nil: undefined }), async (event, some, error) => {
        const before = await opened.lines()
        opened.log.event(event, some, error)
        const added = (await opened.lines()).slice(before.length)
        expect(added.filter(isLine)).toHaveLength(1)
        // Not even to a reader that knows other ends of lines than \n.
        for (const line of added) expect(line).not.toMatch(format === 'json' ? /[\x00-\x1f]/ : /[\x00-\x1f\x7f-\x9f\u2028\u2029]/)
      }),
      { numRuns: 200 },
    )
  })
})

it('writes an event before the process can end, when asked synchronously', () => {
  const destination = path.join(ownFolder(), 'error.log')
  const log = createErrorLog({ destination, format: 'json', level: 'info', who: { role: 'arbiter' } })
  for (let i = 0; i < 10; i++) log.event('arbiter.stopped')
  log.flushSync()
  // The first line may be in a thread's hands: that one is certain only after the next turn.
  expect(fs.readFileSync(destination, 'utf8').split('\n').length).toBeGreaterThanOrEqual(10)
})
