/** What is in the tarball, and whether the tools that others check packages with have something to say about it. */
import { existsSync, readFileSync } from 'node:fs'
import { isBuiltin } from 'node:module'
import { basename, join } from 'node:path'
import { checkPackage, createPackageFromTarballData } from '@arethetypeswrong/core'
import { publint } from 'publint'
import { formatMessage } from 'publint/utils'
import { expect, inject, test } from 'vitest'
import { root } from '../support/harness.ts'
import { manifestOf } from '../support/installed.ts'

const packed = inject('packed')
const own = join(inject('consumer'), 'node_modules/monoceros')
const tarball = readFileSync(packed.path)
const paths = packed.files.map(({ path }) => path)

test('the tarball has the build, the guide and the reference, and nothing else', () => {
  const belongs = [
    /^(README\.md|LICENSE|package\.json)$/,
    /^docs\/(guide|reference)\/[\w-]+\.md$/,
    /^dist\/schema\.json$/,
    /^dist\/(src|machines)\/[\w./-]+\.(js|d\.ts)$/,
    /^dist\/page\/(index\.html|favicon\.svg|page\.(js|css))$/,
    /^dist\/charts\/([\w-]+\.svg|outlines\.json)$/,
  ]
  expect(paths.filter((path) => !belongs.some((pattern) => pattern.test(path)))).toEqual([])
  for (const pattern of belongs)
    expect(
      paths.some((path) => pattern.test(path)),
      String(pattern),
    ).toBe(true)
})

test('every module in the tarball has its source: nothing is left of a build of another day', () => {
  const declared = paths.filter((path) => path.endsWith('.d.ts'))
  expect(declared.length).toBeGreaterThan(40)
  const sourceOf = (path: string) => path.replace(/^dist\/(.*)\.d\.ts$/, '$1.ts')
  expect(declared.filter((path) => !existsSync(join(root, sourceOf(path))))).toEqual([])
})

test('every module in the tarball is a door, a process image, or named by another module in it', () => {
  const modules = paths.filter((path) => /^dist\/(src|machines)\/.*(\.js|\.d\.ts)$/.test(path))
  const named = new Set<string>()
  for (const path of modules)
    for (const [, name = ''] of readFileSync(join(own, path), 'utf8').matchAll(/['"](?:\.[^'"]*)\/([\w-]+)(?:\.d)?\.[jt]s['"]/g))
      named.add(name)
  const first = JSON.stringify([manifestOf(own).bin, manifestOf(own).exports])
  const nameOf = (path: string) => basename(path).replace(/(\.d)?\.[jt]s$/, '')
  expect(modules.filter((path) => !named.has(nameOf(path)) && !first.includes(path))).toEqual([])
})

test('what its code imports is Node’s, or named among its dependencies', () => {
  const { dependencies = {}, peerDependencies = {}, peerDependenciesMeta = {} } = manifestOf(own)
  const named = new Set([...Object.keys(dependencies), ...Object.keys(peerDependencies)])
  expect(Object.keys(peerDependencies).filter((name) => peerDependenciesMeta[name]?.optional !== true)).toEqual([])
  const importing = /^\s*(?:import|export)\b[^'"`;]*?\bfrom\s*["']([^"']+)["']|\b(?:import|require)\w*\(\s*["']([^"']+)["']\s*\)/gm
  const imported = new Map<string, string>()
  for (const path of paths.filter((one) => /^dist\/(src|machines)\/.*\.js$/.test(one))) {
    const text = readFileSync(join(own, path), 'utf8')
    for (const [, fixed, late] of text.matchAll(importing)) {
      const name = fixed ?? late ?? ''
      if (/^[@\w]/.test(name) && !name.startsWith('node:') && !isBuiltin(name))
        imported.set(name.split('/', name.startsWith('@') ? 2 : 1).join('/'), path)
    }
  }
  expect(imported.size).toBeGreaterThan(4)
  expect([...imported].filter(([name]) => !named.has(name))).toEqual([])
})

test('the tarball is small', () => {
  const kib = (bytes: number) => `${Math.round(bytes / 1_024)} KiB`
  process.stdout.write(`monoceros: ${paths.length} files, ${kib(packed.packedBytes)} packed, ${kib(packed.unpackedBytes)} unpacked\n`)
  expect(packed.packedBytes).toBeLessThan(1.25 * 2 ** 20)
  expect(packed.unpackedBytes).toBeLessThan(5 * 2 ** 20)
})

test('who installs it builds nothing: no script runs, and every path that package.json names is there', () => {
  const { bin, exports, scripts } = manifestOf(root)
  expect(Object.keys(scripts ?? {}).filter((name) => /^(pre|post)?install$/.test(name))).toEqual([])
  // npm runs it before it packs, and in a clone: what goes out is never a build of another day.
  expect(scripts?.['prepare']).toBe('npm run build --silent && node .config/prune.mjs')
  const named = [bin, exports].flatMap((part) =>
    [...JSON.stringify(part).matchAll(/"(?:\.\/)?([\w./-]+\.\w+)"(?!:)/g)].map(([, path]) => path),
  )
  expect(named.length).toBeGreaterThan(6)
  expect(named.filter((path) => !paths.includes(path ?? ''))).toEqual([])
})

test('publint has nothing to say, not even a suggestion', async () => {
  const { messages } = await publint({ pack: { tarball: new Uint8Array(tarball).buffer }, strict: true })
  const json = manifestOf(root) as unknown as Record<string, unknown>
  expect(messages.map((message) => `${message.type}: ${formatMessage(message, json, { color: false })}`)).toEqual([])
})

test('types resolve for each way of resolving that knows exports', async () => {
  const answer = await checkPackage(createPackageFromTarballData(tarball))
  if (answer.types === false) throw new Error('there are no types at all')
  // A package of modules only: Node 20.19 and newer `require()` it, what older ones could not is no fault of the types.
  const isKnown = (problem: { kind: string; resolutionKind?: string }) =>
    problem.kind === 'CJSResolvesToESM' || problem.resolutionKind === 'node10'
  expect(answer.problems.filter((problem) => !isKnown(problem as { kind: string }))).toEqual([])
  expect(Object.keys(answer.entrypoints).sort()).toEqual(Object.keys(manifestOf(root).exports ?? {}).sort())
})
