import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { shellSplit } from '../../../src/config/shell-split.ts'

const split = (line: string) => shellSplit(line, 'MONOCEROS_CMD_ARGS')

describe('the shell splitter', () => {
  it.each([
    ['', []],
    [' \t\n ', []],
    ['-w 4', ['-w', '4']],
    ['  a\t b\nc  ', ['a', 'b', 'c']],
    [`'a b' "c d"`, ['a b', 'c d']],
    [`''`, ['']],
    [`a '' "" b`, ['a', '', '', 'b']],
    [`a'b'"c"d`, ['abcd']],
    [`a\\ b`, ['a b']],
    [`a\\\nb`, ['ab']],
    [`"a\\"b"`, ['a"b']],
    [`"a\\nb"`, ['a\\nb']],
    [`"\\$HOME \\\` \\\\"`, ['$HOME ` \\']],
    [`"a\\\nb"`, ['ab']],
    [`'a\\b'`, ['a\\b']],
    ['$HOME *.js # not a comment', ['$HOME', '*.js', '#', 'not', 'a', 'comment']],
    [`--access-logformat '%(h)s "%(r)s"'`, ['--access-logformat', '%(h)s "%(r)s"']],
  ])('splits %j', (line, words) => {
    expect(split(line)).toEqual(words)
  })

  it.each([
    [`-n 'shop`, `MONOCEROS_CMD_ARGS: the quote (') at character 4 is not closed`],
    [`-n "shop\\"`, `MONOCEROS_CMD_ARGS: the quote (") at character 4 is not closed`],
    ['-n shop\\', 'MONOCEROS_CMD_ARGS: the backslash at character 8 escapes nothing'],
  ])('refuses %j', (line, message) => {
    expect(() => split(line)).toThrow(message)
  })

  const quotes: ((word: string) => string)[] = [
    (word) => `'${word.replaceAll("'", `'\\''`)}'`,
    (word) => `"${word.replace(/[$`"\\]/g, '\\$&')}"`,
    (word) => (word === '' || word.includes('\n') ? `'${word.replaceAll("'", `'"'"'`)}'` : word.replace(/[^a-zA-Z0-9]/gsu, '\\$&')),
  ]

  it('gives back the words of any line that was quoted as a shell wants it, whatever the quoting', () => {
    const words = fc.array(fc.tuple(fc.string({ unit: 'binary' }), fc.constantFrom(...quotes)))
    const gaps = fc.constantFrom(' ', '\t', '\n', '   ')
    fc.assert(
      fc.property(words, gaps, (quoted, gap) => {
        const line = quoted.map(([word, quote]) => quote(word)).join(gap)
        expect(split(line)).toEqual(quoted.map(([word]) => word))
      }),
    )
  })
})
