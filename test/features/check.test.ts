/** What a command line, a configuration or an app that is wrong comes to: one sentence, the right exit code, nothing left. */
import { mkdirSync, writeFileSync } from 'node:fs'
import { createServer } from 'node:net'
import { join } from 'node:path'
import { createJiti } from 'jiti'
import { describe, expect, onTestFinished, test } from 'vitest'
import { ask } from '../support/client.ts'
import { distPath, type StartOptions, start } from '../support/harness.ts'

const bind = ['-b', '127.0.0.1:0']
const good = { 'app.mjs': "export default (req, res) => res.end('good')\n" }

interface Outcome {
  readonly code: number | null
  readonly stdout: string
  /** What is no line of the log. */
  readonly stderr: string
  /** All that was said, log included. */
  readonly said: string
}

/** Runs until it ends by itself. What it says names no file of monoceros. */
async function run(args: readonly string[], files: StartOptions['files'] = good, options: Partial<StartOptions> = {}): Promise<Outcome> {
  const server = start({ args, files, ...options })
  const { code } = await server.exited
  // An autopsy shows what ran, and that may be us; it is no failure that is told.
  const said = server.lines.flatMap((line) => (line.event === 'worker.autopsy' ? [] : JSON.stringify(line))).join('\n') + server.stderr()
  expect(said).not.toContain(join(distPath, 'src'))
  return { code, stdout: server.stdout(), stderr: server.stderr(), said }
}

const hasStack = (text: string) => /^\s+at /m.test(text)

describe('a question that serves nothing', () => {
  test.each([['--help'], ['-h'], ['help']])('%s lists every option and ends with 0', async (word) => {
    const { code, stdout, stderr } = await run([word])
    expect(code).toBe(0)
    for (const option of ['--workers', '--bind', '--worker-class', '--graceful-timeout', '--print-config']) expect(stdout).toContain(option)
    expect(stderr).toBe('')
  })

  test.each([['--version'], ['-v'], ['version']])('%s says the version and ends with 0', async (word) => {
    const { code, stdout } = await run([word])
    expect(code).toBe(0)
    expect(stdout).toMatch(/\d+\.\d+\.\d+/)
  })

  test('--print-config says where each value comes from, and needs no app', async () => {
    const files = {
      'monoceros.config.mjs': 'export default { timeout: 7, onStarting: () => {} }\n',
      'package.json': '{ "monoceros": { "keepalive": 5, "timeout": 6 } }',
    }
    const env = { MONOCEROS_BACKLOG: '100', WEB_CONCURRENCY: '3' }
    const { code, stdout } = await run(['--print-config', '--graceful-timeout', '9'], files, { env })
    expect(code).toBe(0)
    const line = (name: string) => new RegExp(`^${name} += (.*?) +# (.*)$`, 'm').exec(stdout)?.slice(1)
    expect(line('timeout')).toEqual(['7', './monoceros.config.mjs'])
    expect(line('onStarting')?.[1]).toBe('./monoceros.config.mjs')
    expect(line('keepalive')).toEqual(['5', 'package.json'])
    expect(line('backlog')).toEqual(['100', 'MONOCEROS_BACKLOG'])
    expect(line('workers')).toEqual(['3', 'WEB_CONCURRENCY'])
    expect(line('gracefulTimeout')).toEqual(['9', 'command line'])
    expect(line('headerTimeout')).toEqual(['60', 'default'])
  })
})

