import { describe, expect, it } from 'vitest'
import { type EventRow, events, factsInSentence } from '../../../src/log/events.ts'
import { levelWeights } from '../../../src/log/level.ts'

describe.each(Object.entries<EventRow>(events))('%s', (name, { level, text, doc }) => {
  it('is well formed', () => {
    expect(name).toMatch(/^[a-z][a-z-]*\.[a-z][a-z-]*$/)
    expect(levelWeights).toHaveProperty(level)
    expect(text).toMatch(/^[^\n{}]*(\{\w+\}[^\n{}]*)*$/)
    expect(doc).toMatch(/^[A-Z].*\.$/)
  })
})

it('finds the facts of a sentence', () => {
  expect(factsInSentence('{count} lines for {destination}')).toEqual(['count', 'destination'])
})
