import { MonocerosError, problemOf } from '../base/errors.ts'
import { nearest } from '../base/nearest.ts'
import { describe, kindOf } from './kinds.ts'
import type { ModuleNamespace } from './load.ts'
import type { AppSpec } from './spec.ts'

/** An app in a box: some are thenable (Fastify), and a promise would unpack them. */
export interface Boxed {
  readonly app: unknown
}

/** The value to serve; `app` is null when the spec names none and the module exports nothing that could be served. */
export async function exportedApp(namespace: ModuleNamespace, spec: AppSpec): Promise<Boxed> {
  if (spec.path === null) return implied(namespace, spec)
  const { holder, value } = named(namespace, spec, spec.path)
  const name = spec.path.join('.')
  if (spec.args === null) return made(() => value, spec, name)
  if (typeof value !== 'function') {
    throw new MonocerosError('MON_APP_EXPORT', { spec: spec.text, problem: `${name} is ${describe(value)}, not a factory to call` })
  }
  return made(() => Reflect.apply(value, holder, [...spec.args!]), spec, `${name}()`)
}

const impliedNames = ['default', 'app', 'server', 'handler'] as const

async function implied(namespace: ModuleNamespace, spec: AppSpec): Promise<Boxed> {
  for (const name of impliedNames) {
    for (const holder of holdersOf(namespace)) {
      const boxed = await made(() => holder[name], spec, name)
      if (kindOf(boxed.app) !== null) return boxed
    }
  }
  return { app: null }
}

/** Where names may be: the namespace; `module.exports`; what CommonJS made from an ES module calls its default. */
export function holdersOf(namespace: ModuleNamespace): Record<string, unknown>[] {
  const holders: Record<string, unknown>[] = [namespace]
  let inner: unknown = namespace['default']
  for (let depth = 0; depth < 2 && isHolder(inner); depth++) {
    holders.push(inner)
    inner = inner['default']
  }
  return holders
}

function named(namespace: ModuleNamespace, spec: AppSpec, path: readonly string[]): { holder: unknown; value: unknown } {
  const [first = '', ...rest] = path
  const found = holdersOf(namespace).find((holder) => first in holder)
  if (found === undefined) {
    // What an app is made of is not what a module exports.
    const modules = holdersOf(namespace).filter((holder) => kindOf(holder) === null)
    throw missing(spec, first, [...new Set(modules.flatMap(Object.keys))], '')
  }
  let holder: unknown = found
  let value: unknown = innermost(found[first], first)
  for (const [index, name] of rest.entries()) {
    const reached = path.slice(0, index + 1).join('.')
    if (!isHolder(value) || !(name in value)) throw missing(spec, name, isHolder(value) ? Object.keys(value) : [], ` in ${reached}`)
    holder = value
    value = value[name]
  }
  return { holder, value }
}

/** `default` of CommonJS made from an ES module is the object that holds the true one. */
function innermost(value: unknown, name: string): unknown {
  return name === 'default' && kindOf(value) === null && isHolder(value) && 'default' in value ? value['default'] : value
}

function missing(spec: AppSpec, name: string, names: readonly string[], where: string): MonocerosError {
  const close = nearest(name, names)
  const meant = close === undefined ? '' : `; did you mean ${close}?`
  const list = names.length === 0 ? 'nothing' : names.slice(0, 12).join(', ')
  return new MonocerosError('MON_APP_EXPORT', {
    spec: spec.text,
    problem: `there is no ${name}${where}${meant} (exported: ${list})`,
  })
}

async function made(make: () => unknown, spec: AppSpec, step: string): Promise<Boxed> {
  try {
    const value = make()
    return { app: isPromise(value) ? await value : value }
  } catch (error) {
    throw new MonocerosError('MON_APP_SETUP', { spec: spec.text, step, problem: problemOf(error) }, error)
  }
}

function isHolder(value: unknown): value is Record<string, unknown> {
  return (typeof value === 'object' && value !== null) || typeof value === 'function'
}

/** A promise of an app; an app that is thenable itself is none. */
function isPromise(value: unknown): value is PromiseLike<unknown> {
  return isHolder(value) && kindOf(value) === null && typeof value['then'] === 'function'
}
