/** The library in a program of somebody else, in each of the ways that programs are written, bundled or not. */
import { mkdirSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { build, type Format } from 'esbuild'
import { beforeAll, describe, expect, inject, test } from 'vitest'
import { ask } from '../support/client.ts'
import { start } from '../support/harness.ts'
import { runToEnd } from '../support/program.ts'

const folder = join(inject('consumer'), 'embedded')
const quietly = { code: 0, signal: null, stdout: '', stderr: '' }

const files = {
  'server.mjs': `export default (req, res) => res.setHeader('connection', 'close').end('here')`,
  'doubles.mjs': `export class Doubles { of(number) { return number * 2 } pid() { return process.pid } }`,
  // Every outcome that is not the right one is an exception, which ends the program with another code and a stack.
  'body.mjs': `
import { strict as assert } from 'node:assert'
export async function use({ createPool, createSupervisor }) {
  const supervisor = createSupervisor({ app: './server.mjs', workers: 2, bind: ['127.0.0.1:0'] })
  await supervisor.start()
  assert.equal(supervisor.addresses.length, 1)
  const answers = await Promise.all(Array.from({ length: 8 }, async () => (await fetch('http://' + supervisor.addresses[0])).text()))
  assert.deepEqual(answers, Array(8).fill('here'))
  const pool = await createPool({ apps: { doubles: './doubles.mjs:Doubles' }, workers: 1 })
  const doubles = pool.dirty('doubles')
  assert.deepEqual(await Promise.all([1, 2, 3].map((number) => doubles.of(number))), [2, 4, 6])
  assert.notEqual(await doubles.pid(), process.pid)
  const inThreads = await createPool({ apps: { doubles: './doubles.mjs:Doubles' }, workers: 1, isolation: 'thread' })
  assert.equal(await inThreads.dirty('doubles').of(21), 42)
  assert.equal(await inThreads.dirty('doubles').pid(), process.pid)
  await Promise.all([pool.close(), inThreads.close()])
  await supervisor.stop()
}
`,
  'module.mjs': `
import { createPool, createSupervisor } from 'monoceros'
import { use } from './body.mjs'
await use({ createPool, createSupervisor })
`,
  'common.cjs': `
const { createPool, createSupervisor } = require('monoceros')
const { use } = require('./body.mjs')
use({ createPool, createSupervisor })
`,
}

beforeAll(() => {
  mkdirSync(folder)
  for (const [path, text] of Object.entries(files)) writeFileSync(join(folder, path), text)
})

/** Into a folder of its own, as a deployment has it, beside the files that it names. */
async function bundle(name: string, entry: string, format: Format, external: readonly string[]): Promise<string> {
  const outfile = join(folder, `${name}.${format === 'cjs' ? 'cjs' : 'mjs'}`)
  // What a CommonJS package inside a module needs; the bundler's own advice.
  const banner =
    format === 'esm'
      ? { js: `import { createRequire as makeRequire } from 'node:module'; const require = makeRequire(import.meta.url)` }
      : {}
  await build({
    entryPoints: [join(folder, entry)],
    bundle: true,
    platform: 'node',
    target: 'node20',
    format,
    outfile,
    banner,
    external: [...external],
    logLevel: 'error',
  })
  return outfile
}

describe.each(['module.mjs', 'common.cjs'])('a program of its own, %s', (path) => {
  test('starts a supervisor and a pool, calls, stops, and ends by itself without a word', async () => {
    expect(await runToEnd([path], { cwd: folder })).toEqual(quietly)
  })
})

test.each(['esm', 'cjs'] as const)('an app that is bundled whole, the client of dirty apps inside, calls them: %s', async (format) => {
  const app = `
import { dirty } from 'monoceros/dirty'
const doubles = dirty('doubles')
export default async (req, res) => res.end(String(await doubles.of(21)))`
  writeFileSync(join(folder, 'whole.mjs'), app)
  const path = await bundle(`whole-${format}`, 'whole.mjs', format, [])
  const args = [path, '-w', '1', '--dirty-app', './doubles.mjs:Doubles', '--dirty-workers', '1', '--dirty-nice', '0', '-b', '127.0.0.1:0']
  const server = start({ cli: join(inject('consumer'), 'node_modules/.bin/monoceros'), cwd: folder, args })
  await server.ready()
  expect((await ask({ port: server.port() })).body).toBe('42')
  expect(await server.stop()).toEqual({ code: 0, signal: null })
})

describe.each([
  ['a module', 'module.mjs', 'esm'],
  ['CommonJS', 'common.cjs', 'cjs'],
] as const)('a program bundled as %s', (_, entry, format) => {
  test('runs with monoceros beside it', async () => {
    const path = await bundle(`beside-${format}`, entry, format, ['monoceros', 'monoceros/*'])
    expect(await runToEnd([path], { cwd: folder })).toEqual(quietly)
  })

  test('with monoceros inside it is refused when it starts a supervisor or a pool, by one error that says what to do', async () => {
    const refused = `
import { createPool, createSupervisor } from 'monoceros'
async function main() {
  const supervisor = createSupervisor({ app: './server.mjs', workers: 1, bind: ['127.0.0.1:0'] })
  const apps = { doubles: './doubles.mjs:Doubles' }
  const starts = [supervisor.start(), createPool({ apps }), createPool({ apps, isolation: 'thread' })]
  const problems = await Promise.all(starts.map((start) => start.catch((error) => error)))
  process.stdout.write(JSON.stringify(problems.map(({ code, message, advice }) => ({ code, message, advice }))))
}
main()`
    writeFileSync(join(folder, 'refused.mjs'), refused)
    const path = await bundle(`inside-${format}`, 'refused.mjs', format, [])
    const { stdout, ...end } = await runToEnd([path], { cwd: dirname(path) })
    expect(end).toEqual({ code: 0, signal: null, stderr: '' })
    const problems = JSON.parse(stdout) as { code: string; message: string; advice: string }[]
    expect(problems.map(({ code }) => code)).toEqual(Array(3).fill('MON_EMBED_BUNDLED'))
    for (const { message, advice } of problems) {
      expect(message).toContain('monoceros')
      expect(advice).toContain('external')
    }
  })
})
