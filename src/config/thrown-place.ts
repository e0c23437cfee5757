/** What a config file threw, and where: one sentence and one place instead of a stack. */
import { fileURLToPath } from 'node:url'
import { problemOf } from '../base/errors.ts'
import { ownFolder } from '../base/own-folder.ts'

export interface Place {
  /** Null: in the file that was read. */
  readonly file: string | null
  readonly line: number
}

/** The first line of the message: parsers append a picture of the place. */
export function sentenceOf(thrown: unknown): string {
  const message = thrown instanceof Error ? thrown.message.split('\n')[0]!.trim() : ''
  return message.replace(/^ParseError: /, '').replace(/\.$/, '') || problemOf(thrown)
}

/** Where it was thrown, or null when nothing tells. A parser of data puts `line` on its error. */
export function placeOf(thrown: unknown): Place | null {
  if (!(thrown instanceof Error)) return null
  if ('line' in thrown && typeof thrown.line === 'number') return { file: null, line: thrown.line }
  return framesOf(thrown)[0] ?? null
}

/** The places of a stack that are the user's: neither Node's own, nor in packages, nor of those who called us. */
export function framesOf(error: Error): Place[] {
  const places: Place[] = []
  for (const text of (error.stack ?? '').split('\n')) {
    const [, where, line] = /^\s*(?:at (?:.*?[( ])?)?((?:file:\/\/)?\/.*?):(\d+)(?::\d+)?\)?$/.exec(text) ?? []
    if (where === undefined) continue
    const file = where.startsWith('file:') ? fileURLToPath(where) : where
    if (ownFolder !== null && file.startsWith(ownFolder)) break
    if (!file.includes('/node_modules/')) places.push({ file, line: Number(line) })
  }
  return places
}
