/** The installed package, in a package of somebody else. */
import { execFile } from 'node:child_process'
import { readFileSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { promisify } from 'node:util'
import { describe, expect, inject, test } from 'vitest'
import { ask } from '../support/client.ts'
import { start } from '../support/harness.ts'
import { manifestOf } from '../support/installed.ts'

const consumer = inject('consumer')
const own = join(consumer, 'node_modules/monoceros')
const { version, exports = {} } = manifestOf(own)
const run = promisify(execFile)
const bin = (name: string) => join(consumer, 'node_modules/.bin', name)
/** Programs find the Node of this test first. */
const env = { ...process.env, PATH: `${dirname(process.execPath)}:${process.env['PATH']}`, NODE_OPTIONS: '' }

describe.each(['monoceros', 'monocerosctl'])('the bin %s', (name) => {
  test('runs as a program and says its version', async () => {
    const { stdout, stderr } = await run(bin(name), ['--version'], { cwd: consumer, env })
    expect(stdout).toContain(version)
    expect(stderr).toBe('')
  })

  test('says what it can do', async () => {
    const { stdout, stderr } = await run(bin(name), ['--help'], { cwd: consumer, env })
    expect(stdout).toContain(name)
    expect(stderr).toBe('')
  })
})

test.each([
  ['a module', 'app.mjs', `export default (req, res) => res.end('here')`],
  ['CommonJS', 'app.cjs', `module.exports = (req, res) => res.end('here')`],
  [
    'TypeScript',
    'app.ts',
    `import type { IncomingMessage, ServerResponse } from 'node:http'
enum Word { here = 'here' }
export default (_: IncomingMessage, res: ServerResponse): void => void res.end(Word.here)`,
  ],
])('the installed server serves %s', async (_, file, text) => {
  writeFileSync(join(consumer, file), text)
  const server = start({ cli: bin('monoceros'), cwd: consumer, args: [`./${file}`, '-w', '2', '-b', '127.0.0.1:0'] })
  await server.ready()
  expect((await ask({ port: server.port() })).body).toBe('here')
  expect(await server.stop()).toEqual({ code: 0, signal: null })
  expect(server.stderr()).toBe('')
})

test('the installed server has threads, dirty apps, a config file, and a dashboard with its page', async () => {
  writeFileSync(
    join(consumer, 'doubles.mjs'),
    `import { DirtyApp } from 'monoceros/dirty'
export class Doubles extends DirtyApp { of(number) { return number * 2 } }`,
  )
  writeFileSync(
    join(consumer, 'calls.mjs'),
    `import { isMainThread } from 'node:worker_threads'
import { dirty } from 'monoceros/dirty'
export default async (req, res) => res.end(JSON.stringify([isMainThread, await dirty('doubles').of(21)]))`,
  )
  writeFileSync(
    join(consumer, 'full.config.ts'),
    `import { defineConfig } from 'monoceros'
export default defineConfig({ threads: 2, workers: 1, dirtyApps: ['./doubles.mjs:Doubles'], dirtyWorkers: 1, dashboard: '127.0.0.1:0' })`,
  )
  const server = start({
    cli: bin('monoceros'),
    cwd: consumer,
    args: ['./calls.mjs', '-c', './full.config.ts', '--dirty-nice', '0', '-b', '127.0.0.1:0'],
  })
  await server.ready()
  expect(JSON.parse((await ask({ port: server.port() })).body)).toEqual([false, 42])
  const page = await fetch(String((await server.until('dashboard.listening'))['url']))
  expect(await page.text()).toContain('<script')
  expect(await server.stop()).toEqual({ code: 0, signal: null })
})

const isCode = (path: string) => !path.endsWith('.json')

describe.each(Object.keys(exports).filter(isCode))('the entry %s', (entry) => {
  const name = `monoceros${entry.slice(1)}`
  const look = `const names = Object.keys(door).filter((key) => key !== '__esModule' && key !== 'default'); process.stdout.write(names.sort().join(' '))`
  const importing = `import * as door from '${name}'\n${look}`
  const requiring = `const door = require('${name}')\n${look}`

  test('can be imported, does nothing by itself, and lets its process end', async () => {
    const { stdout, stderr } = await run(process.execPath, ['--input-type=module', '-e', importing], { cwd: consumer, env })
    expect(stdout.split(' ').length).toBeGreaterThan(0)
    expect(stderr).toBe('')
  })

  test('can be required, and gives the same', async () => {
    const imported = await run(process.execPath, ['--input-type=module', '-e', importing], { cwd: consumer, env })
    const { stdout, stderr } = await run(process.execPath, ['--input-type=commonjs', '-e', requiring], { cwd: consumer, env })
    expect(stdout).toBe(imported.stdout)
    expect(stderr).toBe('')
  })
})

test.each(Object.keys(exports).filter((path) => !isCode(path)))('the entry %s is JSON', async (entry) => {
  const found = await run(process.execPath, ['-p', `require.resolve('monoceros${entry.slice(1)}')`], { cwd: consumer, env })
  expect(typeof JSON.parse(readFileSync(found.stdout.trim(), 'utf8'))).toBe('object')
})

test('nothing else of the package can be imported', async () => {
  const program = `import('monoceros/dist/src/index.js').catch((error) => process.stdout.write(error.code))`
  const { stdout } = await run(process.execPath, ['--input-type=module', '-e', program], { cwd: consumer, env })
  expect(stdout).toBe('ERR_PACKAGE_PATH_NOT_EXPORTED')
})
