/** What a worker of any class does before it loads the app. */
import { becomeUser, findIdentity } from '../../os/user.ts'
import type { WorkerScope } from './worker-scope.ts'

/** Becomes the user that it is to run as, loads the hooks of its process and runs the first of them. */
export async function prepareWorker(scope: WorkerScope, firstHook: 'postFork' | 'dirtyPostFork' = 'postFork'): Promise<void> {
  const { settings } = scope
  if (settings.user !== null || settings.group !== null) {
    const identity = findIdentity(settings.user, settings.group, 'settings')
    becomeUser(identity, { user: settings.user, group: settings.group }, settings.initgroups)
  }
  await loadHooks(scope)
  await scope.runHook(firstHook)
}

async function loadHooks(scope: WorkerScope): Promise<void> {
  const { boot, log } = scope
  if (boot.hookFile === null || boot.hookNames.length === 0) return
  const config = await import('../../config/load-hooks.ts')
  const loaded = await config.loadHooks(boot.hookFile.path)
  scope.hooks = loaded.hooks
  if (loaded.sha256 !== boot.hookFile.sha256) log.event('config.changed', { path: boot.hookFile.path })
}
