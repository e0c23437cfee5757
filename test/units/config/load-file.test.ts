import { createHash } from 'node:crypto'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { folderWith, write } from './folder.ts'
import { type Reader, startReader } from './reader.ts'

let reader: Reader
beforeAll(async () => {
  reader = await startReader()
})
afterAll(async () => await reader.stop())

const esm = `import { count } from './helper.mjs'
export default { workers: count, bind: ['a:1'] }
export function onStarting() {}
export const max_requests = 7
`
const typed = `import { count } from './helper.mjs'
interface Wanted { workers: number; bind: string[] }
export default async (): Promise<Wanted> => ({ workers: count, bind: ['a:1'] as string[] })
export const maxRequests: number = 7
export const on_starting = (arbiter: unknown): void => {}
`
const helper = { 'helper.mjs': 'export const count = 3', 'package.json': { type: 'module' } }

const contents: Record<string, string> = {
  ts: typed,
  mts: typed,
  js: esm,
  mjs: esm,
  cjs: `module.exports = { workers: 3, bind: 'a:1', maxRequests: 7, onStarting() {} }`,
  json: `\uFEFF{ "$schema": "./schema.json", "workers": 3, "bind": ["a:1"], "maxRequests": 7 }`,
  toml: `workers = 3 # a comment\nbind = ["a:1"]\nmax_requests = 7\n`,
}

describe.each(Object.entries(contents))('monoceros.config.%s', (extension, content) => {
  it.each([
    ['at the start', false],
    ['at a reload', true],
  ])('is read %s', async (_, fresh) => {
    const name = `monoceros.config.${extension}`
    const cwd = folderWith({ ...helper, [name]: content })
    const config = await reader.configOf({ cwd, fresh })
    expect(config.settings).toMatchObject({ workers: 3, bind: ['a:1'], maxRequests: 7 })
    expect([config.origins.workers, config.origins.maxRequests]).toEqual([`./${name}`, `./${name}`])
    const isCode = !['json', 'toml'].includes(extension)
    expect([config.origins.onStarting, config.hooks.onStarting]).toEqual(isCode ? [`./${name}`, '[function]'] : ['default', undefined])
    expect(config.file).toEqual({ path: join(cwd, name), sha256: createHash('sha256').update(content).digest('hex') })
  })
})

describe('forms of a module', () => {
  const read = async (name: string, content: string, fresh: boolean) => {
    const cwd = folderWith({ [name]: content, 'package.json': {}, 'bare.ts': 'export const count: number = 3' })
    const { entries } = await reader.call('loadFile', join(cwd, name), { cwd, fresh })
    return Object.fromEntries(entries)
  }
  it.each([
    ['a.mjs', 'export const workers = 3'],
    ['a.mjs', 'export default () => ({ workers: 3 })'],
    ['a.mjs', 'await new Promise((go) => setTimeout(go, 5)); export default { workers: 3 }'],
    ['a.mjs', 'export default { workers: 3 }; export const workers = 3'],
    ['a.cjs', 'module.exports = async () => ({ workers: 3 })'],
    ['a.cjs', 'exports.workers = 3'],
    ['a.cjs', 'Object.defineProperty(exports, "__esModule", { value: true }); exports.default = { workers: 3 }'],
    ['a.js', 'module.exports = { workers: 3 }'],
    ['a.js', 'export default { workers: 3 }'],
    ['a.ts', 'enum Count { Some = 3 }\nexport default { workers: Count.Some }'],
    ['a.ts', 'import { count } from "./bare"\nexport default { workers: count }'],
    ['a.mts', 'import { count } from "./bare.ts"\nexport default { workers: count } satisfies { workers: number }'],
  ])('%s: %s', async (name, content) => {
    expect(await read(name, content, false)).toEqual({ workers: 3 })
    expect(await read(name, content, true)).toEqual({ workers: 3 })
  })
})

describe('a reload reads the helper modules again', () => {
  const configs: Record<string, (helper: string) => string> = {
    'a.ts': (helper) => `import { count } from '${helper}'\nexport default { workers: count as number }`,
    'a.mjs': (helper) => `import { count } from '${helper}'\nexport default { workers: count }`,
    'a.js': (helper) => `export default async () => ({ workers: (await import('${helper}')).count })`,
    'a.cjs': (helper) => `module.exports = { workers: require('${helper}').count }`,
    'awaiting.mjs': (helper) => `import { count } from '${helper}'\nawait null\nexport default { workers: count }`,
    'awaiting.ts': (helper) => `import { count } from '${helper}'\nenum None {}\nawait null\nexport default { workers: count }`,
    'alone.mjs': () => '',
    'alone.cjs': () => '',
  }
  const helpers: Record<string, (count: number) => Record<string, string>> = {
    './helper.mjs': (count) => ({ 'helper.mjs': `export const count = ${count}` }),
    './helper.js': (count) => ({ 'helper.js': `export const count = ${count}` }),
    './helper.ts': (count) => ({ 'helper.ts': `export const count: number = ${count}` }),
    './helper.cjs': (count) => ({ 'helper.cjs': `exports.count = ${count}` }),
    './deep.mjs': (count) => ({ 'deep.mjs': `export * from './leaf.mjs'`, 'leaf.mjs': `export const count = ${count}` }),
    './deep.cjs': (count) => ({ 'deep.cjs': `module.exports = require('./leaf.cjs')`, 'leaf.cjs': `exports.count = ${count}` }),
  }
  const pairs = Object.keys(configs).flatMap((name) => Object.keys(helpers).map((helper) => [name, helper] as const))
  // JavaScript that asks for TypeScript at run time needs a Node that knows it.
  const isPossible = ([name, helper]: readonly [string, string]) =>
    'typescript' in process.features || !(helper.endsWith('.ts') && ['a.js', 'a.cjs'].includes(name))

  it.each(pairs.filter(isPossible))('%s with %s', async (name, helper) => {
    const alone: Record<string, (count: number) => string> = {
      'alone.mjs': (count) => `export default { workers: ${count} }`,
      'alone.cjs': (count) => `module.exports = { workers: ${count} }`,
    }
    const cwd = folderWith({ 'package.json': { type: 'module' } })
    const seen: unknown[] = []
    for (const count of [3, 4, 5]) {
      write(cwd, { ...helpers[helper]!(count), [name]: alone[name]?.(count) ?? configs[name]!(helper) })
      const config = await reader.configOf({ cwd, argv: ['app.js', '-c', name], fresh: count > 3 })
      seen.push(config.settings.workers)
    }
    expect(seen).toEqual([3, 4, 5])
  })
})

