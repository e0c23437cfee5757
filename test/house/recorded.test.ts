/** No chart runs unseen: whoever starts one joins the flight recorder to it. */
import { expect, test } from 'vitest'
import { sources } from './imports.ts'

const starts = sources
  .filter(({ path }) => path.startsWith('src/'))
  .flatMap(({ path, text }) => [...text.matchAll(/\bcreateActor\(/g)].map((match) => ({ path, call: callAt(text, match.index) })))

test('every actor that is created is inspected by the recorder', () => {
  expect(starts.length).toBeGreaterThan(5)
  expect(starts.filter(({ call }) => !/inspect: \S*recorder\.inspect\(/.test(call)).map(({ path }) => path)).toEqual([])
})

/** From its name to the bracket that closes it. */
function callAt(text: string, from: number): string {
  let depth = 0
  for (let at = text.indexOf('(', from); at < text.length; at++) {
    if (text[at] === '(') depth++
    else if (text[at] === ')' && --depth === 0) return text.slice(from, at + 1)
  }
  return ''
}