describe('a command line that is wrong ends with 2 and names', () => {
  test.each([
    ['the nearest option', ['app.mjs', '--workrs', '4'], ['--workrs', '--workers']],
    ['the value, and what is allowed', ['app.mjs', '--workers', 'many'], ['workers', 'many', 'auto']],
    ['the range', ['app.mjs', '--backlog', '0'], ['backlog', '0', '1']],
    ['the class', ['app.mjs', '-k', 'snyc'], ['snyc', 'sync']],
    ['the address', ['app.mjs', '-b', '::1:80'], ['::1:80', '[::1]:8000']],
    ['the option that has no value', ['app.mjs', '--pid', '--workers', '4'], ['--pid', '--workers']],
    ['the second app', ['app.mjs', 'other.mjs'], ['app.mjs', 'other.mjs']],
    ['the shell', ['completion', 'basch'], ['bash']],
  ])('%s', async (_, args, named) => {
    const { code, stdout, stderr } = await run(args)
    expect(code).toBe(2)
    for (const name of named) expect(stderr.split('\n')[0]).toContain(name)
    expect(stdout).toBe('')
    expect(hasStack(stderr)).toBe(false)
  })
})

describe('a configuration that is wrong ends with 1 and names', () => {
  test.each([
    ['the nearest setting', { 'monoceros.config.mjs': 'export default { wrokers: 2 }' }, ['monoceros.config.mjs', 'wrokers', 'workers']],
    ['the type', { 'monoceros.config.json': '{ "timeout": "soon" }' }, ['monoceros.config.json', 'timeout', 'soon']],
    ['the line that does not parse', { 'monoceros.config.json': '{\n  "workers": 2,\n}' }, ['monoceros.config.json:3']],
    ['the line of code that does not', { 'monoceros.config.mjs': 'export default {\n  workers: = 2\n}' }, ['monoceros.config.mjs:2']],
    ['the line that throws', { 'monoceros.config.mjs': "\nthrow new Error('no vault')" }, ['no vault', 'monoceros.config.mjs:2']],
    ['both files', { 'monoceros.config.mjs': 'export default {}', 'monoceros.config.json': '{}' }, ['.mjs', '.json']],
    ['what it exports', { 'monoceros.config.mjs': 'export default 3' }, ['monoceros.config.mjs', 'number']],
  ])('%s', async (_, config, named) => {
    const { code, stderr } = await run(['app.mjs', ...bind], { ...good, ...config })
    expect(code).toBe(1)
    for (const name of named) expect(stderr.split('\n')[0]).toContain(name)
    expect(hasStack(stderr)).toBe(false)
  })

  test('the file that -c means and that is not there', async () => {
    const { code, stderr } = await run(['app.mjs', '-c', 'nowhere.mjs'])
    expect(code).toBe(1)
    expect(stderr).toContain('nowhere.mjs')
  })

  test('the variable it comes from', async () => {
    const { code, stderr } = await run(['app.mjs'], good, { env: { MONOCEROS_WORKERS: 'few' } })
    expect(code).toBe(1)
    expect(stderr).toContain('MONOCEROS_WORKERS')
  })
})

test('no app at all ends with 1', async () => {
  const { code, stderr } = await run(bind)
  expect(code).toBe(1)
  expect(hasStack(stderr)).toBe(false)
})

/** What is wrong, the files, the spec, and what must be named. */
const broken: readonly [string, Record<string, string>, string, readonly string[]][] = [
  ['is not where it was said to be', { 'server.mjs': '' }, 'sever.mjs', ['sever.mjs', './server.mjs']],
  ['is in a folder that is not there', {}, 'nowhere/app.mjs', ['nowhere']],
  ['has no such export', { 'app.mjs': 'export const server = 1, other = () => {}' }, 'app.mjs:servr', ['servr', 'server']],
  ['exports what cannot be served', { 'app.mjs': 'export const server = 1' }, 'app.mjs:server', ['server', 'number']],
  ['is named in a form that is none', { 'app.mjs': '' }, 'app.mjs:a-b', ['app.mjs:a-b', '10']],
  ['does not parse', { 'app.mjs': 'export default 1\nlet x = = 2\n' }, 'app.mjs', ['app.mjs:2']],
  ['does not parse, as CommonJS', { 'app.cjs': 'module.exports = 1\nlet x = = 2\n' }, 'app.cjs', ['app.cjs:2']],
  ['imports what does not parse', { 'app.mjs': "import './dep.mjs'\n", 'dep.mjs': '\n\nlet = = 2\n' }, 'app.mjs', ['dep.mjs:3']],
  ['imports what is not there', { 'app.mjs': "import './dep.mjs'\n" }, 'app.mjs', ['dep.mjs']],
  ['throws', { 'app.mjs': "\n\nthrow new Error('no database')" }, 'app.mjs', ['no database', 'app.mjs:3']],
  ['throws, as TypeScript', { 'app.ts': "enum A { B }\n\nthrow new Error('no ' + A.B)" }, 'app.ts', ['no 0', 'app.ts:3']],
  [
    'throws in its factory',
    { 'app.mjs': "export const create = (a) => { throw new Error('no ' + a) }" },
    'app.mjs:create("sun")',
    ['no sun'],
  ],
]

