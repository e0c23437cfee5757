import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { nameDirtyApps, parseDirtySpec } from '../../../src/base/dirty-spec.ts'

const spec = (text: string) => {
  const parsed = parseDirtySpec(text)
  if (!parsed.ok) throw new Error(parsed.problem)
  return parsed.spec
}
const namesOf = (...texts: string[]) => [...nameDirtyApps(texts.map(spec)).keys()]

describe('what names a dirty app', () => {
  test.each([
    ['./images.ts:ImageApp', null, './images.ts', 'ImageApp', null],
    ['./images.ts:ImageApp:2', null, './images.ts', 'ImageApp', 2],
    ['pictures=./images.ts:ImageApp:2', 'pictures', './images.ts', 'ImageApp', 2],
    ['my.images-1=@shop/images:Image$App', 'my.images-1', '@shop/images', 'Image$App', null],
    ['./odd:place/images.js:default', null, './odd:place/images.js', 'default', null],
    ['./büro.js:Größe', null, './büro.js', 'Größe', null],
    ['./a=b/images.js:App', null, './a=b/images.js', 'App', null],
  ])('%s', (text, given, module, className, workers) => {
    expect(spec(text)).toEqual({ text, given, module, className, workers })
  })

  test.each([
    '',
    './images.ts',
    ':ImageApp',
    './images.ts:',
    './images.ts:2',
    './images.ts:Image App',
    './images.ts:ImageApp:',
    'a:B:-1',
    'a:B:1.5',
  ])('is not %j', (text) => {
    expect(parseDirtySpec(text)).toMatchObject({ ok: false, problem: expect.stringContaining('[name=]MODULE:CLASS[:WORKERS]') })
  })

  test('wants a worker at least', () => {
    expect(parseDirtySpec('./images.ts:ImageApp:0')).toMatchObject({ ok: false, problem: expect.stringContaining('one worker') })
  })

  test('comes apart as it was put together', () => {
    const word = fc.stringMatching(/^[A-Za-z_][\w.-]{0,8}$/)
    const module = fc.stringMatching(/^\.{0,2}\/?[a-z][a-z/.:-]{0,12}[a-z]$/)
    const name = fc.stringMatching(/^[A-Za-z_$][\w$]{0,8}$/)
    fc.assert(
      fc.property(fc.option(word), module, name, fc.option(fc.integer({ min: 1, max: 999 })), (given, from, className, workers) => {
        const text = `${given === null ? '' : `${given}=`}${from}:${className}${workers === null ? '' : `:${workers}`}`
        expect(parseDirtySpec(text)).toEqual({ ok: true, spec: { text, given, module: from, className, workers } })
      }),
    )
  })
})

describe('the name by which a dirty app is called', () => {
  test('is the given one, else the base name of its module', () => {
    expect(namesOf('pictures=./images.ts:A', './search.mjs:B', 'pkg/text.cts:C', '@shop/mail:D', './job.v2.js:E')).toEqual([
      'pictures',
      'search',
      'text',
      'mail',
      'job.v2',
    ])
  })

  test('is the whole spec where the base name belongs to another too', () => {
    expect(namesOf('./a/images.ts:A', './b/images.ts:B')).toEqual(['./a/images.ts:A', './b/images.ts:B'])
    expect(namesOf('images=./x.ts:A', './b/images.ts:B')).toEqual(['images', './b/images.ts:B'])
  })

  test('is the whole spec where the module has no base name', () => {
    for (const text of ['./images/:A', './.ts:B']) expect(namesOf(text)).toEqual([text])
  })

  test('is given once', () => {
    expect(() => namesOf('images=./a.ts:A', 'images=./b.ts:B')).toThrow(expect.objectContaining({ code: 'MON_CONFIG_CONFLICT' }))
    expect(() => namesOf('./a.ts:A', './a.ts:A')).toThrow(expect.objectContaining({ code: 'MON_CONFIG_CONFLICT' }))
  })
})
