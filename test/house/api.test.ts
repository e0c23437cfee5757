/** The doors of the package, held against what is written about them; their examples run in test/package. */
import { describe, expect, test } from 'vitest'
import { readApi } from '../../docs/read-api.ts'

describe.each(readApi())('$name', ({ exports }) => {
  test('exports something, and says of each what it is', () => {
    expect(exports.length).toBeGreaterThan(0)
    expect(exports.filter(({ doc }) => doc === null || doc.text === '').map(({ name, path }) => `${name} of ${path}`)).toEqual([])
  })

  test('what is told of a parameter is told of one that is there', () => {
    const wrong = exports.flatMap(({ name, signature, doc }) =>
      (doc?.params ?? []).filter((param) => !new RegExp(`\\b${param.name}\\b`).test(signature)).map((param) => `${name}: ${param.name}`),
    )
    expect(wrong).toEqual([])
  })
})
