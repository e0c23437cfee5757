import * as v from 'valibot'
import { nearest } from '../base/nearest.ts'

/**
 * What values a setting takes. `schema` reads a value of any source (text of the environment and the command line, data
 * of files) into what the code uses; the rest describes it to people, to editors and to the shell.
 */
export interface Kind<Out, In = Out> {
  readonly schema: v.GenericSchema<unknown, Out>
  readonly allowed: string
  readonly placeholder: string
  readonly json: Readonly<Record<string, unknown>>
  readonly choices?: readonly string[]
  readonly isFlag?: true
  readonly isList?: true
  readonly isPath?: true
  readonly show?: (value: Out) => string
  /** Only a type: what a config file in TypeScript may hold. */
  readonly input?: In
}

/** The longest wait that a timer of Node keeps: 2^31-1 ms. */
const secondsMax = 2_147_483.647

const numeric = v.union(
  [v.pipe(v.string(), v.trim(), v.regex(/^-?(\d+\.?\d*|\.\d+)$/, 'not a number'), v.transform(Number)), v.number('not a number')],
  'not a number',
)

function wholeFrom(min: number, max: number) {
  return v.pipe(numeric, v.integer('not a whole number'), v.minValue(min, 'too small'), v.maxValue(max, 'too large'))
}

export function whole(min: number, max: number = Number.MAX_SAFE_INTEGER): Kind<number> {
  const bound = max === Number.MAX_SAFE_INTEGER ? '' : ` to ${max}`
  return {
    schema: wholeFrom(min, max),
    allowed: `a whole number from ${min}${bound}`,
    placeholder: 'INT',
    json: { type: 'integer', minimum: min, ...(bound === '' ? {} : { maximum: max }) },
  }
}

export function wholeOr<const Word extends string>(word: Word, min: number): Kind<number | Word> {
  return {
    schema: v.union([v.literal(word), wholeFrom(min, Number.MAX_SAFE_INTEGER)], 'not a whole number'),
    allowed: `a whole number from ${min}, or ${word}`,
    placeholder: `INT|${word}`,
    choices: [word],
    json: { anyOf: [{ type: 'integer', minimum: min }, { const: word }] },
  }
}

/** A time in seconds, decimals allowed; 0 turns it off unless `isZeroOff` is false. */
export function seconds(isZeroOff = true): Kind<number> {
  // Less than a millisecond would be rounded to 0 and mean "off".
  const isLongEnough = (value: number) => value >= 0.001 || (value === 0 && isZeroOff)
  return {
    schema: v.pipe(numeric, v.check(isLongEnough, 'too small'), v.maxValue(secondsMax, 'too large')),
    allowed: `seconds from 0.001 to ${secondsMax}${isZeroOff ? ', or 0' : ''}`,
    placeholder: 'SECONDS',
    json: { type: 'number', maximum: secondsMax, ...(isZeroOff ? { minimum: 0 } : { exclusiveMinimum: 0 }) },
  }
}

const booleans: Readonly<Record<string, boolean>> = { true: true, '1': true, false: false, '0': false }

export const flag: Kind<boolean> = {
  schema: v.union([
    v.boolean(),
    v.pipe(
      v.string(),
      v.trim(),
      v.toLowerCase(),
      v.check((word) => Object.hasOwn(booleans, word), 'not a boolean'),
      v.transform((word) => booleans[word] === true),
    ),
  ]),
  allowed: 'true, false, 1, 0',
  placeholder: '',
  json: { type: 'boolean' },
  isFlag: true,
}

const filledText = v.pipe(v.string('not text'), v.nonEmpty('empty'), v.excludes('\0', 'holds a NUL character'))

export const text: Kind<string> = { schema: filledText, allowed: 'text', placeholder: 'TEXT', json: { type: 'string', minLength: 1 } }

export const path: Kind<string> = { ...text, allowed: 'a path', placeholder: 'PATH', isPath: true }

/** The name or number of a user or group; a number becomes its digits. */
export const account: Kind<string, string | number> = {
  schema: v.union([filledText, v.pipe(wholeFrom(0, 0xffff_fffe), v.transform(String))], 'not a name or number'),
  allowed: 'a name or a number from 0',
  placeholder: 'NAME',
  json: { type: ['string', 'integer'], minLength: 1, minimum: 0 },
}

/** A list of texts; one text alone is a list of one. */
export function list(item: {
  shape: RegExp
  problem: string
  allowed: string
  placeholder: string
}): Kind<string[], readonly string[] | string> {
  const one = v.pipe(v.string('not text'), v.trim(), v.regex(item.shape, item.problem))
  return {
    schema: v.pipe(
      v.union(
        [
          v.pipe(
            v.string(),
            v.transform((alone) => [alone]),
          ),
          v.array(v.unknown()),
        ],
        'not a list',
      ),
      v.array(one, 'not a list'),
    ),
    allowed: item.allowed,
    placeholder: item.placeholder,
    json: { anyOf: [{ type: 'array', items: { type: 'string' } }, { type: 'string' }] },
    isList: true,
  }
}

export function choice<const Word extends string>(...words: readonly Word[]): Kind<Word> {
  return {
    schema: v.pipe(
      v.string('not text'),
      v.trim(),
      v.toLowerCase(),
      v.picklist(words, (issue) => unknownWord(issue.input, words)),
    ),
    allowed: words.join(', '),
    placeholder: words.join('|'),
    choices: words,
    json: { enum: words },
  }
}

/** One of the words, or the path of a module: a text with a slash or a dot in it. */
export function choiceOrModule(words: readonly string[], refused: Readonly<Record<string, string>>): Kind<string> {
  const isKnown = (given: string) => words.includes(given) || /[/.]/.test(given)
  return {
    schema: v.pipe(
      filledText,
      v.check(isKnown, (issue) => refused[issue.input] ?? unknownWord(issue.input, words)),
    ),
    allowed: `${words.join(', ')}, or the path of a module`,
    placeholder: 'CLASS',
    choices: words,
    json: { type: 'string', examples: words },
  }
}

function unknownWord(given: unknown, words: readonly string[]): string {
  const meant = nearest(String(given), words)
  return meant === undefined ? 'unknown' : `unknown (did you mean ${meant}?)`
}

/** A file mode mask. Digits without a leading 0 are refused as text: a shell reads them as octal, Gunicorn as decimal. */
export const octal: Kind<number, number | string> = {
  schema: v.pipe(
    v.union(
      [
        v.pipe(
          v.string(),
          v.trim(),
          v.regex(/^(0o?[0-7]+|[0-7])$/i, 'not an octal number with a leading 0'),
          v.transform((digits) => Number.parseInt(digits.replace(/^0o/i, ''), 8)),
        ),
        v.number(),
      ],
      'not an octal number',
    ),
    v.integer('not a whole number'),
    v.minValue(0, 'too small'),
    v.maxValue(0o777, 'too large'),
  ),
  allowed: 'an octal number up to 0777, such as 0022 or 0o22',
  placeholder: 'OCTAL',
  json: {
    anyOf: [
      { type: 'integer', minimum: 0, maximum: 0o777 },
      { type: 'string', pattern: '^(0o?[0-7]+|[0-7])$' },
    ],
  },
  show: (value) => (value === 0 ? '0' : `0o${value.toString(8)}`),
}
