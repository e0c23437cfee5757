import { setTimeout as pause } from 'node:timers/promises'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { appOf, door, failure, socketOf, startDirty, startDirtyShared } from '../support/dirty.ts'
import type { Running } from '../support/harness.ts'
import { poll } from '../support/poll.ts'

const app = `
import { DirtyApp, stash } from 'monoceros/dirty'
export class Counters extends DirtyApp {
  static stashes = ['declared', 'also']
  async init() { await stash.put('seen', 'init', true) }
  bump(key) { return stash.incr('counts', key) }
  raise(times) { return Promise.all(Array.from({ length: times }, () => stash.update('counts', 'shared', (value) => (value ?? 0) + 1))) }
}`
const args = ['--dirty-app', './counters.mjs:Counters', '--dirty-workers', '2']
const files = { 'counters.mjs': app }

let server: Running
let close: () => Promise<void>
let stash: ReturnType<typeof door.openStash>
beforeAll(async () => {
  const started = startDirtyShared({ args, files })
  server = started.running
  close = started.close
  await server.ready()
  stash = door.openStash(socketOf(server))
})
afterAll(() => close())

test('declared tables are there, and an app may use the stash while it starts', async () => {
  expect(await stash.tables()).toEqual(expect.arrayContaining(['declared', 'also']))
  expect(await stash.info('declared')).toEqual({ table: 'declared', size: 0, bytes: 0 })
  expect(await stash.get('seen', 'init')).toBe(true)
})

test('put, get, delete and exists do what they say, whatever the value', async () => {
  const value = { list: [1n, new Date(3)], bytes: Buffer.alloc(10_000, 7), map: new Map([['a', undefined]]) }
  await stash.put('things', 'one', value)
  expect(await stash.get('things', 'one')).toEqual(value)
  await stash.put('things', 'nothing', undefined)
  expect([await stash.get('things', 'nothing', 'fallback'), await stash.exists('things', 'nothing')]).toEqual([undefined, true])
  expect([await stash.get('things', 'none'), await stash.get('things', 'none', 'fallback'), await stash.get('nowhere', 'x', 0)]).toEqual([
    undefined,
    'fallback',
    0,
  ])
  expect([await stash.delete('things', 'one'), await stash.delete('things', 'one'), await stash.delete('nowhere', 'x')]).toEqual([
    true,
    false,
    false,
  ])
  expect([await stash.exists('things'), await stash.exists('things', 'one'), await stash.exists('nowhere')]).toEqual([true, false, false])
})

test('keys, clear, info, ensure, tables and deleteTable', async () => {
  for (const key of ['user:1', 'user:22', 'us.r:1', 'other']) await stash.put('keyed', key, key)
  expect((await stash.keys('keyed', 'user:*')).sort()).toEqual(['user:1', 'user:22'])
  expect((await stash.keys('keyed', 'us?r:1')).sort()).toEqual(['us.r:1', 'user:1'])
  expect(await stash.keys('keyed', 'us.r:1')).toEqual(['us.r:1'])
  expect(await stash.keys('keyed')).toHaveLength(4)
  expect(await stash.keys('nowhere')).toEqual([])
  expect((await stash.info('keyed'))?.size).toBe(4)
  expect(await stash.info('nowhere')).toBe(null)
  await stash.clear('keyed')
  await stash.clear('nowhere')
  expect([await stash.info('keyed'), await stash.exists('nowhere')]).toEqual([{ table: 'keyed', size: 0, bytes: 0 }, false])
  await stash.ensure('empty')
  await stash.ensure('empty')
  expect(await stash.tables()).toContain('empty')
  expect([await stash.deleteTable('empty'), await stash.deleteTable('empty')]).toEqual([true, false])
  expect(await stash.tables()).not.toContain('empty')
})

test('incr adds in one step, and refuses what is no number', async () => {
  const counted = await Promise.all(Array.from({ length: 50 }, () => stash.incr('counts', 'many')))
  expect(new Set(counted).size).toBe(50)
  expect(await stash.incr('counts', 'many', -49.5)).toBe(0.5)
  await stash.put('counts', 'text', 'x')
  expect((await failure(stash.incr('counts', 'text'))).code).toBe('MON_STASH_NOT_NUMBER')
  expect(await stash.get('counts', 'text')).toBe('x')
})

