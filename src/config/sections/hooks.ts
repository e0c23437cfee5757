import type { HookRow } from '../row.ts'

function hook<const Name extends HookRow['name']>(
  name: Name,
  process: HookRow['process'],
  parameters: string,
  gunicorn: string,
  doc: string,
) {
  return {
    name,
    section: 'hooks',
    type: 'hook',
    process,
    parameters,
    gunicorn,
    reload: process === 'arbiter' ? 'live' : 'respawn',
    doc,
  } as const
}

export const hookRows = [
  hook('onStarting', 'arbiter', 'arbiter', 'on_starting', 'Before the arbiter binds its sockets.'),
  hook('whenReady', 'arbiter', 'arbiter', 'when_ready', 'When the sockets are bound and the first workers serve.'),
  hook(
    'onReload',
    'arbiter',
    'arbiter',
    'on_reload',
    'At a reload, after the new configuration is read and before its workers are spawned; it is the hook of the new one.',
  ),
  hook('onExit', 'arbiter', 'arbiter', 'on_exit', 'Just before the arbiter ends, when all workers are gone.'),
  hook(
    'nworkersChanged',
    'arbiter',
    'arbiter, newCount, oldCount',
    'nworkers_changed',
    'When another number of workers is wanted; the old count is null at the start.',
  ),
  hook('preFork', 'arbiter', 'arbiter, worker', 'pre_fork', 'Before a worker is spawned; it has no pid yet.'),
  hook('childExit', 'arbiter', 'arbiter, worker', 'child_exit', 'After a worker has ended.'),
  hook('postFork', 'worker', 'worker', 'post_fork', 'In a worker that has just started, before the app is loaded.'),
  hook('postWorkerInit', 'worker', 'worker', 'post_worker_init', 'After the app is loaded, just before the worker is ready.'),
  hook('preRequest', 'worker', 'worker, req', 'pre_request', 'Before each request reaches the app.'),
  hook('postRequest', 'worker', 'worker, req, res', 'post_request', 'After each request.'),
  hook(
    'workerInt',
    'worker',
    'worker',
    'worker_int',
    'When a worker is told to stop at once: the arbiter by INT or QUIT, or the worker itself by QUIT.',
  ),
  hook(
    'workerAbort',
    'worker',
    'worker',
    'worker_abort',
    'In sync, when a request has taken longer than the timeout and the event loop still runs: before the worker is replaced. A worker whose loop is blocked can run nothing; its log line has the stack.',
  ),
  hook('workerExit', 'worker', 'worker', 'worker_exit', 'Just before a worker ends, unless it is killed or crashes.'),
  hook('onDirtyStarting', 'arbiter', 'arbiter', 'on_dirty_starting', 'Before the dirty arbiter is started.'),
  hook(
    'dirtyPostFork',
    'dirty-worker',
    'worker',
    'dirty_post_fork',
    'In a dirty worker that has just started, before its apps are loaded.',
  ),
  hook('dirtyWorkerInit', 'dirty-worker', 'worker', 'dirty_worker_init', 'After its apps are loaded, just before a dirty worker is ready.'),
  hook(
    'dirtyWorkerExit',
    'dirty-worker',
    'worker',
    'dirty_worker_exit',
    'Just before a dirty worker ends, unless it is killed or crashes.',
  ),
] as const satisfies readonly HookRow[]
