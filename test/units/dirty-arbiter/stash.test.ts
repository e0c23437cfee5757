import fc from 'fast-check'
import { beforeEach, describe, expect, test } from 'vitest'
import { createStash, type Stash } from '../../../src/dirty-arbiter/stash.ts'
import { answerStash } from '../../../src/dirty-arbiter/stash-orders.ts'
import { decode, encode } from '../../../src/wire/codec.ts'
import type { StashOrder } from '../../../src/wire/kinds.ts'

let nowMs = 0
let stash: Stash
const create = (limits: { entriesMax?: number; bytesMax?: number } = {}) =>
  createStash({ entriesMax: 1_000, bytesMax: 1_000_000, ...limits }, () => nowMs)
beforeEach(() => {
  nowMs = 0
  stash = create()
})

const put = (key: string, value: unknown, ttlMs: number | null = null, ifVersion: number | null = null) =>
  stash.put('t', key, encode(value), ttlMs, ifVersion)
const get = (key: string) => {
  const entry = stash.get('t', key)
  return entry === null ? null : decode<unknown>(entry.value)
}
const versionOf = (key: string) => stash.get('t', key)?.version ?? 0
const order = (one: StashOrder) => answerStash(stash, one)
const incr = (key: string, by: number, ttlMs: number | null = null) => order({ op: 'incr', table: 't', key, by, ttlMs })

describe('an entry', () => {
  test('is what was put there last', () => {
    put('k', { a: [1] })
    put('k', new Map([[1, 2]]))
    expect(get('k')).toEqual(new Map([[1, 2]]))
    expect(stash.get('other', 'k')).toBeNull()
  })

  test('is gone once it is deleted, and a second time there is nothing to delete', () => {
    put('k', 1)
    expect([stash.delete('t', 'k'), stash.delete('t', 'k'), stash.delete('none', 'k')]).toEqual([true, false, false])
    expect(get('k')).toBeNull()
  })

  test('lives for its time, and a put without one lives for ever', () => {
    put('k', 1, 100)
    nowMs = 99
    expect(get('k')).toBe(1)
    nowMs = 100
    expect([get('k'), stash.exists('t', 'k'), stash.keys('t', null), stash.info('t')?.size]).toEqual([null, false, [], 0])
    put('k', 2, 100)
    put('k', 3)
    nowMs = 1e9
    expect(get('k')).toBe(3)
  })
})

describe('a put that wants a version', () => {
  test('of 0 is done only where there is none', () => {
    expect(put('k', 1, null, 0)).toMatchObject({ ok: true, value: expect.any(Number) })
    expect(put('k', 2, null, 0)).toEqual({ ok: true, value: false })
    expect(get('k')).toBe(1)
  })

  test('is done only while it is the present one, which no later entry has again', () => {
    put('k', 1)
    const first = versionOf('k')
    expect(put('k', 2, null, first)).toMatchObject({ ok: true, value: versionOf('k') })
    expect(put('k', 3, null, first)).toEqual({ ok: true, value: false })
    stash.delete('t', 'k')
    put('k', 4)
    expect(versionOf('k')).not.toBe(first)
    expect(put('k', 5, null, first)).toEqual({ ok: true, value: false })
  })

  test('that is over finds none', () => {
    put('k', 1, 10)
    nowMs = 10
    expect(put('k', 2, null, 0)).toMatchObject({ ok: true, value: expect.any(Number) })
  })
})

describe('a number', () => {
  test('starts at 0 and is added to in one step', () => {
    expect([incr('n', 2), incr('n', 3), incr('n', -10)]).toEqual([2, 5, -5].map((value) => ({ ok: true, value })))
    expect(get('n')).toBe(-5)
  })

  test('keeps its time while it is added to without one, and gets the new one otherwise', () => {
    incr('n', 1, 100)
    nowMs = 50
    incr('n', 1)
    nowMs = 99
    expect(get('n')).toBe(2)
    nowMs = 100
    expect(get('n')).toBeNull()
    incr('n', 1, 100)
    incr('n', 1, 500)
    nowMs = 599
    expect(get('n')).toBe(2)
  })

  test('is what an entry must be to be added to', () => {
    put('k', 'word')
    expect(incr('k', 1)).toMatchObject({ ok: false, refusal: { code: 'MON_STASH_NOT_NUMBER', facts: { what: 't/k' } } })
  })
})

