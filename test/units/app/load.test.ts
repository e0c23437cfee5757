import { afterEach, describe, expect, test } from 'vitest'
import { appFolder, appsFolder, bodyOf, get, type Run, runApp } from './run-app.ts'

let cleanUp: (() => void)[] = []

afterEach(() => {
  for (const remove of cleanUp) remove()
  cleanUp = []
})

function runFiles(spec: string, files: Record<string, string>, run: Partial<Run> = {}) {
  const folder = appFolder(files)
  cleanUp.push(folder.remove)
  return runApp(spec, { cwd: folder.path, requests: [get('/')], ...run })
}

const answering = (text: string) => `(request, response) => response.end(${text})`

describe('a module that exports its handler', () => {
  test.each([
    ['ES module by extension', 'app.mjs', `export default ${answering('"ok"')}`, '{}'],
    ['ES module by package type', 'app.js', `export const app = ${answering('"ok"')}`, '{"type": "module"}'],
    ['ES module by its syntax', 'app.js', `import 'node:fs'\nexport const handler = ${answering('"ok"')}`, '{}'],
    ['ES module by a top-level await alone', 'app.js', `await null\nglobalThis.x = 1\nexport const app = ${answering('"ok"')}`, '{}'],
    ['CommonJS function', 'app.js', `module.exports = ${answering('"ok"')}`, '{}'],
    ['CommonJS by extension', 'app.cjs', `exports.app = ${answering('"ok"')}`, '{"type": "module"}'],
    ['CommonJS object', 'app.js', `module.exports = { handler: ${answering('"ok"')} }`, '{}'],
    ['CommonJS made from an ES module', 'app.js', `exports.__esModule = true\nexports.default = ${answering('"ok"')}`, '{}'],
    ['TypeScript', 'app.ts', `import type { RequestListener as L } from 'node:http'\nexport const app: L = ${answering('"ok"')}`, '{}'],
    ['TypeScript as CommonJS', 'app.cts', `const ok: string = 'ok'\nmodule.exports = ${answering('ok')}`, '{}'],
    ['TypeScript by extension', 'app.mts', `export default ${answering('"ok" as string')}`, '{"type": "commonjs"}'],
    ['a promise of a handler', 'app.mjs', `export default Promise.resolve(${answering('"ok"')})`, '{}'],
    ['after a top-level await', 'app.mjs', `const a = await Promise.resolve('ok')\nexport default ${answering('a')}`, '{}'],
  ])('%s', async (_, file, source, manifest) => {
    const report = await runFiles(`./${file}`, { [file]: source, 'package.json': manifest })
    expect(report).toMatchObject({ kind: 'node', wish: null, errors: [] })
    expect(bodyOf(report.answers[0])).toBe('ok')
  })
})

describe('a program that listens', () => {
  const program = `createServer(${answering('"ok"')}).listen(3000)`
  test.each([
    ['ES module', 'app.mjs', `import { createServer } from 'node:http'\n${program}`],
    ['ES module after a top-level await', 'app.mjs', `import { createServer } from 'node:http'\nawait null\n${program}`],
    ['CommonJS', 'app.cjs', `const { createServer } = require('node:http')\n${program}`],
    [
      'CommonJS when it is the main module',
      'app.cjs',
      `const { createServer } = require('node:http')\nif (require.main === module) ${program}`,
    ],
    ['CommonJS, later', 'app.cjs', `const { createServer } = require('node:http')\nsetTimeout(() => ${program}, 50)`],
    ['TypeScript', 'app.ts', `import { createServer } from 'node:http'\nconst port: number = 3000\n${program.replace('3000', 'port')}`],
    [
      'TypeScript as CommonJS, main',
      'app.cts',
      `const { createServer } = require('node:http')\nif (require.main === module) ${program} as unknown`,
    ],
    [
      'TypeScript for tsc, with imports, require.main and __dirname',
      'app.ts',
      `import { createServer } from 'node:http'\nif (require.main === module && __dirname.length > 1) ${program} as unknown`,
    ],
    [
      'an executable without an extension, as bin/www of Express',
      'bin/www',
      `#!/usr/bin/env node\nvar http = require('http')\nvar server = http.createServer(${answering('"ok"')})\nserver.listen(3000)`,
    ],
  ])('%s', async (_, file, source) => {
    const report = await runFiles(`./${file}`, { [file]: source })
    expect(report).toMatchObject({ wish: { host: null, port: 3000, path: null }, errors: [] })
    expect(bodyOf(report.answers[0])).toBe('ok')
  })

  test('argv and require.main are the program’s own', async () => {
    const report = await runApp('./express-program.cjs', { cwd: appsFolder, requests: [get('/')], args: ['--flag'], env: { PORT: '4000' } })
    expect(report).toMatchObject({ kind: 'express', wish: { host: '127.0.0.1', port: 4000, path: null } })
    expect(JSON.parse(bodyOf(report.answers[0]))).toEqual({ isMain: true, argv1: true })
    expect(report.stdout).toBe('express program is up\n')
  })

  test('the comparison of import.meta.url with argv[1] holds', async () => {
    const source = `import { createServer } from 'node:http'
      import { pathToFileURL } from 'node:url'
      if (import.meta.url === pathToFileURL(process.argv[1]).href) ${program}`
    expect(await runFiles('app.mjs', { 'app.mjs': source })).toMatchObject({ wish: { port: 3000 } })
  })

  test.runIf(Number(process.versions.node.split('.')[0]) >= 24)('import.meta.main is true in the program alone', async () => {
    const files = {
      'app.ts': `#!/usr/bin/env node\nimport { createServer } from 'node:http'\nimport './dep.ts'\nif (import.meta.main) ${program} as unknown`,
      'dep.ts': `console.log(import.meta.main as boolean)`,
    }
    expect(await runFiles('app.ts', files)).toMatchObject({ wish: { port: 3000 }, stdout: 'false\n' })
  })

  test('a linked file runs where it lies', async () => {
    const report = await runFiles('current/app.js', {
      'v1/app.js': `const { text } = require('./text.js')\nif (require.main === module) require('http').createServer(${answering('text')}).listen(3000)`,
      'v1/text.js': `exports.text = 'ok'`,
      'current/app.js': '->../v1/app.js',
    })
    expect(bodyOf(report.answers[0])).toBe('ok')
  })
})

