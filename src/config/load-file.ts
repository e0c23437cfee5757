/** Reads a config file of any kind into names and values. Workers use it too: it loads neither the table nor a parser early. */
import { createHash } from 'node:crypto'
import { readFile } from 'node:fs/promises'
import { extname, relative } from 'node:path'
import { MonocerosError } from '../base/errors.ts'
import { parseData } from './data-file.ts'
import type { Entries } from './entries.ts'
import { evaluateModule } from './module-file.ts'
import { placeOf, sentenceOf } from './thrown-place.ts'

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
  readonly entries: Entries
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
  const isData = kind === 'json' || kind === 'toml'
  const timeBoxMs = options.timeBoxMs ?? 10_000
  const reading = isData ? parseData(kind, bytes.toString('utf8')) : evaluateModule(path, options.fresh === true)
  const answer = await within(reading, timeBoxMs).catch((error: unknown) => {
    throw fail(sentenceOf(error) + placeText(error, path, options.cwd), error)
  })
  if (answer === 'too late') throw fail(`did not finish loading within ${timeBoxMs / 1000} s: something it awaits never comes`)
  if (!answer.ok) throw fail(answer.problem)
  return { path, label, sha256: createHash('sha256').update(bytes).digest('hex'), entries: answer.entries }
}

function placeText(thrown: unknown, path: string, cwd: string): string {
  const place = placeOf(thrown)
  return place === null ? '' : ` (${labelOf(place.file ?? path, cwd)}:${place.line})`
}

/** A promise that never settles must not hold a reload up for ever; what it still does is nobody's. */
async function within<T>(work: Promise<T>, ms: number): Promise<T | 'too late'> {
  let timer: NodeJS.Timeout | undefined
  const late = new Promise<'too late'>((resolve) => {
    timer = setTimeout(resolve, ms, 'too late')
  })
  return await Promise.race([work, late]).finally(() => clearTimeout(timer))
}

function unreadable(error: NodeJS.ErrnoException): string {
  if (error.code === 'ENOENT') return 'there is no such file'
  return error.code === 'EISDIR' ? 'it is a folder' : `cannot be read (${error.code})`
}
