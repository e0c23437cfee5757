import fc from 'fast-check'
import { expect, test } from 'vitest'
import { type AppSpec, parseAppSpec } from '../../../src/app/spec.ts'

function parsed(text: string): Omit<AppSpec, 'text'> {
  const answer = parseAppSpec(text)
  if (!answer.ok) throw answer.error
  const { text: _, ...rest } = answer.spec
  return rest
}

function refusal(text: string): string {
  const answer = parseAppSpec(text)
  if (answer.ok) throw new Error(`${text} was accepted`)
  expect(answer.error.code).toBe('MON_APP_SPEC')
  return answer.error.message
}

test.each([
  ['./app.js', './app.js', null],
  ['app', 'app', null],
  ['@scope/pkg', '@scope/pkg', null],
  ['./app.js:server', './app.js', ['server']],
  ['./app.js:server.app', './app.js', ['server', 'app']],
  ['./app.js:$a._b1', './app.js', ['$a', '_b1']],
  ['file:///srv/app.js', 'file:///srv/app.js', null],
  ['file:///srv/app.js:app', 'file:///srv/app.js', ['app']],
  ['/srv/a:b/app.js', '/srv/a:b/app.js', null],
  ['/srv/a:b/app.js:app', '/srv/a:b/app.js', ['app']],
])('%s', (text, module, path) => {
  expect(parsed(text)).toEqual({ module, path, args: null })
})

test.each([
  ['a:f()', []],
  ['a:f( )', []],
  ['a:f("prod", 3, true, null, [1,2], {a: 1})', ['prod', 3, true, null, [1, 2], { a: 1 }]],
  [`a:f('it''s')`, null],
  [`a:f('it\\'s "so"')`, ['it\'s "so"']],
  ['a:f("a/b:c(d)")', ['a/b:c(d)']],
  ['a:f("\\u00e9\\n")', ['é\n']],
  ['a:f(-1.5e3, 0, undefined,)', [-1500, 0, undefined]],
  ['a:f({"a b": {c: [\'d\',],}, 1: false})', [{ 'a b': { c: ['d'] }, 1: false }]],
])('arguments of %s', (text, args) => {
  if (args === null) expect(refusal(text)).toMatch(/at character/)
  else expect(parsed(text)).toEqual({ module: 'a', path: ['f'], args })
})

test('a key __proto__ stays a key', () => {
  const [options] = parsed('a:f({__proto__: {admin: true}})').args as [Record<string, unknown>]
  expect(Object.getPrototypeOf(options)).toBe(Object.prototype)
  expect(Object.keys(options)).toEqual(['__proto__'])
})

test.each([
  ['', /module before the colon is missing \(at character 1\)/],
  [':app', /module before the colon is missing \(at character 1\)/],
  ['./app.js:', /name of an export should stand after the colon \(at character 10\)/],
  ['./app.js:a-b', /"-" does not belong in the name of an export \(at character 11\)/],
  ['./app.js:a.', /"\." does not belong/],
  ['a:f(', /the end where a literal should be \(at character 5\)/],
  ['a:f(1', /the end where "\)" should be \(at character 6\)/],
  ['a:f(1) x', /"x" where nothing more should be \(at character 8\)/],
  ['a:f("x)', /this string has no end \(at character 5\)/],
  ['a:f(None)', /None is written null here \(at character 5\)/],
  ['a:f(prod)', /prod is not a literal; put strings in quotes \(at character 5\)/],
  ['a:f(process.exit())', /process is not a literal/],
  ['a:f({a 1})', /"1" where ":" should be \(at character 8\)/],
  ['a:f(01)', /where a literal should be/],
])('refuses %s', (text, message) => {
  expect(refusal(text)).toMatch(message)
})

test('any JSON arguments come back as they were', () => {
  fc.assert(
    fc.property(fc.array(fc.jsonValue()), (values) => {
      const text = `./app.js:create(${values.map((value) => JSON.stringify(value)).join(', ')})`
      expect(JSON.stringify(parsed(text).args)).toBe(JSON.stringify(values))
    }),
    { numRuns: 200 },
  )
})

test('no text makes the parser throw', () => {
  fc.assert(
    fc.property(fc.string(), (text) => {
      parseAppSpec(text)
      parseAppSpec(`a:f(${text}`)
    }),
    { numRuns: 500 },
  )
})