describe('TypeScript that Node does not link', () => {
  const dep = 'export interface Shape { a: number }\nexport const x: string = "ok"'
  test.each([
    ['an enum', { 'app.ts': `enum Word { Ok = 'ok' }\nexport const app = ${answering('Word.Ok')}` }],
    [
      'an enum in a dependency',
      { 'app.ts': `import { W } from './w.ts'\nexport const app = ${answering('W.Ok')}`, 'w.ts': `export enum W { Ok = 'ok' }` },
    ],
    ['an import without extension', { 'app.ts': `import { x } from './dep'\nexport const app = ${answering('x')}`, 'dep.ts': dep }],
    ['./dep.js meaning dep.ts', { 'app.ts': `import { x } from './dep.js'\nexport const app = ${answering('x')}`, 'dep.ts': dep }],
    ['a folder', { 'app.ts': `import { x } from './dep'\nexport const app = ${answering('x')}`, 'dep/index.ts': dep }],
    [
      'an imported type without `type`',
      { 'app.ts': `import { Shape, x } from './dep.ts'\nexport const app = ${answering('x as unknown as Shape as never')}`, 'dep.ts': dep },
    ],
    [
      'a parameter property',
      { 'app.ts': `class A { constructor(readonly x: string) {} }\nexport const app = ${answering('new A("ok").x')}` },
    ],
    [
      'a decorator',
      { 'app.ts': `const d = (c: any) => { c.x = 'ok' }\n@d class A { static x: string }\nexport const app = ${answering('A.x')}` },
    ],
    [
      'a decorator in a dependency',
      {
        'app.ts': `import { A } from './a.ts'\nexport const app = ${answering('A.x')}`,
        'a.ts': `const d = (c: any) => { c.x = 'ok' }\n@d export class A { static x: string }`,
      },
    ],
    ['JSON', { 'app.ts': `import data from './data.json'\nexport const app = ${answering('data.x')}`, 'data.json': '{"x": "ok"}' }],
    ['export =', { 'app.cts': `import http = require('node:http')\nconst app: http.RequestListener = ${answering('"ok"')}\nexport = app` }],
    [
      'imports in a commonjs package',
      {
        'app.ts': `import { x } from './dep'\nexport const app = ${answering('x')}`,
        'dep.ts': dep,
        'package.json': '{"type": "commonjs"}',
      },
    ],
    [
      'a path of tsconfig.json',
      {
        'app.ts': `import { x } from '@/dep'\nexport const app = ${answering('x')}`,
        'src/dep.ts': dep,
        'tsconfig.json': '{"compilerOptions": {"paths": {"@/*": ["./src/*"]}}}',
      },
    ],
  ] as [string, Record<string, string>][])('%s', async (_, files) => {
    const report = await runFiles(Object.keys(files)[0]!, files)
    expect(report).toMatchObject({ errors: [], kind: 'node' })
    expect(bodyOf(report.answers[0])).toBe('ok')
  })

  test('runs the app’s code once', async () => {
    const report = await runFiles('app.ts', {
      'app.ts': `import { x } from './dep'\nenum A { B }\nconsole.log('app ran')\nexport const app = ${answering('x')}`,
      'dep.ts': `console.log('dep ran')\nexport const x: string = 'ok'`,
    })
    expect(report.stdout).toBe('dep ran\napp ran\n')
  })

  test('Nest, unmodified, with injection by type', async () => {
    const program = await runApp('./nest/main.ts', { cwd: appsFolder, requests: [get('/')] })
    expect(program).toMatchObject({ wish: { port: 3000 }, errors: [] })
    expect(bodyOf(program.answers[0])).toBe('nest')
    const exported = await runApp('./nest/exported.ts', { cwd: appsFolder, requests: [get('/')] })
    expect(exported).toMatchObject({ kind: 'nest', wish: null, hooks: ['close'], errors: [] })
    expect(bodyOf(exported.answers[0])).toBe('nest')
  })

  test('decorators of parameters, parameter properties and their metadata', async () => {
    const source = `import 'reflect-metadata'
      import { Controller, Get, Inject, Injectable, Module, Query } from '@nestjs/common'
      import { NestFactory } from '@nestjs/core'
      @Injectable() class Words { constructor(@Inject('WORD') private readonly word: string) {} say(to?: string) { return this.word + to } }
      @Controller() class Hello {
        constructor(private readonly words: Words) {}
        @Get() hello(@Query('to') to: string): string { return this.words.say(to) }
      }
      @Module({ controllers: [Hello], providers: [Words, { provide: 'WORD', useValue: 'hi ' }] }) class AppModule {}
      export const create = () => NestFactory.create(AppModule, { logger: false })`
    const report = await runFiles('main:create()', { 'main.ts': source }, { requests: [get('/?to=you')] })
    expect(report).toMatchObject({ kind: 'nest', errors: [] })
    expect(bodyOf(report.answers[0])).toBe('hi you')
  })
})

