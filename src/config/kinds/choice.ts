import * as v from 'valibot'
import { nearest } from '../../base/nearest.ts'
import type { Kind } from './kind.ts'
import { filledText } from './text.ts'

const booleans: Readonly<Record<string, boolean>> = { true: true, '1': true, false: false, '0': false }

export const flag: Kind<boolean> = {
  schema: v.union(
    [
      v.boolean(),
      v.pipe(
        v.string(),
        v.trim(),
        v.toLowerCase(),
        v.check((word) => Object.hasOwn(booleans, word), 'not a boolean'),
        v.transform((word) => booleans[word] === true),
      ),
    ],
    'not a boolean',
  ),
  allowed: 'true, false, 1, 0',
  placeholder: '',
  json: { type: 'boolean' },
  isFlag: true,
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
export function choiceOrModule(words: readonly string[]): Kind<string> {
  const isKnown = (given: string) => words.includes(given) || /[/.]/.test(given)
  return {
    schema: v.pipe(
      filledText,
      v.check(isKnown, (issue) => unknownWord(issue.input, words)),
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
