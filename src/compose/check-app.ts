/** `--check-config`: loads the app as a worker would, and binds nothing. */
import { adopt } from '../app/adopt.ts'
import { findApp } from '../app/find.ts'
import { installListenTrap } from '../app/listen-trap.ts'
import { importApp } from '../app/load.ts'
import { parseAppSpec } from '../app/spec.ts'
import { MonocerosError, problemOf } from '../base/errors.ts'
import type { Settings } from '../config/settings.ts'

export type AppCheck = { readonly ok: true; readonly text: string } | { readonly ok: false; readonly error: MonocerosError }

export async function checkApp(settings: Settings): Promise<AppCheck> {
  const app = settings.app ?? ''
  try {
    if (settings.chdir !== null) process.chdir(settings.chdir)
    const spec = parseAppSpec(app)
    if (!spec.ok) return spec
    const found = await findApp(spec.spec.module, process.cwd())
    if (!found.ok) return found
    let hasListened = false
    installListenTrap(() => {
      hasListened = true
    })
    const namespace = await importApp(found.file, { cwd: process.cwd(), spec: app })
    const adopted = await adopt(namespace, spec.spec, { file: found.file, onError: () => undefined })
    const kind =
      adopted.kind !== 'none' ? `(${adopted.kind})` : hasListened ? 'listens by itself' : 'exports nothing; it has to call listen()'
    return { ok: true, text: `ok: ${app} ${kind}` }
  } catch (error) {
    if (error instanceof MonocerosError) return { ok: false, error }
    return { ok: false, error: new MonocerosError('MON_APP_IMPORT', { spec: app, problem: problemOf(error) }, error) }
  }
}
