import { MonocerosError } from '../base/errors.ts'

/**
 * Splits a line into words as a POSIX shell does: single quotes, double quotes (where a backslash escapes only `$`, `` ` ``,
 * `"`, itself and the line end), and backslashes. Nothing is expanded, and `#` begins no comment.
 *
 * @throws MonocerosError MON_CLI_USAGE when a quote is not closed, or a backslash ends the line
 */
export function shellSplit(line: string, source: string): string[] {
  const words: string[] = []
  let word: string | undefined // undefined between words: '' is a word
  for (let at = 0; at < line.length; at++) {
    const char = line[at]!
    if (/[ \t\r\n]/.test(char)) {
      if (word !== undefined) words.push(word)
      word = undefined
      continue
    }
    const piece = pieceAt(line, at)
    if (piece === null) throw new MonocerosError('MON_CLI_USAGE', { source, problem: problemAt(char, at) })
    word = (word ?? '') + piece.text
    at = piece.last
  }
  if (word !== undefined) words.push(word)
  return words
}

/** What begins at a place inside a word: its text, and where its last character stands; null when it does not end. */
function pieceAt(line: string, start: number): { text: string; last: number } | null {
  const char = line[start]!
  if (char === "'") {
    const end = line.indexOf("'", start + 1)
    return end === -1 ? null : { text: line.slice(start + 1, end), last: end }
  }
  if (char === '"') return doubleQuotedAt(line, start)
  if (char !== '\\') return { text: char, last: start }
  const escaped = line[start + 1]
  if (escaped === undefined) return null
  return { text: escaped === '\n' ? '' : escaped, last: start + 1 }
}

function doubleQuotedAt(line: string, start: number): { text: string; last: number } | null {
  let text = ''
  for (let at = start + 1; at < line.length; at++) {
    const char = line[at]!
    if (char === '"') return { text, last: at }
    const next = line[at + 1]
    if (char === '\\' && next !== undefined && '$`"\\\n'.includes(next)) {
      if (next !== '\n') text += next
      at += 1
    } else text += char
  }
  return null
}

function problemAt(char: string, at: number): string {
  const where = `at character ${at + 1}`
  return char === '\\' ? `the backslash ${where} escapes nothing` : `the quote (${char}) ${where} is not closed`
}
