import { join } from 'node:path'
import { pathToFileURL } from 'node:url'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { findApp } from '../../../src/app/find.ts'
import { appFolder } from './run-app.ts'

let folder: { path: string; remove(): void }

beforeAll(() => {
  folder = appFolder({
    'app.js': '',
    'both.ts': '',
    'both.js': '',
    'server.mjs': '',
    'server/index.js': '',
    'withmain/package.json': '{"main": "./lib/start"}',
    'withmain/lib/start.cjs': '',
    'withexports/package.json': '{"exports": {".": {"types": "./t.d.ts", "import": "./esm.js"}}, "main": "./no.js"}',
    'withexports/esm.js': '',
    'indexed/index.mts': '',
    'empty/server.js': '',
    'myapp/wsgi.js': '',
    'node_modules/dual/package.json': '{"name": "dual", "exports": {"import": "./esm.mjs", "require": "./cjs.cjs"}}',
    'node_modules/dual/esm.mjs': '',
    'node_modules/dual/cjs.cjs': '',
    'node_modules/@org/old/package.json': '{"name": "@org/old", "main": "main.js"}',
    'node_modules/@org/old/main.js': '',
    'node_modules/dual/package-lock': '',
  })
})
afterAll(() => folder.remove())

test.each([
  ['./app.js', 'app.js'],
  ['app.js', 'app.js'],
  ['app', 'app.js'],
  ['both', 'both.ts'],
  ['server', 'server.mjs'],
  ['./server/', 'server/index.js'],
  ['./withmain/.', 'withmain/lib/start.cjs'],
  ['withmain', 'withmain/lib/start.cjs'],
  ['./withexports', 'withexports/esm.js'],
  ['indexed', 'indexed/index.mts'],
  ['dual', 'node_modules/dual/esm.mjs'],
  ['@org/old', 'node_modules/@org/old/main.js'],
])('%s is %s', async (module, file) => {
  expect(await findApp(module, folder.path)).toEqual({ ok: true, file: join(folder.path, file) })
})

test('absolute paths and file: URLs', async () => {
  const file = join(folder.path, 'app.js')
  expect(await findApp(file, '/')).toEqual({ ok: true, file })
  expect(await findApp(pathToFileURL(file).href, '/')).toEqual({ ok: true, file })
})

test.each([
  ['./ap.js', /there is no \S+\/ap\.js; did you mean \.\/app\.js\?$/],
  ['./app.ts', /did you mean \.\/app\.js\?$/],
  ['servre', /did you mean \.\/server\.mjs\?$/],
  ['myapp.wsgi', /did you mean \.\/myapp\/wsgi\.js\?$/],
  ['./nowhere/app.js', /; the folder \S+\/nowhere does not exist$/],
  ['./empty', /to run in that folder \(no package\.json main, no index file\); did you mean \.\/empty\/server\.js\?$/],
  ['node:fs', /there is no /],
  ['no-such-package-anywhere', /there is no /],
  ['file://host/x.js', /there is no file:/],
])('%s is not found', async (module, message) => {
  const found = await findApp(module, folder.path)
  if (found.ok) throw new Error(`found ${found.file}`)
  expect(found.error.code).toBe('MON_APP_NOT_FOUND')
  expect(found.error.message).toMatch(message)
})
