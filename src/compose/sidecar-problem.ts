import { statSync } from 'node:fs'
import { resolve } from 'node:path'
import { MonocerosError } from '../base/errors.ts'
import { nearest } from '../base/nearest.ts'
import type { Settings } from '../config/settings.ts'
import { notOnPath, programNames, programProblem } from '../os/foreign.ts'

/** MON_SIDECAR_COMMAND for a sidecar of which it is known before anything is started that it cannot be, or null. */
export function sidecarProblem({ sidecars, chdir }: Pick<Settings, 'sidecars' | 'chdir'>): MonocerosError | null {
  for (const { name, command, env, cwd } of sidecars) {
    const refused = (problem: string) => new MonocerosError('MON_SIDECAR_COMMAND', { name, command, problem })
    const folder = resolve(chdir, cwd ?? '.')
    if (statSync(folder, { throwIfNoEntry: false })?.isDirectory() !== true) return refused(`its cwd ${folder} is no folder`)
    const path = env['PATH'] ?? process.env['PATH'] ?? ''
    const problem = programProblem(command, path, folder)
    if (problem === null) continue
    const meant = problem === notOnPath ? nearest(command, programNames(path)) : undefined
    return refused(meant === undefined ? problem : `${problem} (did you mean ${meant}?)`)
  }
  return null
}
