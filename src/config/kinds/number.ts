import * as v from 'valibot'
import type { Kind } from './kind.ts'

/** The longest wait that a timer of Node keeps: 2^31-1 ms. */
const secondsMax = 2_147_483.647

const numeric = v.union(
  [v.pipe(v.string(), v.trim(), v.regex(/^-?(\d+\.?\d*|\.\d+)$/, 'not a number'), v.transform(Number)), v.number('not a number')],
  'not a number',
)

export function wholeFrom(min: number, max: number) {
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

/** A whole number from `min`; 0 turns it off. */
export function wholeOrZero(min: number): Kind<number> {
  const isLargeEnough = (value: number) => value >= min || value === 0
  return {
    schema: v.pipe(wholeFrom(0, Number.MAX_SAFE_INTEGER), v.check(isLargeEnough, 'too small')),
    allowed: `a whole number from ${min}, or 0`,
    placeholder: 'INT',
    json: { anyOf: [{ type: 'integer', minimum: min }, { const: 0 }] },
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

/** A file mode mask. Digits without a leading 0 are refused as text: a shell reads them as octal, Gunicorn as decimal. */
export const octal: Kind<number, number | string> = {
  schema: v.pipe(
    v.union(
      [
        v.pipe(
          v.string(),
          v.trim(),
          v.regex(/^(0o?[0-7]+|[0-7])$/i, 'not octal'),
          v.transform((digits) => Number.parseInt(digits.replace(/^0o/i, ''), 8)),
        ),
        v.number(),
      ],
      'not an octal number with a leading 0',
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
