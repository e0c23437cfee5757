/**
 * Reads a config file again, and its helper modules with it. Node keeps every module that it has loaded: a file that stands
 * alone is imported under another name, and the others go through jiti, which costs 30 MB once. Packages stay as they are.
 */
import { readFile } from 'node:fs/promises'
import { createRequire } from 'node:module'
import { dirname } from 'node:path'
import { pathToFileURL } from 'node:url'
import { runInThisContext } from 'node:vm'

let readings = 0

/** Imports a module as if it had never been imported. */
export async function importFresh(path: string): Promise<unknown> {
  if (mayReachFiles(await readFile(path, 'utf8'))) return await importTransformed(path)
  readings += 1
  return await import(`${pathToFileURL(path).href}?reading=${readings}`)
}

function mayReachFiles(source: string): boolean {
  return /\b(?:from|import)\s*["'](?:[./#]|file:)|\b(?:import|require)\s*\(|\bimport\.meta\b/.test(source)
}

/**
 * Evaluates a module by jiti. Its own `import()` leaves JavaScript to Node, which would give what it has, and its synchronous
 * call knows no top-level await: so the file runs in a function of ours, whose parameters are those of jiti's, and all that it
 * imports by the synchronous call. The file cache is off: it lives in a shared temporary folder, where others could plant code.
 */
export async function importTransformed(path: string): Promise<unknown> {
  const { createJiti } = await import('jiti')
  const jiti = createJiti(pathToFileURL(path).href, { interopDefault: false, moduleCache: false, fsCache: false })
  const source = await readFile(path, 'utf8')
  const code = jiti.transform({ source, filename: path, ts: /\.m?ts$/.test(path), async: false, interopDefault: false })
  const wrapped = `(async (exports, require, module, __filename, __dirname, jitiImport, jitiESMResolve) => {${code}\n})`
  const module = { exports: {} as unknown }
  const importLater = async (id: unknown) => jiti(String(id))
  const run = runInThisContext(wrapped, { filename: path, displayErrors: false }) as (...parameters: unknown[]) => Promise<void>
  await run(module.exports, jiti, module, path, dirname(path), importLater, jiti.esmResolve)
  const failure = (module.exports as { __JITI_ERROR__?: { message: string; line: number } } | null)?.__JITI_ERROR__
  if (failure !== undefined) throw Object.assign(new SyntaxError(failure.message), { line: failure.line })
  return module.exports
}

const ownCommonJs = new Set<string>()

/** CommonJS modules have one name only, their path: what earlier readings have brought is forgotten before another one. */
export async function withFreshCommonJs<T>(isFresh: boolean, read: () => Promise<T>): Promise<T> {
  const { cache } = createRequire(import.meta.url)
  if (isFresh) for (const name of ownCommonJs) delete cache[name]
  const before = new Set(Object.keys(cache))
  try {
    return await read()
  } finally {
    for (const name of Object.keys(cache)) if (!before.has(name) && !name.includes('/node_modules/')) ownCommonJs.add(name)
  }
}
