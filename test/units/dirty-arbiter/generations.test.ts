import { describe, expect, test } from 'vitest'
import { createDirtyGenerations } from '../../../src/compose/dirty/dirty-arbiter-generations.ts'
import type { Settings } from '../../../src/config/settings.ts'

const settings = { dirtyWorkers: 2, bootTimeout: 30, dirtyGracefulTimeout: 20, dirtyThreads: 3 } as Settings
const images = [{ name: 'images', spec: './images.ts:ImageApp' }]
const search = [{ name: 'search', spec: './search.ts:SearchApp:1' }]

describe('generations of dirty workers', () => {
  test('a number is given to one generation only, whether it was committed or rolled back', () => {
    const generations = createDirtyGenerations(settings, images)
    const given = [generations.current.facts.generation]
    for (const isCommitted of [true, true, false, false, true]) {
      generations.offer(settings, images, 1)
      const { generation } = generations.take()!.facts
      given.push(generation)
      if (isCommitted) generations.commit(generation)
      else generations.rollBack()
    }
    expect(given).toEqual([1, 2, 3, 4, 5, 6])
    expect(generations.current.facts.generation).toBe(6)
  })

  test('what is offered is taken once, the newest of several', () => {
    const generations = createDirtyGenerations(settings, images)
    expect(generations.take()).toBeNull()
    generations.offer(settings, images, 1)
    generations.offer(settings, search, 1)
    expect(generations.take()?.apps).toEqual(search)
    expect(generations.take()).toBeNull()
  })

  test('a worker of a generation that is forgotten is taken for one of the present', () => {
    const generations = createDirtyGenerations(settings, images)
    generations.offer(settings, search, 1)
    const next = generations.take()!
    expect(generations.of(1).apps).toEqual(images)
    generations.commit(next.facts.generation)
    expect(generations.of(1)).toBe(next)
  })
})