describe('a failing import', () => {
  const failed = async (files: Record<string, string>) => {
    const report = await runFiles(Object.keys(files)[0]!, files, { requests: [] })
    expect(report).toMatchObject({ code: 'MON_APP_IMPORT', errors: [] })
    return report
  }

  test.each(['app.mjs', 'app.cjs', 'app.ts', 'app.mts', 'app.cts'])('%s that throws keeps its stack', async (file) => {
    const report = await failed({ [file]: `\nconsole.log('ran')\nthrow new TypeError('no database')\n` })
    expect(report.message).toBe(`app ${file}: import failed: no database`)
    expect(report.causeStack).toMatch(new RegExp(`^TypeError: no database\n +at .*${file.replace('.', '\\.')}:3:7`))
    expect(report.stdout).toBe('ran\n')
  })

  test('stacks of what jiti runs name the right line', async () => {
    const report = await failed({
      'app.ts': `interface A {\n  a: string\n}\nenum E { A }\n\nfunction f(): void {\n  throw new Error('x')\n}\nf()\n`,
    })
    expect(report.causeStack).toMatch(/at f \(.*app\.ts:7:\d+\)\n.*app\.ts:9:/)
  })

  test.each(['app.mjs', 'app.cjs', 'app.js', 'app.ts', 'app.cts'])('a syntax error in %s names file and line', async (file) => {
    const report = await failed({ [file]: `globalThis.a = 1\n\nconst = 2\n` })
    expect(report.message).toMatch(
      new RegExp(
        `import failed: .*${file.replace('.', '\\.')}:3: ?.*Unexpected|import failed: .*Unexpected.*${file.replace('.', '\\.')}:3:`,
      ),
    )
  })

  test.each([`throw new Error('no')`, 'const = 1', `require('not-installed')`])(
    'CommonJS that fails below an ES module, once: %s',
    async (source) => {
      await failed({ 'app.mjs': `import './dep.cjs'`, 'dep.cjs': source })
    },
  )

  test('a syntax error in a dependency names that', async () => {
    const report = await failed({ 'app.mjs': `import './dep.mjs'`, 'dep.mjs': 'export const x = 1\nconst = 2' })
    expect(report.message).toBe("app app.mjs: import failed: dep.mjs:2: Unexpected token '='")
    expect(report.causeStack).toMatch(/^\S+dep\.mjs:2\n/)
  })

  test('a name that a dependency does not export', async () => {
    const report = await failed({ 'app.mjs': `import { nope } from './dep.mjs'`, 'dep.mjs': 'export const x = 1' })
    expect(report.message).toMatch(/import failed: app\.mjs:1: .*'nope'/)
  })

  test.each([
    ['app.mjs', `import 'not-installed'`, /Cannot find package 'not-installed' imported from .*app\.mjs/],
    ['app.cjs', `require('not-installed')`, /Cannot find module 'not-installed'.*app\.cjs/],
    ['app.ts', `import 'not-installed'\nexport const x: number = 1`, /Cannot find (?:package|module) 'not-installed'.*app\.ts/],
    ['app.cts', `require('not-installed')`, /Cannot find module 'not-installed'.*app\.cts/],
  ])('a missing dependency of %s', async (file, source, message) => {
    const report = await failed({ [file]: source })
    expect(report.message).toMatch(message)
  })

  test('an error of the app’s own code is never tried a second time', async () => {
    const notFound = await failed({ 'app.ts': `console.log('ran')\nawait import('./missing')\nexport const x: number = 1` })
    expect(notFound.stdout).toBe('ran\n')
    const syntax = await failed({ 'app.ts': `console.log('ran')\nJSON.parse('{')\nexport const x: number = 1` })
    expect(syntax.stdout).toBe('ran\n')
    const required = await failed({ 'app.cts': `console.log('ran')\nrequire('./dep.cts')`, 'dep.cts': 'const = 1' })
    expect(required.stdout).toBe('ran\n')
  })

  test('a thrown string', async () => {
    expect((await failed({ 'app.cjs': `throw 'why not'` })).message).toBe('app app.cjs: import failed: why not')
  })
})
