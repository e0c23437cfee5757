import { MonocerosError } from '../base/errors.ts'
import { type Literal, LiteralError, parseArguments } from './literals.ts'

/** Which app to serve: `MODULE[:EXPORT]`. */
export interface AppSpec {
  /** As the user wrote it; errors show this. */
  readonly text: string
  readonly module: string
  /** The dotted path after the colon; null when none was given. */
  readonly path: readonly string[] | null
  /** The arguments when EXPORT is a call; null when it is a plain name. */
  readonly args: readonly Literal[] | null
}

export type AppSpecAnswer = { readonly ok: true; readonly spec: AppSpec } | { readonly ok: false; readonly error: MonocerosError }

/**
 * Reads an app spec: a path or a package, then optionally a name, a dotted path or a factory call with literal arguments.
 *
 * @returns `ok: false` with MON_APP_SPEC, whose problem names the character (counted from 1) that does not fit
 * @example parseAppSpec('./app.js:create("prod", 3)')
 */
export function parseAppSpec(text: string): AppSpecAnswer {
  const colon = separatorOf(text)
  const module = colon === -1 ? text : text.slice(0, colon)
  if (module.trim() === '') return refuse(text, 'the module before the colon is missing', 0)
  if (colon === -1) return { ok: true, spec: { text, module, path: null, args: null } }

  const name = /^[\p{ID_Start}$_][\p{ID_Continue}$]*(?:\.[\p{ID_Start}$_][\p{ID_Continue}$]*)*/u.exec(text.slice(colon + 1))?.[0]
  if (name === undefined) return refuse(text, 'the name of an export should stand after the colon', colon + 1)
  const path = name.split('.')
  const after = colon + 1 + name.length
  if (after === text.length) return { ok: true, spec: { text, module, path, args: null } }
  if (text[after] !== '(') return refuse(text, `"${text[after]}" does not belong in the name of an export`, after)
  try {
    return { ok: true, spec: { text, module, path, args: parseArguments(text, after) } }
  } catch (error) {
    if (error instanceof LiteralError) return refuse(text, error.message, error.at)
    throw error
  }
}

/** The colon between MODULE and EXPORT: not that of `file:` or `node:`, nor one in a folder's name (a slash follows). */
function separatorOf(text: string): number {
  const start = /^(?:file|node):/.exec(text)?.[0].length ?? 0
  const call = text.indexOf('(', start)
  const slash = text.lastIndexOf('/', call === -1 ? text.length : call)
  return text.indexOf(':', Math.max(start, slash))
}

function refuse(text: string, problem: string, at: number): AppSpecAnswer {
  return { ok: false, error: new MonocerosError('MON_APP_SPEC', { spec: text, problem: `${problem} (at character ${at + 1})` }) }
}