describe.each(broken)('an app that %s', (_, files, spec, named) => {
  test('ends the server with 4, as soon as it is known, and says so once', async () => {
    const { code, said } = await run([spec, '-w', '2', ...bind], files)
    expect(code).toBe(4)
    for (const name of named) expect(said).toContain(name)
    expect(said.match(/"event":"worker.cannot-boot"/g)?.length ?? 0).toBeLessThanOrEqual(1)
  })

  test('fails --check-config with 1', async () => {
    const { code, stderr } = await run(['--check-config', spec], files)
    expect(code).toBe(1)
    for (const name of named) expect(stderr).toContain(name)
  })
})

describe('a server that never gets ready', () => {
  test.each([
    ['4 where onStartup throws', "export const onStartup = () => { throw new Error('no') }\nexport default () => {}", 4],
    ['4 where onStartup rejects', "export const onStartup = async () => { throw new Error('no') }\nexport default () => {}", 4],
    ['3 where the app exits while it is imported, even with 0', 'process.exit(0)', 3],
    ['3 where the app exits in onStartup', 'export const onStartup = () => process.exit(0)\nexport default () => {}', 3],
    ['3 where the app is killed', "process.kill(process.pid, 'SIGKILL')\nawait new Promise(() => {})", 3],
  ])('ends at once, with %s', async (_, text, exitCode) => {
    const { code } = await run(['app.mjs', '-w', '2', ...bind], { 'app.mjs': text })
    expect(code).toBe(exitCode)
  })

  test.each([
    ['the import waits', 'setInterval(() => {}, 1_000)\nawait new Promise(() => {})'],
    ['the import blocks', 'for (;;);'],
    ['onStartup waits', 'export const onStartup = () => new Promise((end) => setTimeout(end, 60_000))\nexport default () => {}'],
  ])('ends after boot_timeout with 3 where %s', async (_, text) => {
    const { code } = await run(['app.mjs', '-w', '2', '--boot-timeout', '1', ...bind], { 'app.mjs': text })
    expect(code).toBe(3)
  })

  test('waits 5 s for the others after the first failure, not longer', async () => {
    const text = `import { mkdirSync } from 'node:fs'
mkdirSync('first')
export default () => {}
await new Promise((end) => setTimeout(end, 60_000))\n`
    const server = start({ args: ['app.mjs', '-w', '2', ...bind], files: { 'app.mjs': text } })
    await server.until('worker.boot-failed')
    const failedMs = performance.now()
    expect(await server.exited).toEqual({ code: 4, signal: null })
    expect(performance.now() - failedMs).toBeLessThan(10_000)
  })

  test('serves all the same if one worker gets ready in spite of another’s failure', async () => {
    const text = `import { mkdirSync } from 'node:fs'
let isFirst = true
try { mkdirSync('first') } catch { isFirst = false }
if (isFirst) throw new Error('only the first')
export default (req, res) => res.end('good')\n`
    const server = start({ args: ['app.mjs', '-w', '2', ...bind], files: { 'app.mjs': text } })
    await server.ready()
    await server.untilCount('worker.ready', 2)
    expect((await ask({ port: server.port() })).body).toBe('good')
  })
})

