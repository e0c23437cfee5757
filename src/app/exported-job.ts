/** The function that worker class `job` runs. */
import { MonocerosError } from '../base/errors.ts'
import { exportedApp, holdersOf } from './exported.ts'
import { describe, kindOf } from './kinds.ts'
import type { ModuleNamespace } from './load.ts'
import type { AppSpec } from './spec.ts'

type JobFunction = (context: unknown) => unknown

const impliedNames = ['default', 'job', 'run'] as const

/**
 * Picks the export that the spec means: the one it names, or what a factory it calls answers, else `default`, `job` or `run`.
 *
 * @throws MonocerosError MON_APP_JOB when that is no function of a job, MON_APP_EXPORT when there is no such export,
 *   MON_APP_SETUP when a factory fails
 */
export async function exportedJob(namespace: ModuleNamespace, spec: AppSpec): Promise<JobFunction> {
  const fail = (problem: string) => new MonocerosError('MON_APP_JOB', { spec: spec.text, problem })
  if (spec.path !== null) {
    const { app } = await exportedApp(namespace, spec)
    const name = `${spec.path.join('.')}${spec.args === null ? '' : '()'}`
    const problem = problemWith(app)
    if (problem !== null) throw fail(`${name} is ${problem}`)
    return app as JobFunction
  }
  const problems: string[] = []
  for (const name of impliedNames) {
    for (const holder of holdersOf(namespace)) {
      if (holder[name] === undefined) continue
      const value = holder[name]
      const problem = problemWith(value)
      if (problem === null) return value as JobFunction
      // What CommonJS exports as a whole is only where its names are.
      if (typeof value === 'function' || kindOf(value) !== null) problems.push(`${name} is ${problem}`)
    }
  }
  throw fail(problems[0] ?? `it exports no function as default, job or run (exported: ${namesIn(namespace)})`)
}

/** Null: it is a job. */
function problemWith(value: unknown): string | null {
  const kind = kindOf(value)
  if (typeof value !== 'function' || kind === null) return `${describe(value)}, not the function of a job`
  if (kind === 'node') return 'a handler of requests (it takes two parameters): serve it in another worker class'
  const isServed = kind !== 'fetch' || typeof (value as { fetch?: unknown }).fetch === 'function'
  return isServed ? `an app that answers requests (${kind}): serve it in another worker class` : null
}

function namesIn(namespace: ModuleNamespace): string {
  const names = [...new Set(holdersOf(namespace).flatMap((holder) => Object.keys(holder)))].slice(0, 12)
  return names.length === 0 ? 'nothing' : names.join(', ')
}
