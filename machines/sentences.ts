/** A sentence for every event of every chart, for the reference page and whatever else explains a chart to a person. */
export const sentences: Readonly<Record<string, Readonly<Record<string, string>>>> = {
  arbiter: {
    reload: 'HUP: read the configuration again and replace every worker.',
    scale: 'TTIN or TTOU: one worker more or less.',
    stop: 'TERM (graceful), INT or QUIT (quick): end.',
    force: 'A second INT: kill every worker and end.',
    'listener.wanted': 'A program in a worker wants to listen somewhere that is not bound yet.',
    'listener.unwanted': 'The programs that listened there are gone, and those of the present generation do not.',
    'listener.bound': 'A listener has its address.',
    'listener.failed': 'A listener cannot have its address.',
    'handle.ready': 'A worker takes traffic.',
    'handle.recycle': 'A worker asks for a successor.',
    'handle.leaving': 'A worker drains without having been told to by the arbiter.',
    'slot.refill': 'The back-off of a slot is over.',
    'boot.overdue': 'Five seconds after the first failed boot nothing has served yet.',
    'roll.spawn': 'The rolling wants the new worker of a slot.',
    'roll.retire': 'The rolling wants the old worker of a slot to go.',
    'done.actor.listener': 'A listener is closed, or could not be had.',
    'error.actor.listener': 'The chart of a listener broke; its address counts as failed.',
    'done.actor.worker': 'A worker process has been reaped.',
    'error.actor.worker': 'The chart of a worker broke; its process is let go and its slot filled.',
    'done.actor.rolling': 'All new workers are ready, or the attempt is given up.',
  },
  'worker-handle': {
    'child.spawned': 'The process exists and has a pid.',
    'child.loaded': 'The app is imported, and the child says whether it exports something to serve.',
    'child.ready': 'The child says that it takes traffic.',
    'child.failed': 'The child says why it cannot get ready.',
    'child.stuck': 'The child cannot end in order, and says why it is about to kill itself.',
    'child.recycle': 'The child asks for a successor: max_requests, or a request that hung.',
    'child.draining': 'The child says that it drains; it may have been told to by somebody else’s signal.',
    'child.drained': 'The child has nothing left to finish.',
    'child.silent': 'Its watchdog saw the loop blocked beyond `timeout` and has taken the autopsy.',
    'child.frozen': 'Not even its watchdog beats.',
    'child.autopsied': 'The autopsy that was asked for has come.',
    'child.exited': 'The kernel has reaped the process.',
    stop: 'The arbiter wants it to go: drain.',
    kill: 'The arbiter waits for nothing any more.',
    'error.actor.child': 'The process could not be started, or what stands behind the handle broke.',
  },
  worker: {
    drain: 'Finish and go: told by the arbiter, by a signal, or by the arbiter’s death.',
  },
  'thread-pool': {
    open: 'The worker boots: start the threads that are kept.',
    close: 'The worker is about to end: every thread is to finish and go.',
    pressure: 'Every thread is busy and requests wait, or no longer.',
    'lane.ready': 'A thread has loaded the app.',
    'lane.leaving': 'A thread is given no more requests: it drains, or is about to be ended.',
    'lane.condemned': 'A thread is in native code and cannot be ended.',
    'lane.overdue': 'A request has blocked its thread beyond `timeout`.',
    'lane.kill': 'What a thread does is not wanted any more: end it at once.',
    'lane.recycle': 'A thread is worn: thread_max_requests, a heap near its limit, or a request that hung.',
    'lane.idle': 'A thread has had no request for thread_idle_timeout.',
    refill: 'A back-off is over.',
    'done.actor.lane': 'A thread has exited.',
    'error.actor.lane': 'The chart of a thread broke; a successor of the worker is asked for.',
  },
  lane: {
    'thread.loaded': 'The app is loaded in the thread, and it has a server.',
    'thread.failed': 'The thread says why it cannot get ready.',
    'thread.drained': 'It has nothing left to finish, and the app’s onShutdown has run.',
    'thread.autopsied': 'Its stack has been told and its requests are answered.',
    'thread.exited': 'The thread has exited.',
    overdue: 'A request has blocked it beyond `timeout`.',
    retire: 'The pool wants it to go: drain.',
    kill: 'The pool waits for nothing any more.',
    'error.actor.thread': 'The thread could not be started, or what stands behind the lane broke.',
  },
  rolling: {
    'worker.ready': 'The new worker of a slot takes traffic.',
    'worker.failed': 'A new worker died.',
  },
  listener: {
    close: 'The arbiter needs it no longer.',
  },
}

/** The name under which `sentences` and drawings know an event; null for what happens inside one state. */
export function plainEvent(event: string): string | null {
  if (/^xstate\.(done|error)\.actor\.\d+\./.test(event) || event.startsWith('xstate.after.')) return null
  return event.replace(/^xstate\./, '').replace(/\.\*$/, '')
}
