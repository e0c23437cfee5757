import { MonocerosError } from './errors.ts'

/** A dirty app as it is named in `dirty_apps`: `[name=]MODULE:CLASS[:N]`. */
export interface DirtySpec {
  /** As the user wrote it. */
  readonly text: string
  /** The name given before `=`; null when there is none. */
  readonly given: string | null
  readonly module: string
  readonly className: string
  /** How many workers load it; null: as the class says. */
  readonly workers: number | null
}

export type DirtySpecAnswer = { readonly ok: true; readonly spec: DirtySpec } | { readonly ok: false; readonly problem: string }

/** @example parseDirtySpec('images=./images.ts:ImageApp:2') */
export function parseDirtySpec(text: string): DirtySpecAnswer {
  const found = /^(?:([\w.-]+)=)?(.+?):([\p{ID_Start}$_][\p{ID_Continue}$]*)(?::(\d+))?$/u.exec(text)
  if (found === null) return { ok: false, problem: 'not of the form [name=]MODULE:CLASS[:WORKERS]' }
  const [, given = null, module = '', className = '', count] = found
  const workers = count === undefined ? null : Number(count)
  if (workers === 0) return { ok: false, problem: 'an app needs at least one worker' }
  return { ok: true, spec: { text, given, module, className, workers } }
}

/**
 * The names by which apps are called: the one given, else the module's base name where that is unique, else the whole spec.
 * @throws MON_CONFIG_CONFLICT when a name is given twice
 */
export function nameDirtyApps(specs: readonly DirtySpec[]): ReadonlyMap<string, DirtySpec> {
  const base = ({ module }: DirtySpec) => module.slice(module.lastIndexOf('/') + 1).replace(/\.[cm]?[jt]sx?$/, '')
  const isUnique = (name: string) => name !== '' && specs.filter((spec) => (spec.given ?? base(spec)) === name).length === 1
  const names = new Map<string, DirtySpec>()
  for (const spec of specs) {
    const name = spec.given ?? (isUnique(base(spec)) ? base(spec) : spec.text)
    if (names.has(name)) throw new MonocerosError('MON_CONFIG_CONFLICT', { source: 'dirty_apps', problem: `${name} is named twice` })
    names.set(name, spec)
  }
  return names
}
