import { describe, expect, test } from 'vitest'
import { createOutput } from '../../../src/sidecars/output.ts'

function keep(options: { linesPerSecondMax?: number; isAwaited?: boolean } = {}) {
  const lines: string[] = []
  const seen: string[] = []
  const dropped: number[] = []
  let atMs = 10_000
  const output = createOutput({
    onLine: (stream, line) => lines.push(`${stream} ${line}`),
    onDropped: (count) => dropped.push(count),
    onSeen: (line) => seen.push(line),
    isAwaited: () => options.isAwaited === true,
    linesPerSecondMax: options.linesPerSecondMax ?? 500,
    now: () => atMs,
  })
  const take = (text: string, stream: 'stdout' | 'stderr' = 'stdout') => output.take(stream, Buffer.from(text))
  const pass = (ms: number) => {
    atMs += ms
  }
  return { output, take, pass, lines, seen, dropped }
}

describe('output becomes lines', () => {
  test('however it is cut, within a character too', () => {
    const { output, lines } = keep()
    for (const byte of Buffer.from('grün\r\nzwei\n\nend')) output.take('stdout', Buffer.from([byte]))
    output.end()
    expect(lines).toEqual(['stdout grün', 'stdout zwei', 'stdout end'])
  })

  test('of each stream for itself', () => {
    const { take, lines } = keep()
    take('a')
    take('b', 'stderr')
    take('1\n')
    take('2\n', 'stderr')
    expect(lines).toEqual(['stdout a1', 'stderr b2'])
  })

  test('of a bounded length, with or without an end', () => {
    const { take, lines } = keep()
    take(`${'x'.repeat(20_000)}\n`)
    for (let count = 0; count < 100; count++) take('y'.repeat(1_000))
    expect(Math.max(...lines.map((line) => line.length))).toBeLessThan(8_300)
    expect(lines.join('').replaceAll(/[^xy]/g, '').length).toBeGreaterThan(110_000)
  })

  test('and the last few are known', () => {
    const { output, take } = keep()
    take(Array.from({ length: 100 }, (_, n) => `line ${n}\n`).join(''))
    expect(output.lastLines()).toEqual(['line 95', 'line 96', 'line 97', 'line 98', 'line 99'])
  })
})

describe('a flood', () => {
  test('is told up to so many lines a second, and every line is told or counted', () => {
    const { output, take, pass, lines, dropped } = keep({ linesPerSecondMax: 10 })
    let given = 0
    for (let second = 0; second < 3; second++) {
      // Cut anywhere: within lines, and at their ends.
      for (const text of ['aaa\nbbb\n'.repeat(20), 'half', ' a line\nand', ' more\n'.repeat(3)]) {
        take(text)
        given += text.split('\n').length - 1
      }
      pass(1_000)
    }
    output.end()
    expect(lines).toHaveLength(30)
    expect(lines.length + dropped.reduce((sum, count) => sum + count, 0)).toBe(given)
    expect(lines.every((line) => /^stdout (aaa|bbb)$/.test(line))).toBe(true)
  })

  test('of which somebody waits for a line is read to it', () => {
    const awaited = keep({ linesPerSecondMax: 1, isAwaited: true })
    awaited.take('1\n2\n')
    awaited.take('3\n')
    expect([awaited.seen, awaited.lines]).toEqual([['1', '2', '3'], ['stdout 1']])
    const other = keep({ linesPerSecondMax: 1 })
    other.take('1\n2\n')
    other.take('3\n')
    expect(other.seen).toEqual(['1', '2'])
  })
})
