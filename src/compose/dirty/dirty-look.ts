/** Asks the class of a dirty app what it wants, in a thread that goes again: nobody may have to load the app here. */
import { MonocerosError } from '../../base/errors.ts'
import type { DirtyAppFacts } from '../../ipc/messages.ts'
import { createThreads } from '../../threads/threads.ts'
import { startDirtyAppThread } from './dirty-app-thread.ts'

export interface LookOrder {
  readonly entryPath: string
  readonly app: string
  readonly spec: string
}

/** @throws MON_APP_NOT_FOUND, MON_APP_IMPORT, MON_DIRTY_LOAD, MON_DIRTY_RESERVED, MON_BOOT_FAILED */
export async function lookAtApp({ entryPath, app, spec }: LookOrder): Promise<DirtyAppFacts> {
  const threads = createThreads({ entryPath, threadsMax: 1, heapMaxMib: 0 })
  const { running, remote, close } = startDirtyAppThread(threads, { app, spec, path: '', frameMaxBytes: 0, timeoutMs: 0, isCounted: false })
  const ended = running.ended.then(({ how, error }) => {
    throw new MonocerosError('MON_BOOT_FAILED', { problem: `${app}: ${how}` }, error)
  })
  try {
    const answer = await Promise.race([remote.look(), ended])
    if (!answer.ok) throw MonocerosError.fromData(answer.error)
    const { workers, threads, stashes } = answer
    return { name: app, workers, threads, stashes }
  } finally {
    ended.catch(() => undefined) // it ends now, as asked
    running.terminate()
    close()
  }
}
