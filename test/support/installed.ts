/**
 * The package as other people get it: packed, and installed beside its dependencies in a folder that knows nothing of this
 * repository. No network: what npm would fetch is copied from the repository's own node_modules, by the names that the
 * package.json in the tarball gives; what is only a dev dependency is not there.
 */
import { execFileSync } from 'node:child_process'
import { chmodSync, cpSync, existsSync, mkdirSync, readdirSync, readFileSync, symlinkSync, writeFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import { basename, dirname, join, relative } from 'node:path'
import { distPath, root } from './harness.ts'

export interface PackageJson {
  readonly name: string
  readonly version: string
  readonly type?: string
  readonly bin?: Readonly<Record<string, string>>
  readonly exports?: Readonly<Record<string, unknown>>
  readonly scripts?: Readonly<Record<string, string>>
  readonly dependencies?: Readonly<Record<string, string>>
  readonly optionalDependencies?: Readonly<Record<string, string>>
  readonly peerDependencies?: Readonly<Record<string, string>>
  readonly peerDependenciesMeta?: Readonly<Record<string, { readonly optional?: boolean }>>
}

export interface Packed {
  readonly path: string
  readonly packedBytes: number
  readonly unpackedBytes: number
  readonly files: readonly { readonly path: string; readonly size: number; readonly mode: number }[]
}

const leftOut = /^(node_modules|\.git|\.cache|\.dist.*|dist)$/

/** `npm pack` of the repository with the build under test as its `dist`. */
export function pack(folder: string): Packed {
  const stage = join(folder, 'stage')
  for (const name of readdirSync(root).filter((one) => !leftOut.test(one)))
    cpSync(join(root, name), join(stage, name), { recursive: true, filter: (path) => basename(path) !== 'node_modules' })
  cpSync(distPath, join(stage, 'dist'), { recursive: true })
  // As `prepare` does.
  execFileSync(process.execPath, [join(root, '.config/prune.mjs'), join(stage, 'dist')])
  const answer = execFileSync('npm', ['pack', '--ignore-scripts', '--json', '--pack-destination', folder], {
    cwd: stage,
    encoding: 'utf8',
    stdio: ['ignore', 'pipe', 'ignore'],
  })
  // npm 11 answers with a list, a younger one with the packages by name.
  const [made] = Object.values(JSON.parse(answer)) as { filename: string; size: number; unpackedSize: number; files: Packed['files'] }[]
  if (made === undefined) throw new Error(`npm pack made nothing: ${answer}`)
  return { path: join(folder, made.filename), packedBytes: made.size, unpackedBytes: made.unpackedSize, files: made.files }
}

/** A package of somebody else that depends on ours. @param beside packages that it has for itself */
export function install(tarball: string, folder: string, beside: readonly string[] = []): void {
  const modules = join(folder, 'node_modules')
  const own = join(modules, 'monoceros')
  mkdirSync(own, { recursive: true })
  execFileSync('tar', ['-xzf', tarball, '-C', own, '--strip-components=1'])
  const { bin = {}, dependencies = {} } = manifestOf(own)
  mkdirSync(join(modules, '.bin'))
  for (const [name, path] of Object.entries(bin)) {
    chmodSync(join(own, path), 0o755)
    symlinkSync(relative(join(modules, '.bin'), join(own, path)), join(modules, '.bin', name))
  }
  for (const name of Object.keys(dependencies)) place(name, join(root, 'package.json'), modules, true)
  lend(modules, beside)
  writeFileSync(
    join(folder, 'package.json'),
    JSON.stringify({ name: 'consumer', private: true, type: 'module', dependencies: { monoceros: tarball } }),
  )
}

/** Programs in TypeScript have the types of Node from a dev dependency of their own. */
export function typesOfNode(folder: string): void {
  lend(join(folder, 'node_modules'), ['@types/node'])
}

export const manifestOf = (folder: string): PackageJson => JSON.parse(readFileSync(join(folder, 'package.json'), 'utf8'))

/** Links lead into the repository: what these packages need, they find there. */
function lend(modules: string, names: readonly string[]): void {
  for (const name of names) {
    mkdirSync(dirname(join(modules, name)), { recursive: true })
    symlinkSync(join(root, 'node_modules', name), join(modules, name))
  }
}

/** Copies a package and what it needs; where the repository keeps a second version inside it, that comes along. */
function place(name: string, from: string, modules: string, isNeeded: boolean): void {
  const target = join(modules, name)
  if (existsSync(target)) return
  const source = createRequire(from)
    .resolve.paths(name)
    ?.map((path) => join(path, name))
    .find((path) => path.startsWith(root) && existsSync(join(path, 'package.json')))
  if (source === undefined) {
    if (isNeeded) throw new Error(`${name}, which ${relative(root, from)} needs, is not installed`)
    return
  }
  mkdirSync(dirname(target), { recursive: true })
  cpSync(source, target, { recursive: true, verbatimSymlinks: true })
  const { dependencies = {}, optionalDependencies = {}, peerDependencies = {}, peerDependenciesMeta = {} } = manifestOf(source)
  const isNested = (other: string) => existsSync(join(source, 'node_modules', other))
  const wanted = (names: object, isMust: (other: string) => boolean) => {
    for (const other of Object.keys(names))
      if (!isNested(other)) place(other, join(source, 'package.json'), modules, isMust(other) && !(other in optionalDependencies))
  }
  wanted(dependencies, () => true)
  wanted(optionalDependencies, () => false)
  wanted(
    Object.fromEntries(Object.entries(peerDependencies).filter(([other]) => peerDependenciesMeta[other]?.optional !== true)),
    () => true,
  )
}
