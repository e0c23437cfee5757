/** The arguments of a factory call on the command line: JSON, plus single quotes, unquoted keys, `undefined` and trailing commas. */
export type Literal = string | number | boolean | null | undefined | readonly Literal[] | { readonly [key: string]: Literal }

/** What is wrong with the text, and where (0 is the first character). */
export class LiteralError extends Error {
  readonly at: number

  constructor(problem: string, at: number) {
    super(problem)
    this.at = at
  }
}

/**
 * Reads `(a, b, …)` from `start` to the end of `text`.
 *
 * @returns the arguments
 * @throws LiteralError with the position of the first character that does not fit
 */
export function parseArguments(text: string, start: number): Literal[] {
  const reader = new Reader(text, start)
  reader.expect('(')
  const values = reader.sequence(')', () => reader.value())
  reader.end()
  return values
}

const words: Readonly<Record<string, Literal>> = { true: true, false: false, null: null, undefined: undefined }
const spelledElsewhere: Readonly<Record<string, string>> = { True: 'true', False: 'false', None: 'null', nil: 'null' }
const escapes: Readonly<Record<string, string>> = { b: '\b', f: '\f', n: '\n', r: '\r', t: '\t', '0': '\0' }

class Reader {
  readonly #text: string
  #at: number

  constructor(text: string, at: number) {
    this.#text = text
    this.#at = at
  }

  value(): Literal {
    this.#skipSpace()
    const char = this.#text[this.#at]
    if (char === '"' || char === "'") return this.#string(char)
    if (char === '[') return this.#array()
    if (char === '{') return this.#object()
    const number = this.#match(/-?(?:0|[1-9]\d*)(?:\.\d+)?(?:[eE][+-]?\d+)?(?![\w.])/y)
    if (number !== undefined) return Number(number)
    const at = this.#at
    const word = this.#match(/[\p{ID_Start}$_][\p{ID_Continue}$]*/uy)
    if (word !== undefined && Object.hasOwn(words, word)) return words[word]
    if (word === undefined) throw this.#unexpected('a literal')
    const meant = spelledElsewhere[word]
    throw new LiteralError(meant ? `${word} is written ${meant} here` : `${word} is not a literal; put strings in quotes`, at)
  }

  sequence<T>(close: string, item: () => T): T[] {
    const items: T[] = []
    for (;;) {
      this.#skipSpace()
      if (this.#text[this.#at] === close) break
      items.push(item())
      this.#skipSpace()
      if (this.#text[this.#at] !== ',') break
      this.#at++
    }
    this.expect(close)
    return items
  }

  expect(char: string): void {
    this.#skipSpace()
    if (this.#text[this.#at] !== char) throw this.#unexpected(`"${char}"`)
    this.#at++
  }

  end(): void {
    this.#skipSpace()
    if (this.#at < this.#text.length) throw this.#unexpected('nothing more')
  }

  #array(): Literal[] {
    this.expect('[')
    return this.sequence(']', () => this.value())
  }

  #object(): { [key: string]: Literal } {
    this.expect('{')
    // fromEntries defines properties, so that a key `__proto__` stays a key.
    return Object.fromEntries(this.sequence('}', () => this.#entry()))
  }

  #entry(): [string, Literal] {
    const char = this.#text[this.#at]
    const key = char === '"' || char === "'" ? this.#string(char) : this.#match(/[\p{ID_Start}$_][\p{ID_Continue}$]*|\d+/uy)
    if (key === undefined) throw this.#unexpected('a key')
    this.expect(':')
    return [key, this.value()]
  }

  #string(quote: string): string {
    const start = this.#at++
    let out = ''
    for (;;) {
      const char = this.#text[this.#at]
      if (char === undefined) throw new LiteralError('this string has no end', start)
      this.#at++
      if (char === quote) return out
      out += char === '\\' ? this.#escape() : char
    }
  }

  #escape(): string {
    const unicode = this.#match(/u[\da-fA-F]{4}/y)
    if (unicode !== undefined) return String.fromCharCode(Number.parseInt(unicode.slice(1), 16))
    const char = this.#text[this.#at++]
    if (char === undefined) throw new LiteralError('nothing follows the backslash', this.#at - 2)
    return escapes[char] ?? char
  }

  #skipSpace(): void {
    this.#match(/\s*/y)
  }

  #match(pattern: RegExp): string | undefined {
    pattern.lastIndex = this.#at
    const found = pattern.exec(this.#text)?.[0]
    if (found !== undefined) this.#at += found.length
    return found
  }

  #unexpected(wanted: string): LiteralError {
    const char = this.#text[this.#at]
    return new LiteralError(`${char === undefined ? 'the end' : `"${char}"`} where ${wanted} should be`, this.#at)
  }
}
