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
  const data: unknown = kind === 'json' ? parseJson(source) : (await import('smol-toml')).parse(source)
  if (!isRecord(data)) return `holds ${kindOf(data)} where an object of settings is expected`
  return Object.entries(data).filter(([name]) => name !== '$schema')
}

/** Gives the error a line, as that of TOML has; V8 tells only how many characters it has read, and not always. */
function parseJson(source: string): unknown {
  try {
    return JSON.parse(source)
  } catch (error) {
    if (!(error instanceof SyntaxError)) throw error
    const [, message, position] = /^(.*?)(?: in JSON)?(?: at position (\d+).*)?$/s.exec(error.message) ?? []
    const line = position === undefined ? {} : { line: source.slice(0, Number(position)).split('\n').length }
    throw Object.assign(new SyntaxError(message), { stack: '' }, line)
  }
}

async function evaluate(path: string, isFresh: boolean): Promise<Entries | string> {
  const module = await importModule(path, isFresh)
  // Native import gives CommonJS a default export; jiti gives its `module.exports` as it is.
  if (!isRecord(module)) return await settingsOf(module, [])
  const named = Object.entries(module).filter(([name]) => !['default', 'module.exports', '__esModule'].includes(name))
  if (!('default' in module)) return named
  // TypeScript compiled to CommonJS arrives wrapped once more.
  const isWrapped = isRecord(module['default']) && '__esModule' in module['default']
  return await settingsOf(isWrapped ? (module['default'] as Record<string, unknown>)['default'] : module['default'], named)
}

async function settingsOf(exported: unknown, named: Entries): Promise<Entries | string> {
  const settings: unknown = typeof exported === 'function' ? await exported() : exported
  if (!isRecord(settings)) return `exports ${kindOf(settings)} where an object of settings, or a function that returns one, is expected`
  return [...Object.entries(settings), ...named.filter(([name, value]) => settings[name] !== value)]
}

async function importModule(path: string, isFresh: boolean): Promise<unknown> {
  const isTypeScript = /\.m?ts$/.test(path)
  const isStripped = 'typescript' in process.features && Boolean(process.features.typescript)
  if (isFresh || (isTypeScript && !isStripped)) return await importByJiti(path)
  try {
    return await import(pathToFileURL(path).href)
  } catch (error) {
    if (!isLinkError(error, isTypeScript)) throw error
    return await importByJiti(path)
  }
}

/** Without its file cache: that one lives in a shared temporary folder, where others could plant code. */
async function importByJiti(path: string): Promise<unknown> {
  const { createJiti } = await import('jiti')
  const jiti = createJiti(pathToFileURL(path).href, { interopDefault: false, moduleCache: false, fsCache: false })
  return await jiti.import(path)
}

/**
 * What Node refuses before anything has run, and jiti can do, or tell the place of: `import` in a package without
 * "type": "module", enums, decorators, imports without an extension. A syntax error with a place was thrown by running code.
 */
function isLinkError(error: unknown, isTypeScript: boolean): boolean {
  if (error instanceof SyntaxError && framesOf(error).length === 0) return true
  const code = error instanceof Error && 'code' in error ? String(error.code) : ''
  return isTypeScript && /TYPESCRIPT|TYPE_STRIPPING|ERR_MODULE_NOT_FOUND|ERR_UNSUPPORTED_DIR_IMPORT/.test(code)
}

function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}

function kindOf(value: unknown): string {
  if (Array.isArray(value)) return 'a list'
  return value === null || value === undefined ? String(value) : `a ${typeof value}`
}

function unreadable(error: NodeJS.ErrnoException): string {
  if (error.code === 'ENOENT') return 'there is no such file'
  return error.code === 'EISDIR' ? 'it is a folder' : `cannot be read (${error.code})`
}

/** The first line of what was thrown: parsers append a picture of the place. */
function failureOf(thrown: unknown): string {
  const message = thrown instanceof Error ? thrown.message.split('\n')[0]!.trim() : ''
  return message.replace(/^ParseError: /, '').replace(/\.$/, '') || problemOf(thrown)
}

/** Where it was thrown, as ` (./file:line)`; empty when nothing tells. */
function placeOf(thrown: unknown, path: string, cwd: string): string {
  if (!(thrown instanceof Error)) return ''
  if ('line' in thrown && typeof thrown.line === 'number') return ` (${labelOf(path, cwd)}:${thrown.line})`
  const [frame] = framesOf(thrown)
  return frame === undefined ? '' : ` (${labelOf(frame.file, cwd)}:${frame.line})`
}

/** The places of a stack that are the user's: neither Node's own, nor in packages, nor here. */
function framesOf(error: Error): { file: string; line: string }[] {
  const lines = (error.stack ?? '').split('\n').map((line) => /^\s*(?:at (?:.*?[( ])?)?((?:file:\/\/)?\/.*?):(\d+)(?::\d+)?\)?$/.exec(line))
  return lines
    .flatMap((match) =>
      match === null ? [] : [{ file: match[1]!.startsWith('file:') ? fileURLToPath(match[1]!) : match[1]!, line: match[2]! }],
    )
    .filter(({ file }) => !file.includes('/node_modules/') && file !== fileURLToPath(import.meta.url))
}