describe('--check-config', () => {
  test('loads the app, binds nothing, and ends with 0', async () => {
    const holder = createServer().listen(0, '127.0.0.1')
    await new Promise((resolve) => holder.once('listening', resolve))
    onTestFinished(() => void holder.close())
    const { port } = holder.address() as { port: number }
    const text = `console.log('loaded')\n${good['app.mjs']}setInterval(() => {}, 1_000)\n`
    const { code, stdout, stderr } = await run(['--check-config', 'app.mjs', '-b', `127.0.0.1:${port}`], { 'app.mjs': text })
    expect({ code, stderr }).toEqual({ code: 0, stderr: '' })
    expect(stdout).toMatch(/^loaded$/m)
  })

  test('is content with a program that listens, without letting it', async () => {
    const text = "import { createServer } from 'node:http'\ncreateServer().listen(1, '127.0.0.1', () => console.log('listens'))\n"
    const { code, stdout } = await run(['--check-config', 'app.mjs'], { 'app.mjs': text })
    expect(code).toBe(0)
    expect(stdout).not.toMatch(/^listens$/m)
  })

  test.each([
    ['settings that are wrong', ['app.mjs'], { 'monoceros.config.json': '{ "workers": -1 }' }],
    [
      'an import that hangs',
      ['hangs.mjs', '--boot-timeout', '1'],
      { 'hangs.mjs': 'setInterval(() => {}, 1_000)\nawait new Promise(() => {})' },
    ],
    ['an import that waits for nothing', ['waits.mjs'], { 'waits.mjs': 'await new Promise(() => {})' }],
    ['an app that exits while it is imported', ['exits.mjs'], { 'exits.mjs': 'process.exit(0)' }],
    ['an app that neither exports nor listens', ['empty.mjs'], { 'empty.mjs': '' }],
  ])('ends with 1 for %s', async (_, args, files) => {
    const { code, stderr } = await run(['--check-config', ...args], { ...good, ...files })
    expect(code).toBe(1)
    expect(stderr).toMatch(/^monoceros: /m)
  })
})

describe('TypeScript without a build', () => {
  const files = {
    'app.ts': `import { Mode } from './mode'
import { greet } from './greet.js'
import handler from './handler.mjs'
const options: { mode: Mode } = { mode: Mode.Loud }
export default (req: unknown, res: { end(text: string): void }) => res.end(handler(greet(options.mode)))\n`,
    'mode.ts': 'export enum Mode { Quiet, Loud = 7 }\n',
    'greet.ts': "import type { Mode } from './mode'\nexport const greet = (mode: Mode): string => 'mode ' + mode\n",
    'handler.mjs': 'export default (text) => text.toUpperCase()\n',
    'node_modules/.keep': '',
  }

  test('may have enums, imports without an extension, and .js that means .ts', async () => {
    const server = start({ args: ['app.ts', '-w', '2', ...bind], files })
    await server.ready()
    expect((await ask({ port: server.port() })).body).toBe('MODE 7')
  })

  test('is not confused by what another tool made of the same file', async () => {
    const server = start({ args: ['app.ts', '--boot-timeout', '20', ...bind], files: { ...files, 'app.ts': "throw new Error('not yet')" } })
    expect(await server.exited).toMatchObject({ code: 4 })
    const app = join(server.folder, 'app.ts')
    writeFileSync(app, files['app.ts'])
    mkdirSync(join(server.folder, 'node_modules/.cache'), { recursive: true })
    // As vite, c12 and jiti's own command run it: default imports with interop.
    await createJiti(app, { interopDefault: true }).import(app)
    const second = start({ args: ['app.ts', ...bind], cwd: server.folder })
    await second.ready()
    expect((await ask({ port: second.port() })).body).toBe('MODE 7')
  })
})