describe('a file that never finishes', () => {
  it.each([
    ['a.mjs', 'await new Promise(() => {})', false],
    ['a.mjs', 'await new Promise(() => {})', true],
    ['a.mjs', 'export default () => new Promise(() => {})', true],
  ])('is given up: %s: %s', async (name, content, fresh) => {
    const cwd = folderWith({ [name]: content })
    await expect(reader.call('loadFile', join(cwd, name), { cwd, fresh, timeBoxMs: 200 })).rejects.toMatchObject({
      message: './a.mjs: did not finish loading within 0.2 s: something it awaits never comes',
    })
  })
})

describe('a bad file is one line that names it', () => {
  it.each([
    ['a.mjs', '\nthrow new Error("boom\\nand more")', 'boom (./a.mjs:2)'],
    ['a.ts', 'const one: number = 1\n\nthrow new Error("boom")', 'boom (./a.ts:3)'],
    ['a.cjs', '\n\nnull.x', "Cannot read properties of null (reading 'x') (./a.cjs:3)"],
    ['a.mjs', 'import "./thrower.mjs"', 'thrown far away (./thrower.mjs:4)'],
    ['a.mjs', 'export default () => { throw "a text" }', 'a text'],
    ['a.mjs', 'export default () => { throw null }', 'object null was thrown'],
    ['a.mjs', 'export default {\n  workers: 4,,\n}', 'Unexpected token (./a.mjs:2)'],
    ['a.ts', 'export default {\n  workers: 4,,\n}', 'Unexpected token (./a.ts:2)'],
    ['a.mjs', 'export default 5', 'exports a number where an object of settings, or a function that returns one, is expected'],
    ['a.mjs', 'export default () => null', 'exports null where an object of settings, or a function that returns one, is expected'],
    ['a.json', '[]', 'holds a list where an object of settings is expected'],
    ['a.json', '"x"', 'holds a string where an object of settings is expected'],
    ['a.json', '{\n "workers": 4,\n}', 'Expected double-quoted property name (./a.json:3)'],
    ['a.json', '', 'Unexpected end of JSON input'],
    ['a.toml', 'workers = 4\nbind = = 5', 'Invalid TOML document: invalid value (./a.toml:2)'],
    ['a.yaml', '', 'its name must end in one of .ts .mts .js .mjs .cjs .json .toml'],
    ['a.mjs', 'export const wrokers = 4', 'unknown setting wrokers (did you mean workers?)'],
    ['a.mjs', 'export default { workers: 4 }; export const workers = 5', 'workers = 4 and workers = 5 contradict each other'],
    [
      'a.mjs',
      'export const onExit = () => {}; export function on_exit() {}',
      'onExit = [function onExit] and on_exit = [function on_exit] contradict each other',
    ],
  ])('%s: %s', async (name, content, line) => {
    for (const fresh of [false, true]) {
      const cwd = folderWith({ [name]: content, 'thrower.mjs': '\n\n\nthrow new Error("thrown far away")' })
      const refusal = await reader.refusalOf({ cwd, argv: ['app.js', '-c', name], fresh })
      // The order of a module's names is Node's: either may come first.
      expect(refusal.replace(/on_exit = (.*) and onExit = (.*) contradict/, 'onExit = $2 and on_exit = $1 contradict')).toBe(
        `1 ./${name}: ${line}`,
      )
    }
  })

  it('that is missing, or no file', async () => {
    const cwd = folderWith({ 'x.json/y': '' })
    expect(await reader.refusalOf({ cwd, argv: ['a', '-c', 'none.ts'] })).toBe('1 ./none.ts: there is no such file')
    expect(await reader.refusalOf({ cwd, argv: ['a', '-c', 'x.json'] })).toBe('1 ./x.json: it is a folder')
    expect(await reader.refusalOf({ cwd, env: { MONOCEROS_CMD_ARGS: '-c none.ts' } })).toBe('1 ./none.ts: there is no such file')
  })

  it('keeps what was thrown as the cause', async () => {
    const cwd = folderWith({ 'a.mjs': 'throw new RangeError("boom")' })
    await expect(reader.call('loadFile', join(cwd, 'a.mjs'), { cwd })).rejects.toMatchObject({
      code: 'MON_CONFIG_FILE',
      cause: 'RangeError',
    })
  })
})

describe('the hooks of a file, for a worker', () => {
  it('are those that are functions, under their own names; settings are left aside', async () => {
    const content =
      'export default { workers: "nonsense", post_fork() {}, preRequest: 5 }; export const worker_exit = () => {}; export const odd = 1'
    const path = join(folderWith({ 'a.mjs': content }), 'a.mjs')
    const { hooks, sha256 } = await reader.call('loadHooks', path)
    expect(hooks).toEqual({ postFork: '[function]', workerExit: '[function]' })
    expect(sha256).toBe(createHash('sha256').update(readFileSync(path)).digest('hex'))
  })
})
