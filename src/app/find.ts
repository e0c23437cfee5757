import { readdirSync, readFileSync, statSync } from 'node:fs'
import { createRequire } from 'node:module'
import { basename, dirname, extname, join, relative, resolve } from 'node:path'
import { fileURLToPath } from 'node:url'
import { MonocerosError } from '../base/errors.ts'
import { nearest } from '../base/nearest.ts'

const extensions = ['.ts', '.mts', '.cts', '.js', '.mjs', '.cjs'] as const

export type FoundApp = { readonly ok: true; readonly file: string } | { readonly ok: false; readonly error: MonocerosError }

/**
 * The file that MODULE of an app spec means: that path, the path with an extension, the folder's entry, or a package.
 *
 * @param module MODULE of the spec: a path, a `file:` URL or the name of a package
 * @param cwd the directory that relative paths start from
 * @returns `ok: false` with MON_APP_NOT_FOUND and, where one is close, the file that may have been meant
 */
export async function findApp(module: string, cwd: string): Promise<FoundApp> {
  const path = pathOf(module, cwd)
  if (path !== undefined) {
    const isFolderMeant = /(?:^|\/)\.{0,2}$/.test(module)
    const file = isFolderMeant ? folderEntry(path) : fileAt(path)
    if (file !== undefined) return { ok: true, file }
  }
  if (!/^(?:[./]|file:)/.test(module)) {
    const file = await packageEntry(module, cwd)
    if (file !== undefined) return { ok: true, file }
  }
  const hint = path === undefined ? '' : hintFor(module, path, cwd)
  return { ok: false, error: new MonocerosError('MON_APP_NOT_FOUND', { spec: module, path: path ?? module, hint }) }
}

function pathOf(module: string, cwd: string): string | undefined {
  if (!module.startsWith('file:')) return resolve(cwd, module)
  try {
    return fileURLToPath(module)
  } catch {
    return undefined // a URL with a host, which names no file here
  }
}

function fileAt(path: string): string | undefined {
  if (isFile(path)) return path
  const named = extensions.map((extension) => path + extension).find(isFile)
  return named ?? (isFolder(path) ? folderEntry(path) : undefined)
}

const importing = ['.', 'node', 'import', 'module-sync', 'default']
const requiring = ['.', 'node', 'require', 'default']

/** The file that `import` of a package gives to a module in this folder; undefined when it is not installed there. */
export function installedEntry(name: string, from: string): string | undefined {
  for (let folder = from; ; folder = dirname(folder)) {
    const entry = folderEntry(join(folder, 'node_modules', name))
    if (entry !== undefined || folder === dirname(folder)) return entry
  }
}

/** What running the folder means: `main` (or `exports["."]`) of its package.json, else its index file. */
function folderEntry(folder: string): string | undefined {
  const manifest = manifestOf(folder)
  const exported = manifest?.['exports']
  for (const target of [exportsTarget(exported, importing), exportsTarget(exported, requiring), manifest?.['main']]) {
    if (typeof target !== 'string') continue
    const path = resolve(folder, target)
    const file = [path, ...extensions.map((extension) => path + extension), ...indexFiles(path)].find(isFile)
    if (file !== undefined) return file
  }
  return indexFiles(folder).find(isFile)
}

function indexFiles(folder: string): string[] {
  return extensions.map((extension) => join(folder, `index${extension}`))
}

function manifestOf(folder: string): Record<string, unknown> | undefined {
  try {
    return JSON.parse(readFileSync(join(folder, 'package.json'), 'utf8'))
  } catch {
    return undefined // none, or unreadable: then only index files can be meant
  }
}

function exportsTarget(node: unknown, conditions: readonly string[]): string | undefined {
  if (typeof node === 'string') return node
  if (Array.isArray(node)) return node.map((part) => exportsTarget(part, conditions)).find((target) => target !== undefined)
  if (typeof node !== 'object' || node === null) return undefined
  for (const [condition, target] of Object.entries(node)) {
    const found = conditions.includes(condition) ? exportsTarget(target, conditions) : undefined
    if (found !== undefined) return found
  }
  return undefined
}

/** A package as `import` would find it from the working directory; jiti brings the resolver with parent and conditions. */
async function packageEntry(name: string, cwd: string): Promise<string | undefined> {
  if (name.startsWith('node:')) return undefined
  const parent = join(cwd, 'monoceros-app-spec.js')
  const { createJiti } = await import('jiti')
  const url = createJiti(parent, { fsCache: false }).esmResolve(name, { conditions: ['node', 'import'], try: true })
  const path = url?.startsWith('file:') ? fileURLToPath(url) : url
  if (path?.startsWith('/')) return path
  try {
    const required = createRequire(parent).resolve(name)
    return required.startsWith('/') ? required : undefined
  } catch {
    return undefined // not there for require either
  }
}

function hintFor(module: string, path: string, cwd: string): string {
  const shown = (file: string) => {
    const short = relative(cwd, file)
    return short.startsWith('..') ? file : `./${short}`
  }
  if (isFolder(path)) {
    const inside = ['server', 'app', 'main'].map((name) => fileAt(join(path, name))).find((file) => file !== undefined)
    return ` to run in that folder (no package.json main, no index file)${inside ? `; did you mean ${shown(inside)}?` : ''}`
  }
  const folder = dirname(path)
  if (!isFolder(folder)) return `; the folder ${folder} does not exist`
  const dotted = fileAt(resolve(cwd, module.replaceAll('.', '/')))
  if (dotted !== undefined) return `; did you mean ${shown(dotted)}?`
  const names = readdirSync(folder).filter((name) => (extensions as readonly string[]).includes(extname(name)))
  const stem = (name: string) => basename(name, extname(name))
  const close = names.find((name) => stem(name) === stem(path)) ?? nearest(basename(path), names)
  const byStem = close ?? names.find((name) => stem(name) === nearest(stem(path), names.map(stem)))
  return byStem === undefined ? '' : `; did you mean ${shown(join(folder, byStem))}?`
}

function isFile(path: string): boolean {
  return statSync(path, { throwIfNoEntry: false })?.isFile() ?? false
}

function isFolder(path: string): boolean {
  return statSync(path, { throwIfNoEntry: false })?.isDirectory() ?? false
}
