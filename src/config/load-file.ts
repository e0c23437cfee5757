/** Reads a config file of any kind into names and values. Workers use it too: it loads neither the table nor a parser early. */
import { readFile } from 'node:fs/promises'
import { extname, relative } from 'node:path'
import { MonocerosError } from '../base/errors.ts'
import type { Entries, EntriesAnswer } from './entries.ts'

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
  const timeBoxMs = options.timeBoxMs ?? 10_000
  const { placeOf, sentenceOf } = await import('./thrown-place.ts')
  const answer = await within(read(kind, path, bytes, options.fresh === true), timeBoxMs).catch((error: unknown) => {
    const place = placeOf(error)
    const where = place === null ? '' : ` (${labelOf(place.file ?? path, options.cwd)}:${place.line})`
    throw fail(sentenceOf(error) + where, error)
  })
  if (answer === 'too late') throw fail(`did not finish loading within ${timeBoxMs / 1000} s: something it awaits never comes`)
  if (!answer.ok) throw fail(answer.problem)
  const { createHash } = await import('node:crypto')
  return { path, label, sha256: createHash('sha256').update(bytes).digest('hex'), entries: answer.entries }
}

/** Loads only what this kind of file needs: most start without a config file, and each module costs a start a millisecond. */
async function read(kind: string, path: string, bytes: Buffer, isFresh: boolean): Promise<EntriesAnswer> {
  if (kind === 'json' || kind === 'toml') return await (await import('./data-file.ts')).parseData(kind, bytes.toString('utf8'))
  return await (await import('./module-file.ts')).evaluateModule(path, isFresh)
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
