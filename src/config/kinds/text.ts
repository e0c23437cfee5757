import * as v from 'valibot'
import type { Kind } from './kind.ts'
import { wholeFrom } from './number.ts'

export const filledText = v.pipe(v.string('not text'), v.nonEmpty('empty'), v.excludes('\0', 'holds a NUL character'))

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