describe('the limits', () => {
  test('of entries refuses one more, but not another value of one that is there', () => {
    stash = create({ entriesMax: 2 })
    put('a', 1)
    put('b', 1)
    expect(put('c', 1)).toMatchObject({ ok: false, refusal: { code: 'MON_STASH_FULL', facts: { table: 't', entriesMax: 2 } } })
    expect(put('b', 2)).toMatchObject({ ok: true })
    stash.delete('t', 'a')
    expect(put('c', 1)).toMatchObject({ ok: true })
  })

  test('of bytes counts keys and values, big buffers too, and leaves the old value where the new one is too big', () => {
    stash = create({ bytesMax: 10_000 })
    expect(put('a', Buffer.alloc(9_000))).toMatchObject({ ok: true })
    expect(put('b', Buffer.alloc(2_000))).toMatchObject({ ok: false })
    expect(put('a', Buffer.alloc(20_000))).toMatchObject({ ok: false })
    expect(get('a')).toHaveLength(9_000)
    expect(put('a', Buffer.alloc(10))).toMatchObject({ ok: true })
    expect(put('b', Buffer.alloc(9_000))).toMatchObject({ ok: true })
    expect(put('x'.repeat(1_000), 1)).toMatchObject({ ok: false })
  })

  test('make room of what is over before they refuse', () => {
    stash = create({ entriesMax: 2 })
    put('a', 1, 10)
    put('b', 1, 10)
    nowMs = 10
    expect(put('c', 1)).toMatchObject({ ok: true })
  })

  test('are those of all tables together, whatever is done with them', () => {
    const step = fc.record({
      op: fc.constantFrom('put', 'put', 'put', 'delete', 'clear', 'deleteTable', 'wait' as const),
      table: fc.constantFrom('t', 'u'),
      key: fc.constantFrom('a', 'b', 'c', 'd'),
      size: fc.nat(400),
      ttlMs: fc.option(fc.integer({ min: 1, max: 5 })),
    })
    fc.assert(
      fc.property(fc.array(step, { maxLength: 60 }), (steps) => {
        nowMs = 0
        stash = create({ entriesMax: 5, bytesMax: 1_000 })
        const model = new Map<string, { size: number; expiresMs: number }>()
        for (const { op, table, key, size, ttlMs } of steps) {
          if (op === 'wait') nowMs++
          for (const [name, { expiresMs }] of model) if (expiresMs <= nowMs) model.delete(name)
          const name = `${table}/${key}`
          if (op === 'put') {
            const value = encode('x'.repeat(size))
            const bytes = key.length * 2 + value.meta.byteLength
            const others = [...model].filter(([other]) => other !== name)
            const fits = others.length < 5 && others.reduce((sum, [, entry]) => sum + entry.size, bytes) <= 1_000
            expect(stash.put(table, key, value, ttlMs, null).ok).toBe(fits)
            if (fits) model.set(name, { size: bytes, expiresMs: ttlMs === null ? Number.POSITIVE_INFINITY : nowMs + ttlMs })
          } else if (op === 'delete') {
            expect(stash.delete(table, key)).toBe(model.delete(name))
          } else if (op === 'clear' || op === 'deleteTable') {
            stash[op](table)
            for (const other of model.keys()) if (other.startsWith(`${table}/`)) model.delete(other)
          }
          for (const each of ['t', 'u']) {
            const present = [...model].filter(([other]) => other.startsWith(`${each}/`))
            expect(stash.keys(each, null).sort()).toEqual(present.map(([other]) => other.slice(2)).sort())
            expect(stash.info(each)?.bytes ?? 0).toBe(present.reduce((sum, [, entry]) => sum + entry.size, 0))
          }
        }
      }),
    )
  })
})

describe('a table', () => {
  test('is there from its first entry, or when it is asked for, until it is deleted', () => {
    expect([stash.exists('t', null), stash.info('t'), stash.tables()]).toEqual([false, null, []])
    put('k', 1)
    stash.ensure('u')
    stash.ensure('u')
    expect(stash.tables()).toEqual(['t', 'u'])
    expect(stash.info('u')).toEqual({ table: 'u', size: 0, bytes: 0 })
    stash.clear('t')
    expect([stash.exists('t', null), stash.keys('t', null)]).toEqual([true, []])
    expect([stash.deleteTable('t'), stash.deleteTable('t')]).toEqual([true, false])
  })

  test('that is ensured again keeps what it has', () => {
    put('k', 1)
    stash.ensure('t')
    expect(get('k')).toBe(1)
  })

  test.each([
    ['user:*', ['user:1', 'user:10']],
    ['user:?', ['user:1']],
    ['*', ['user:1', 'user:10', 'a.b', 'a+b', 'line\nend']],
    ['a.b', ['a.b']],
    ['*\nend', ['line\nend']],
    ['USER:1', []],
    ['', []],
  ])('lists the keys that match %j', (pattern, keys) => {
    for (const key of ['user:1', 'user:10', 'a.b', 'a+b', 'line\nend']) put(key, 1)
    expect(stash.keys('t', pattern)).toEqual(keys)
  })

  test('lists keys in no time, however many stars a pattern has', () => {
    put('a'.repeat(2_000), 1)
    expect(stash.keys('t', `${'*a'.repeat(12)}*b`)).toEqual([])
  })
})

test('orders are answered with what the caller is to get', () => {
  const ask = (one: StashOrder) => order(one) as { ok: boolean; value?: unknown }
  expect(ask({ op: 'get', table: 't', key: 'k' })).toEqual({ ok: true, value: { value: undefined, version: 0 } })
  const { value: version } = ask({ op: 'put', table: 't', key: 'k', value: { a: 1 }, ttlMs: null, ifVersion: null })
  expect(ask({ op: 'get', table: 't', key: 'k' }).value).toEqual({ value: { a: 1 }, version })
  expect(ask({ op: 'exists', table: 't', key: 'k' }).value).toBe(true)
  expect(ask({ op: 'exists', table: 't', key: null }).value).toBe(true)
  expect(ask({ op: 'keys', table: 't', pattern: 'k*' }).value).toEqual(['k'])
  expect(ask({ op: 'tables' }).value).toEqual(['t'])
  expect(ask({ op: 'info', table: 't' }).value).toMatchObject({ table: 't', size: 1 })
  expect(ask({ op: 'delete', table: 't', key: 'k' }).value).toBe(true)
  expect(ask({ op: 'ensure', table: 'u' }).ok).toBe(true)
  expect(ask({ op: 'clear', table: 'u' }).ok).toBe(true)
  expect(ask({ op: 'deleteTable', table: 'u' }).value).toBe(true)
})
