/** `--check-config`: loads the app as a worker would, and binds nothing. */
import { type Adopted, adopt } from '../../app/adopt.ts'
import { exportedJob } from '../../app/exported-job.ts'
import { findApp } from '../../app/find.ts'
import { installListenTrap } from '../../app/listen-trap.ts'
import { importApp } from '../../app/load.ts'
import { neverServes } from '../../app/never-serves.ts'
import { parseAppSpec } from '../../app/spec.ts'
import { MonocerosError, problemOf } from '../../base/errors.ts'
import { exitCodes } from '../../base/exit-codes.ts'
import type { Settings } from '../../config/settings.ts'

export type AppCheck = { readonly ok: true; readonly text: string } | { readonly ok: false; readonly error: MonocerosError }

/**
 * Settles when the app is known to be able to serve, or not: at the latest at `boot_timeout`.
 *
 * @param tell for an app that ends the process, so that there is nobody left to be answered
 */
export async function checkApp(settings: Settings, tell: (error: MonocerosError) => void): Promise<AppCheck> {
  const app = settings.app ?? ''
  const onExit = () => {
    process.exitCode = exitCodes.failed.code
    tell(new MonocerosError('MON_APP_IMPORT', { spec: app, problem: 'it ended the process' }))
  }
  process.once('exit', onExit)
  try {
    return { ok: true, text: `ok: ${app} ${await serving(settings, app)}` }
  } catch (error) {
    if (error instanceof MonocerosError) return { ok: false, error }
    return { ok: false, error: new MonocerosError('MON_APP_IMPORT', { spec: app, problem: problemOf(error) }, error) }
  } finally {
    process.off('exit', onExit)
  }
}

/** How the app serves; rejects when it cannot, or does not in time. */
function serving(settings: Settings, app: string): Promise<string> {
  return new Promise((resolve, reject) => {
    let isLoaded = false
    const onSaid = (how: string) => resolve(how)
    // Unheld: with nothing else to wait for, an app that will never serve is known at once.
    setTimeout(() => {
      const problem = `it was not done within boot_timeout (${settings.bootTimeout} s)`
      reject(isLoaded ? neverServes(app, 'boot-timeout') : new MonocerosError('MON_APP_IMPORT', { spec: app, problem }))
    }, settings.bootTimeout * 1_000).unref()
    process.once('beforeExit', () => reject(neverServes(app, 'came-to-its-end')))
    load(settings, app, onSaid).then((adopted) => {
      isLoaded = true
      if (adopted.kind !== 'none') resolve(`(${adopted.kind})`)
    }, reject)
  })
}

async function load(settings: Settings, app: string, onSaid: (how: string) => void): Promise<{ readonly kind: Adopted['kind'] | 'job' }> {
  if (settings.chdir !== null) process.chdir(settings.chdir)
  const spec = parseAppSpec(app)
  if (!spec.ok) throw spec.error
  const found = await findApp(spec.spec.module, process.cwd())
  if (!found.ok) throw found.error
  installListenTrap(() => onSaid('listens by itself'))
  process.send = ((message: unknown) => {
    if (message === 'ready') onSaid('says that it is ready')
    return true
  }) as NonNullable<typeof process.send>
  const namespace = await importApp(found.file, { cwd: process.cwd(), spec: app })
  if (settings.workerClass === 'job') {
    await exportedJob(namespace, spec.spec)
    return { kind: 'job' }
  }
  return adopt(namespace, spec.spec, { file: found.file, onError: () => undefined })
}
