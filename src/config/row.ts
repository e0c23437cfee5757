import type { HookName } from './hook-types.ts'
import type { Kind } from './kinds/kind.ts'

export type Section =
  | 'config'
  | 'server socket'
  | 'workers'
  | 'threads'
  | 'dirty'
  | 'sidecars'
  | 'control'
  | 'dashboard'
  | 'mechanics'
  | 'logging'
  | 'metrics'
  | 'hooks'

/** What a changed value needs at a reload: nothing more, a new generation of workers, or a restart of the arbiter. */
export type Reload = 'live' | 'respawn' | 'restart'

export interface CheckContext {
  readonly cwd: string
}

export interface DefaultFrom {
  readonly env: string
  readonly shape: RegExp
  readonly problem: string
  readonly allowed: string
  readonly read: (text: string) => unknown
}

/** A default that is whatever the named setting, which stands earlier in the table, comes to. */
export interface SameAs {
  readonly sameAs: string
}

/** A setting with a value. A `default` of null means that null is a value of it too; one may be a `SameAs`. */
export interface ValueRow {
  readonly name: string
  readonly section: Section
  // biome-ignore lint/suspicious/noExplicitAny: rows of every kind stand in one table
  readonly type: Kind<any, any>
  readonly unit: string | null
  readonly default: unknown
  /** A variable of the environment that changes the default. */
  readonly defaultFrom?: DefaultFrom
  /** Flags of the command line, the short one first; null where there is none. */
  readonly cli: readonly string[] | null
  readonly gunicorn: string | null
  /** True where a file cannot set it: what chooses the file, or asks for something other than serving. */
  readonly isCallersOnly?: true
  /** What no type can tell; answers the problem, or null. */
  readonly check?: (value: never, context: CheckContext) => string | null
  readonly reload: Reload
  readonly doc: string
}

/** A function of the config file that is called at a point of a life. It crosses no process: each loads the file itself. */
export interface HookRow {
  readonly name: HookName
  readonly section: 'hooks'
  readonly type: 'hook'
  readonly process: 'arbiter' | 'worker' | 'dirty-worker'
  readonly parameters: string
  readonly gunicorn: string
  readonly reload: Reload
  readonly doc: string
}

export type Row = ValueRow | HookRow

export function isHook(row: Row): row is HookRow {
  return row.type === 'hook'
}

/** The setting whose value is the default of this one, or null. */
export function sameAsOf(row: ValueRow): string | null {
  const value: unknown = row.default
  return typeof value === 'object' && value !== null && 'sameAs' in value ? (value as SameAs).sameAs : null
}

/** `maxRequests` as Gunicorn and TOML spell it: `max_requests`. */
export function snakeOf(name: string): string {
  return name.replace(/[A-Z]/g, (letter) => `_${letter.toLowerCase()}`)
}

export function envOf(row: Row): string | null {
  return isHook(row) ? null : `MONOCEROS_${snakeOf(row.name).toUpperCase()}`
}

/** Every spelling of a setting in a file, its own name first. */
export function spellingsOf(row: Row): string[] {
  return [...new Set([row.name, snakeOf(row.name), ...(row.gunicorn === null ? [] : [row.gunicorn])])]
}
