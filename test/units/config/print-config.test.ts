import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import type { ResolvedConfig } from '../../../src/config/chain.ts'
import { printConfig } from '../../../src/config/print-config.ts'
import { settings } from '../../../src/config/settings.ts'
import { show } from '../../../src/config/show.ts'
import { configOf, folderWith } from './folder.ts'

describe('--print-config', () => {
  it('prints a line for each setting, sorted, in columns, with its source', async () => {
    const cwd = folderWith({ 'monoceros.config.mjs': 'export default { umask: "0027", onStarting() {}, rawEnv: ["A=1", "B=2"] }' })
    const lines = printConfig(await configOf({ cwd, argv: ['./app.js', '-w', 'auto'], env: { PORT: '80' } })).split('\n')
    expect(lines.pop()).toBe('')
    expect(lines.map((line) => line.split(' ')[0])).toEqual(settings.map(({ name }) => name).sort())
    expect(new Set(lines.map((line) => line.indexOf('  # '))).size).toBeGreaterThan(0)
    expect(new Set(lines.map((line) => line.lastIndexOf('  # '))).size).toBe(1)
    const plain = lines.map((line) => line.replace(/ +/g, ' '))
    for (const line of [
      'app = "./app.js" # command line',
      'bind = ["0.0.0.0:80"] # PORT',
      'onStarting = [function onStarting] # ./monoceros.config.mjs',
      'onExit = null # default',
      'rawEnv = ["A=1", "B=2"] # ./monoceros.config.mjs',
      'umask = 0o27 # ./monoceros.config.mjs',
      'workers = "auto" # command line',
      'keepalive = 75 # default',
      'accesslog = null # default',
    ]) {
      expect(plain).toContain(line)
    }
  })

  it('never throws, and keeps each value on its line', async () => {
    const config = await configOf({})
    const names = settings.map(({ name }) => name)
    const anyValue = fc.oneof(
      fc.anything({ withBigInt: true, withDate: true, withMap: true, withNullPrototype: true }),
      fc.string({ unit: 'binary' }),
    )
    fc.assert(
      fc.property(fc.constantFrom(...names), anyValue, (name, value) => {
        const odd = { ...config, settings: { ...config.settings, [name]: value }, hooks: { [name]: value } } as ResolvedConfig
        expect(printConfig(odd).split('\n')).toHaveLength(names.length + 1)
      }),
    )
  })
})

describe('showing a value', () => {
  const circle: { self?: object } = {}
  circle.self = circle
  const nameless = Object.defineProperty(() => {}, 'name', { value: { toString: null } })
  const hostile = new Proxy(
    {},
    {
      ownKeys() {
        throw new Error('no')
      },
    },
  )
  it.each([
    ['a "b"\n', '"a \\"b\\"\\n"'],
    ['\u2028\u009b1m\u007f', '"\\u2028\\u009b1m\\u007f"'],
    [['a', 1, null, true], '["a", 1, null, true]'],
    [{ a: { b: [] } }, '{ "a": { "b": [] } }'],
    [{}, '{}'],
    [10n, '10n'],
    [Symbol('x'), 'Symbol(x)'],
    [Symbol('a\nb'), 'Symbol(a\\u000ab)'],
    [Number.NaN, 'NaN'],
    [-0, '0'],
    [undefined, 'undefined'],
    [function named() {}, '[function named]'],
    [(() => () => {})(), '[function anonymous]'],
    [nameless, '[function anonymous]'],
    [circle, '{ "self": { "self": { "self": { "self": [...] } } } }'],
    [hostile, '[object]'],
  ])('case %#', (value, shown) => {
    expect(show(value)).toBe(shown)
  })
})
