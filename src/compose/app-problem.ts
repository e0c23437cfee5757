import { findApp } from '../app/find.ts'
import { parseAppSpec } from '../app/spec.ts'
import type { MonocerosError } from '../base/errors.ts'
import type { Settings } from '../config/settings.ts'

/** Why there is no such app: a wrong path is told in one line before anything is bound or spawned. */
export async function appProblem({ app, chdir }: Pick<Settings, 'app' | 'chdir'>): Promise<MonocerosError | null> {
  const spec = parseAppSpec(app ?? '')
  if (!spec.ok) return spec.error
  const found = await findApp(spec.spec.module, chdir)
  return found.ok ? null : found.error
}
