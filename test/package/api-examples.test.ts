/**
 * The examples in the docstrings of what the package exports. One whose first line is a comment with the name of a file is a
 * whole program: it is put there, beside those of the folder `examples`, and run. After the name may stand the command that
 * runs it, which serves; without one Node runs it, and it has to end by itself. Every other example is a fragment, whose types
 * are checked; what it names of the package is imported for it.
 */
import { execFile } from 'node:child_process'
import { cpSync, mkdirSync, rmSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { promisify } from 'node:util'
import { transformSync } from 'esbuild'
import { afterAll, beforeAll, describe, expect, inject, test } from 'vitest'
import { readApi } from '../../docs/read-api.ts'
import { ask } from '../support/client.ts'
import { root, start } from '../support/harness.ts'
import { install, typesOfNode } from '../support/installed.ts'
import { runToEnd } from '../support/program.ts'

interface Example {
  readonly of: string
  readonly text: string
  readonly folder: string
  /** Null: a fragment. */
  readonly file: string | null
  readonly command: string | null
}

const packed = inject('packed')
/** A service that has job queues beside. */
const consumer = join(dirname(packed.path), 'with-queues')
const run = promisify(execFile)
const doors = readApi()

const examples: readonly Example[] = doors.flatMap((door) =>
  door.exports.flatMap(({ name, doc, members }) =>
    [doc, ...Object.values(members)]
      .flatMap((part) => part?.examples ?? [])
      .map((text, index) => {
        const [, file = null, command = null] = /^\/\/ ([\w-]+(?:\.[\w-]+)*\.(?:ts|mjs|cjs))(?:: (.+))?\n/.exec(text) ?? []
        return {
          of: `${door.name} ${name} ${index + 1}`,
          text,
          file,
          command,
          folder: join(consumer, 'examples', `${door.name.replace('/', '-')}-${name}-${index}`),
        }
      }),
  ),
)
const programs = examples.filter(({ file }) => file !== null)

/** With what it takes from the doors, where it says no import itself. */
function withImports(text: string): string {
  const imports = doors.flatMap((door) =>
    door.exports
      .filter(
        ({ name }) =>
          new RegExp(`\\b${name}\\b`).test(text) &&
          !new RegExp(`\\bimport\\b[^;'"]*\\b${name}\\b|(?:class|const|function|type|interface) ${name}\\b`).test(text),
      )
      .map(({ name, signature }) => `import ${/^(?:type|interface)/.test(signature) ? 'type ' : ''}{ ${name} } from '${door.name}'\n`),
  )
  return `${imports.join('')}export {}\n${text}\n`
}

beforeAll(() => {
  install(packed.path, consumer, ['bullmq', 'graphile-worker', 'pg-boss'])
  typesOfNode(consumer)
  const source = join(root, 'test/package/examples')
  for (const { folder, file, text } of examples) {
    mkdirSync(folder, { recursive: true })
    cpSync(source, folder, { recursive: true, filter: (path) => !path.endsWith('scope.d.ts') })
    writeFileSync(join(folder, file ?? 'fragment.ts'), file === null ? withImports(text) : `${text}\n`)
  }
  for (const name of ['scope.d.ts', 'images.ts']) cpSync(join(source, name), join(consumer, 'examples', name))
})

afterAll(() => rmSync(consumer, { recursive: true, force: true }))

test('there are examples, and most are whole programs', () => {
  expect(programs.length).toBeGreaterThan(5)
})

test('the types of all of them are right', async () => {
  const compilerOptions = {
    target: 'es2023',
    lib: ['es2023'],
    module: 'nodenext',
    strict: true,
    noEmit: true,
    types: ['node'],
    allowImportingTsExtensions: true,
  }
  writeFileSync(join(consumer, 'examples/tsconfig.json'), JSON.stringify({ compilerOptions, include: ['.'] }))
  const told = await run(process.execPath, [join(root, 'node_modules/typescript/bin/tsc'), '-p', join(consumer, 'examples')], {
    cwd: consumer,
  }).then(
    ({ stdout }) => stdout,
    (error: { stdout: string }) => error.stdout,
  )
  expect(told).toBe('')
})

describe.each(programs.filter(({ command }) => command !== null))('$of', ({ command, folder }) => {
  test('serves', async () => {
    const [program, ...args] = (command ?? '').split(' ')
    expect(program).toBe('monoceros')
    const server = start({
      cli: join(consumer, 'node_modules/.bin/monoceros'),
      cwd: folder,
      args: args.includes('job') ? args : [...args, '-b', '127.0.0.1:0'],
      // Dirty workers stand back for everybody else, and other tests run beside this one.
      env: { MONOCEROS_DIRTY_NICE: '0' },
    })
    await server.ready()
    if (server.all('listener.bound').length > 0) {
      const answer = await ask({ port: server.port() })
      expect([answer.status, answer.body]).toEqual([200, expect.stringMatching(/./)])
    }
    expect(await server.stop()).toEqual({ code: 0, signal: null })
    expect(server.lines.filter(({ level }) => level === 'error' || level === 'warn')).toEqual([])
    expect(server.stderr()).toBe('')
  })
})

describe.each(programs.filter(({ command }) => command === null))('$of', ({ file, folder, text }) => {
  test('runs, and ends by itself', async () => {
    const program = `${file}.mjs`
    writeFileSync(join(folder, program), transformSync(text, { loader: 'ts', format: 'esm', target: 'node20' }).code)
    expect(await runToEnd([program], { cwd: folder })).toEqual({ code: 0, signal: null, stdout: '', stderr: '' })
  })
})
