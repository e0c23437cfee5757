/** What a consumer's TypeScript sees of the installed package. */
import { execFile } from 'node:child_process'
import { mkdirSync, writeFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import { dirname, join } from 'node:path'
import { promisify } from 'node:util'
import { beforeAll, describe, expect, inject, test } from 'vitest'
import { root } from '../support/harness.ts'
import { typesOfNode } from '../support/installed.ts'

const consumer = inject('consumer')
const run = promisify(execFile)

const program = `
import { createPool, createSupervisor, defineConfig, type Job, MonocerosError, type Settings, type Supervisor, type WorkerClass } from 'monoceros'
import { DirtyApp, DirtyTimeoutError, dirty, proxy } from 'monoceros/dirty'

export default defineConfig({
  workers: 'auto',
  maxRequests: 1000,
  whenReady: (arbiter) => arbiter.log.info(String(arbiter.workers)),
})
export const workerClass: WorkerClass = { name: 'one', create: (kit) => ({ onConnection: () => kit.pause() }) }
export const timeoutMs = (settings: Settings): number => settings.timeout * 1000

export class Images extends DirtyApp {
  static override workers = 2
  async widthOf(png: Uint8Array, told: (percent: number) => void): Promise<number> { told(100); return png.byteLength }
  async *tiles(png: Uint8Array): AsyncGenerator<Uint8Array> { yield png }
}
const images = dirty<Images>('images')
const widthPx: number = await images.with({ timeoutMs: 500, priority: 1 }).widthOf(new Uint8Array(4), proxy(() => undefined))
for await (const tile of images.tiles(new Uint8Array(widthPx))) tile.byteLength

// @ts-expect-error: it takes bytes
await images.widthOf('bytes')
// @ts-expect-error: there is no such action
await images.heightOf()
// @ts-expect-error: there is no such setting
defineConfig({ wrokers: 2 })
export const job: Job = async ({ signal, track, logger, ready }) => {
  ready()
  while (!signal.aborted) await track(Promise.resolve(logger.level))
}
async function serve(): Promise<number> {
  await using supervisor: Supervisor = createSupervisor({ app: './server.ts', workers: 2, bind: ['127.0.0.1:0'], whenReady: (arbiter) => arbiter.log.info('x') })
  const end = supervisor.on('worker:exit', ({ slot, code, signal }) => [slot.toFixed(), code?.toFixed(), signal?.length])
  supervisor.on('ready', ({ addresses }) => addresses.join())
  supervisor.on('autopsy', (found) => found)
  // @ts-expect-error: there is no such event
  supervisor.on('redy', () => undefined)
  await supervisor.start()
  const outcome = await supervisor.reload({ workers: 3 })
  if (!outcome.ok) throw new Error(outcome.problem)
  for await (const event of supervisor) if (event.type === 'stopped') return event.facts.exitCode
  end()
  const { workers } = await supervisor.scale({ workers: 4 })
  await supervisor.drain()
  const { exitCode } = await supervisor.stop({ graceMs: 1_000 })
  return workers + exitCode + supervisor.addresses.length + outcome.generation + Object.keys(supervisor.snapshot()).length
}
async function compute(): Promise<number> {
  await using pool = await createPool({ apps: { images: './images.ts:Images' }, workers: 'auto', threads: 2, timeout: 5, maxCalls: 1, spares: 1 })
  // @ts-expect-error: there is no such action
  await pool.dirty<Images>('images').heightOf()
  return pool.dirty<Images>('images').with({ timeoutMs: 100 }).widthOf(new Uint8Array(4), proxy(() => undefined))
}
// @ts-expect-error: an option is misspelled
createSupervisor({ app: './server.ts', wrokers: 2 })
// @ts-expect-error: and here
await createPool({ apps: ['./images.ts:Images'], maxCals: 1 })
export const both = [serve, compute]
try {
  await images.widthOf(new Uint8Array(1), () => undefined)
} catch (error) {
  if (error instanceof DirtyTimeoutError) throw new Error(String(error.facts['phase']))
  if (error instanceof MonocerosError && error.code === 'MON_DIRTY_CANCELLED') throw error
}
`

/** Loads the types through `require`; nodenext knows that Node can. */
const common = `
import { defineConfig } from 'monoceros'
import { dirty } from 'monoceros/dirty'
export = { config: defineConfig({ workers: 2 }), dirty }
`

const require = createRequire(import.meta.url)
const ownCompiler = join(root, 'node_modules/typescript/bin/tsc')
/** TypeScript 5.6, which the check of the types' resolution brings along. */
const olderCompiler = createRequire(require.resolve('@arethetypeswrong/core')).resolve('typescript/bin/tsc')

beforeAll(() => typesOfNode(consumer))

async function compile(name: string, files: Readonly<Record<string, string>>, options: object, tsc = ownCompiler): Promise<string> {
  const folder = join(consumer, name)
  for (const [path, text] of Object.entries(files)) {
    mkdirSync(dirname(join(folder, path)), { recursive: true })
    writeFileSync(join(folder, path), text)
  }
  const compilerOptions = { target: 'es2023', lib: ['es2023'], strict: true, noEmit: true, types: ['node'], ...options }
  writeFileSync(join(folder, 'tsconfig.json'), JSON.stringify({ compilerOptions, include: ['.'] }))
  return run(process.execPath, [tsc, '-p', folder], { cwd: consumer }).then(
    ({ stdout }) => stdout,
    (error: { stdout: string }) => error.stdout,
  )
}

describe.each([
  ['node16', { module: 'node16', moduleResolution: 'node16' }],
  ['nodenext', { module: 'nodenext', moduleResolution: 'nodenext' }],
  ['bundler', { module: 'esnext', moduleResolution: 'bundler' }],
])('with moduleResolution %s', (name, options) => {
  test('the strictest program sees every type, and those inside the package are right', async () => {
    const strictest = { exactOptionalPropertyTypes: true, noUncheckedIndexedAccess: true, noPropertyAccessFromIndexSignature: true }
    expect(await compile(`strictest-${name}`, { 'program.ts': program }, { ...options, ...strictest, skipLibCheck: false })).toBe('')
  })
})

test('an older compiler sees the same', async () => {
  const { version } = createRequire(olderCompiler)('../package.json') as { version: string }
  expect(version).toMatch(/^5\./)
  expect(await compile('types-older', { 'program.ts': program }, { module: 'nodenext', skipLibCheck: false }, olderCompiler)).toBe('')
})

test('a CommonJS program sees them as well', async () => {
  expect(await compile('types-cjs', { 'program.cts': common }, { module: 'nodenext' })).toBe('')
})
