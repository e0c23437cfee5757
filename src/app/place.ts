import { isAbsolute, relative } from 'node:path'
import { fileURLToPath, pathToFileURL } from 'node:url'
import { problemOf } from '../base/errors.ts'
import { linkPlace } from '../os/link-place.ts'

/** The sentence for people: with the place in front when it is one of syntax, which the message itself never names. */
export function placed(error: unknown, cwd: string): string {
  const problem = problemOf(error)
  const place = error instanceof SyntaxError ? placeIn(error) : undefined
  if (place === undefined || problem.includes(place.file)) return problem
  const short = relative(cwd, place.file)
  return `${short.startsWith('..') || isAbsolute(short) ? place.file : short}:${place.line}: ${problem}`
}

/** Puts the place that Node keeps from a caught error of linking in front of its stack, where it would print it itself. */
export function withPlace(error: unknown, file: string): unknown {
  if (!(error instanceof SyntaxError) || placeIn(error) !== undefined) return error
  const place = linkPlace(pathToFileURL(file).href)
  if (place !== undefined) error.stack = `${place}\n${error.stack}`
  return error
}

/** The file and line that Node writes above the stack of a syntax error. */
function placeIn(error: Error): { file: string; line: number } | undefined {
  const found = /^((?:file:\/\/)?\/.*):(\d+)$/.exec(error.stack?.split('\n', 1)[0] ?? '')
  if (found === null) return undefined
  const [, where = '', line] = found
  return { file: where.startsWith('file:') ? fileURLToPath(where) : where, line: Number(line) }
}

/** True of an error in the text of this very file: none of it has run. */
export function isUncompiled(error: unknown, file: string): boolean {
  return error instanceof SyntaxError && placeIn(error)?.file === file
}