test('compareAndSet puts only over the version that it was given', async () => {
  expect(await stash.compareAndSet('versions', 'v', 0, 'first')).toBe(true)
  expect(await stash.compareAndSet('versions', 'v', 0, 'again')).toBe(false)
  const { value, version } = await stash.read('versions', 'v')
  expect(value).toBe('first')
  await stash.put('versions', 'v', 'between')
  expect(await stash.compareAndSet('versions', 'v', version, 'late')).toBe(false)
  await stash.delete('versions', 'v')
  await stash.put('versions', 'v', 'reborn')
  expect(await stash.compareAndSet('versions', 'v', version, 'late')).toBe(false)
  expect(await stash.get('versions', 'v')).toBe('reborn')
})

test('twenty updaters at once, in several processes, lose no step', async () => {
  const counters = appOf(server, 'counters')
  const own = Array.from({ length: 10 }, () => stash.update<number>('counts', 'shared', async (value) => (value ?? 0) + 1))
  await Promise.all([...own, counters.raise(5), counters.raise(5)])
  expect(await stash.get('counts', 'shared')).toBe(20)
})

test('an update whose maker throws changes nothing', async () => {
  await stash.put('counts', 'kept', 1)
  const error = await failure(
    stash.update('counts', 'kept', () => {
      throw new RangeError('mine')
    }),
  )
  expect(error.message).toBe('mine')
  expect(await stash.get('counts', 'kept')).toBe(1)
})

test('an entry is gone after its ttl, in whatever way one looks', async () => {
  await stash.put('short', 'a', 1, { ttlMs: 1 })
  await stash.put('short', 'b', 1, { ttlMs: 60_000 })
  await poll(async () => !(await stash.exists('short', 'a')))
  expect([await stash.keys('short'), (await stash.info('short'))?.size, await stash.get('short', 'a', 'none')]).toEqual([['b'], 1, 'none'])
  expect(await stash.compareAndSet('short', 'a', 0, 2)).toBe(true)
  await stash.incr('short', 'counter', 5, { ttlMs: 1 })
  await pause(5)
  expect(await stash.incr('short', 'counter')).toBe(1)
})

test('a stash that is full refuses what is new, and what makes room is kept', async () => {
  const small = startDirty({ args: [...args, '--stash-entries-max', '3', '--stash-bytes-max', '1'], files })
  await small.ready()
  const full = door.openStash(socketOf(small))
  await full.put('t', 'b', 2)
  await full.put('t', 'c', 3, { ttlMs: 1 })
  await pause(5)
  // The third is that of the app's init, and c has passed away.
  await full.put('t', 'd', 4)
  const error = await failure(full.put('t', 'e', 5))
  expect(error).toBeInstanceOf(door.StashFullError)
  expect([error.code, error.facts.entriesMax]).toEqual(['MON_STASH_FULL', 3])
  expect((await failure(full.incr('other', 'n'))).code).toBe('MON_STASH_FULL')
  await full.put('t', 'b', 'over what is there')
  await full.delete('t', 'd')
  expect((await failure(full.put('t', 'big', Buffer.alloc(2 ** 20)))).code).toBe('MON_STASH_FULL')
  await full.put('t', 'e', Buffer.alloc(500_000))
  expect((await failure(full.update('t', 'e', () => Buffer.alloc(2_000_000)))).code).toBe('MON_STASH_FULL')
  expect((await full.keys('t')).sort()).toEqual(['b', 'e'])
})

test('a key that is no text is refused, and others go on', async () => {
  const waiting = stash.incr('counts', 'beside')
  // biome-ignore lint/suspicious/noExplicitAny: what JavaScript may do
  const error = await failure(stash.put('t', undefined as any, 1))
  expect(error).toBeInstanceOf(TypeError)
  expect(await failure(stash.put('t', 'function', () => 1))).toMatchObject({ code: 'MON_DIRTY_NOT_SERIALIZABLE' })
  expect(await waiting).toBe(1)
  expect(await stash.incr('counts', 'beside')).toBe(2)
})
