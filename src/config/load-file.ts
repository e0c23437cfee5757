/** Reads a config file of any kind into names and values. Workers use it too: it loads neither the table nor a parser early. */
import { createHash } from 'node:crypto'
import { readFile } from 'node:fs/promises'
import { extname, relative } from 'node:path'
import { fileURLToPath, pathToFileURL } from 'node:url'
import { MonocerosError, problemOf } from '../base/errors.ts'

export const configExtensions = ['ts', 'mts', 'js', 'mjs', 'cjs', 'json', 'toml']

export interface LoadOptions {
  readonly cwd: string
  /** Read helper modules again too, as a reload must. */
  readonly fresh?: boolean
  readonly timeBoxMs?: number
}

export interface LoadedFile {
  readonly path: string
  readonly label: string
  readonly sha256: string
  /** In a module a name can come twice: from the default export and as an export of its own. */
  readonly entries: readonly (readonly [name: string, value: unknown])[]
}

/** How messages name a file: relative to the working directory if it is inside. */
export function labelOf(path: string, cwd: string): string {
  const inside = relative(cwd, path)
  return inside === '' || inside.startsWith('..') ? path : `./${inside}`
}

/**
 * Loads a config file by its absolute path.
 *
 * @throws MonocerosError MON_CONFIG_FILE when it cannot be read, throws, does not finish within 10 s or holds no object
 */
export async function loadFile(path: string, options: LoadOptions): Promise<LoadedFile> {
  const label = labelOf(path, options.cwd)
  const fail = (problem: string, cause?: unknown) => new MonocerosError('MON_CONFIG_FILE', { source: label, problem }, cause)
  const kind = extname(path).slice(1)
  if (!configExtensions.includes(kind)) throw fail(`its name must end in one of ${configExtensions.map((end) => `.${end}`).join(' ')}`)

  const bytes = await readFile(path).catch((error: NodeJS.ErrnoException) => {
    throw fail(unreadable(error))
  })
  const sha256 = createHash('sha256').update(bytes).digest('hex')
  const timeBoxMs = options.timeBoxMs ?? 10_000
  try {
    const reading = kind === 'json' || kind === 'toml' ? parse(kind, bytes.toString('utf8')) : evaluate(path, options.fresh === true)
    const entries = await within(reading, timeBoxMs)
    if (entries === 'too late') throw fail(`did not finish loading within ${timeBoxMs / 1000} s: something it awaits never comes`)
    if (typeof entries === 'string') throw fail(entries)
    return { path, label, sha256, entries }
  } catch (error) {
    if (error instanceof MonocerosError) throw error
    throw fail(`${failureOf(error)}${placeOf(error, path, options.cwd)}`, error)
  }
}

type Entries = LoadedFile['entries']

/** A promise that never settles must not hold a reload up for ever; what it still does is nobody's. */
async function within<T>(work: Promise<T>, ms: number): Promise<T | 'too late'> {
  let timer: NodeJS.Timeout | undefined
  const late = new Promise<'too late'>((resolve) => {
    timer = setTimeout(resolve, ms, 'too late')
  })
  return await Promise.race([work, late]).finally(() => clearTimeout(timer))
}

async function parse(kind: 'json' | 'toml', text: string): Promise<Entries | string> {
  const source = text.replace(/^\uFEFF/, '')
  const data: unknown = kind === 'json' ? JSON.parse(source) : (await import('smol-toml')).parse(source)
  if (!isRecord(data)) return `holds ${kindOf(data)} where an object of settings is expected`
  return Object.entries(data).filter(([name]) => name !== '$schema')
}

async function evaluate(path: string, isFresh: boolean): Promise<Entries | string> {
  const module = await importModule(path, isFresh)
  if (!isRecord(module)) return exportsWrong(module)
  const named = Object.entries(module).filter(([name]) => !['default', 'module.exports', '__esModule'].includes(name))
  if (!('default' in module)) return named
  // TypeScript compiled to CommonJS arrives wrapped once more.
  const exported = isRecord(module['default']) && '__esModule' in module['default'] ? module['default']['default'] : module['default']
  const settings: unknown = typeof exported === 'function' ? await exported() : exported
  if (!isRecord(settings)) return exportsWrong(settings)
  return [...Object.entries(settings), ...named.filter(([name, value]) => settings[name] !== value)]
}

async function importModule(path: string, isFresh: boolean): Promise<unknown> {
  const url = pathToFileURL(path).href
  const isTypeScript = /\.m?ts$/.test(path)
  const isStripped = 'typescript' in process.features && Boolean(process.features.typescript)
  if (isFresh || (isTypeScript && !isStripped)) return await importByJiti(path)
  if (!isTypeScript) return await import(url)
  try {
    return await import(url)
  } catch (error) {
    if (!isLinkError(error)) throw error
    return await importByJiti(path)
  }
}

/** Without its file cache: that one lives in a shared temporary folder, where others could plant code. */
async function importByJiti(path: string): Promise<unknown> {
  const { createJiti } = await import('jiti')
  const jiti = createJiti(pathToFileURL(path).href, { interopDefault: false, moduleCache: false, fsCache: false })
  return await jiti.import(path)
}

/** What Node's type stripping refuses and jiti can do: enums, decorators, imports without an extension. */
function isLinkError(error: unknown): boolean {
  const code = error instanceof Error && 'code' in error ? String(error.code) : ''
  return error instanceof SyntaxError || /TYPESCRIPT|TYPE_STRIPPING|ERR_MODULE_NOT_FOUND|ERR_UNSUPPORTED_DIR_IMPORT/.test(code)
}

function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}

function kindOf(value: unknown): string {
  if (Array.isArray(value)) return 'a list'
  return value === null || value === undefined ? String(value) : `a ${typeof value}`
}

function exportsWrong(value: unknown): string {
  return `exports ${kindOf(value)} where an object of settings, or a function that returns one, is expected`
}

function unreadable(error: NodeJS.ErrnoException): string {
  if (error.code === 'ENOENT') return 'there is no such file'
  return error.code === 'EISDIR' ? 'it is a folder' : `cannot be read (${error.code})`
}

/** The first line of what was thrown: parsers append a picture of the place. */
function failureOf(thrown: unknown): string {
  const message = thrown instanceof Error ? thrown.message.split('\n')[0]!.trim() : ''
  return (message || problemOf(thrown)).replace(/[\s(]*\(?\d+:\d+\)?$/, '')
}

/** Where it was thrown, as ` (./file:line)`: in the file itself if its stack passes there, else in the first file of it. */
function placeOf(thrown: unknown, path: string, cwd: string): string {
  if (!(thrown instanceof Error)) return ''
  if ('line' in thrown && typeof thrown.line === 'number') return ` (${labelOf(path, cwd)}:${thrown.line})`
  const frames = [...(thrown.stack ?? '').matchAll(/(file:\/\/\/[^\s():]+|\/[^\s():]+):(\d+)/g)].map(([, where, line]) => ({
    file: where!.startsWith('file:') ? fileURLToPath(where!) : where!,
    line,
  }))
  const frame = frames.find(({ file }) => file === path) ?? frames.find(({ file }) => !file.includes('/node_modules/'))
  return frame === undefined ? '' : ` (${labelOf(frame.file, cwd)}:${frame.line})`
}
