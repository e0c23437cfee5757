import { expect, test } from 'vitest'
import { remoteIn, remoteObject, withFacts } from '../../../src/wire/remote-object.ts'

test('an object that stays is known by its mark, and nothing else is', () => {
  const target = { log() {} }
  expect(remoteIn(remoteObject(target, { id: '7' }))).toEqual({ target, facts: { id: '7' } })
  for (const other of [null, undefined, 7, 'word', {}, [], target]) expect(remoteIn(other)).toBeUndefined()
})

test('what is known is read, what is not is a method, and the way there is made when it is wanted', async () => {
  let made = 0
  const handle = withFacts({ id: '7', parent: undefined }, () => {
    made++
    return { log: async (row: string) => row.length, other: 1 }
  }) as unknown as { id: string; parent?: unknown; log(row: string): Promise<number> }
  expect(handle.id).toBe('7')
  expect(handle.parent).toBeUndefined()
  expect(Object.keys(handle)).toEqual(['id', 'parent'])
  // It is no promise, and may be awaited, shown and cloned.
  expect(await handle).toBe(handle)
  expect(JSON.stringify(handle)).toBe('{"id":"7"}')
  expect(structuredClone(handle)).toEqual({ id: '7', parent: undefined })
  expect(made).toBe(0)
  expect(await handle.log('abc')).toBe(3)
  expect(await handle.log('ab')).toBe(2)
  expect(made).toBe(1)
})
