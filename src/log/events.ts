import type { Level } from './level.ts'

/** One thing the error log can say. `{field}` in the sentence is replaced by the fact of that name. */
export interface EventRow {
  readonly level: Level
  readonly text: string
  readonly doc: string
}

function row(level: Level, text: string, doc: string): EventRow {
  return { level, text, doc }
}

/**
 * Every event of the error log. Error: someone must act. Warning: we coped. Info: the lifecycle. Debug: the rest.
 * `docs/reference/events.md` is made from this table.
 */
export const events = {
  'arbiter.starting': row(
    'info',
    'starting monoceros {version} (Node {node})',
    'The arbiter has read its configuration and is about to bind.',
  ),
  'arbiter.ready': row('info', 'ready at {address}, workers: {workers}', 'The first workers serve; `whenReady` runs.'),
  'arbiter.signal': row('info', 'handling signal {signal}', 'A signal that means something to the arbiter has come.'),
  'arbiter.resized': row(
    'debug',
    'WINCH means nothing here',
    'A terminal was resized. There is no daemon mode in which it would stop the workers.',
  ),
  'arbiter.signal-ignored': row('warning', 'signal {signal} is ignored: {why}', 'A signal that means nothing in this situation.'),
  'arbiter.scaled': row('info', 'workers: {from} → {to}', 'TTIN or TTOU changed how many workers are wanted.'),
  'arbiter.stopping': row('info', 'shutting down: {reason}', 'The arbiter holds no listener any more and drains its workers.'),
  'arbiter.forced': row('warning', 'told again to stop: killing all workers', 'A second INT: nothing is waited for.'),
  'arbiter.stopped': row('info', 'stopped', 'All children are gone; the last line of an arbiter.'),
  'arbiter.failed': row('critical', '{problem}', 'The arbiter ends with a failure; the fact `exitCode` is its exit code.'),
  'arbiter.uncaught': row(
    'error',
    'uncaught in the arbiter: {problem}',
    'Something outside the charts threw, most likely a hook’s own timer. The arbiter goes on.',
  ),
  'arbiter.reopened': row('info', 'log files reopened', 'USR1: the logs of the arbiter and of every worker were opened again by name.'),

  'listener.bound': row('info', 'listening at {address}', 'An address is bound. Connections are taken as soon as a worker is ready.'),
  'listener.closed': row(
    'info',
    'no longer listening at {address}',
    'The arbiter has let go of an address: at its stop, or after a reload that wants it no more. Workers that drain may hold it for a while.',
  ),
  'listener.waiting': row(
    'warning',
    '{problem}; try {tries} of 5, the next in a second',
    'An address is in use; it is tried five times, a second apart.',
  ),

  'worker.booting': row('info', 'booting worker with pid {childPid}', 'A worker process was spawned to fill a slot.'),
  'worker.loaded': row('debug', 'app loaded as {kind} in {loadMs} ms', 'The app is imported, and its kind is known.'),
  'worker.ready': row('info', 'worker ready in {readyMs} ms', 'The worker takes traffic from now on.'),
  'worker.cannot-boot': row(
    'error',
    '{problem}',
    'Why a worker cannot get ready, with the app’s own stack where it has one. Told once for each different reason.',
  ),
  'worker.boot-failed': row('warning', 'worker failed to boot: {how}', 'A worker ended before it was ready.'),
  'worker.boot-timeout': row(
    'error',
    'worker not ready after {bootTimeoutS} s',
    'The worker did not get ready within `boot_timeout`; what it was doing follows.',
  ),
  'worker.promoted': row(
    'info',
    'a spare takes this place',
    'A dirty worker that stood by, with its apps loaded, takes the slot of one that leaves, or of one that is added.',
  ),
  'worker.recycle': row('info', 'to be recycled: {reason}', 'The worker asks for a successor, and drains once that one is ready.'),
  'worker.over-limit': row(
    'warning',
    'over worker_memory_limit ({limitMib} MiB) from the start: {memoryMib} MiB; it is not recycled for it',
    'A worker that is only just ready weighs more than it may. Its successor would too: raise the limit.',
  ),
  'worker.draining': row('info', 'draining: {reason}', 'The worker accepts no more connections and finishes what it has.'),
  'worker.drained': row(
    'info',
    'drained in {tookMs} ms',
    'The worker has finished its requests; `cutRequests` is how many were not within the grace.',
  ),
  'worker.grace-over': row(
    'error',
    'not gone after its grace',
    'The worker did not end within `graceful_timeout`; what it was doing follows.',
  ),
  'worker.gone': row('info', 'worker gone: {how}', 'A worker that was asked to go has ended.'),
  'worker.died': row('error', 'worker died: {how}', 'A worker that was not asked to go has ended. It is replaced.'),
  'worker.last-seen': row(
    'error',
    'at work on {count} requests at its last beat',
    'What a worker had under way that was ended at once, by a signal from outside or by V8 itself: requests of some age, and in gthread the threads that were busy and their heaps. A beat comes twice a second, news of threads once; what came later is not known.',
  ),
  'worker.backoff': row(
    'warning',
    'too many restarts: slot {slot} waits {delayMs} ms',
    'More than 10 restarts within 10 s, or 10 boots in a row that failed: the next one waits, doubling up to 30 s.',
  ),
  'worker.blocked': row(
    'warning',
    'its loop was blocked for {blockedMs} ms',
    'The event loop stood still for a second or more; the stack is of that time.',
  ),
  'worker.timeout': row(
    'error',
    'WORKER TIMEOUT: its loop is blocked for {blockedMs} ms',
    'The loop was blocked for longer than `timeout`. The worker is killed; what it was doing is told beside.',
  ),
  'worker.hung': row(
    'error',
    'WORKER TIMEOUT: its job has given no beat for {silentMs} ms',
    'Worker class `job`: the loop turns, but `ctx.beat()` was not called for longer than `timeout`. The worker is killed; what it was at is told beside.',
  ),
  'worker.frozen': row(
    'error',
    'process frozen for {silentMs} ms',
    'The whole process stands still (stopped by a signal, or not scheduled) for longer than `timeout`. It is killed.',
  ),
  'worker.autopsy': row(
    'error',
    'what it was doing: {where}, {phase}',
    'Stack, requests in flight and what the kernel knows of a process that is about to be killed.',
  ),
  'worker.threads': row(
    'debug',
    'threads: {count}',
    'What each thread of a worker has done and is doing, once a second while that changes.',
  ),
  'worker.orphaned': row('warning', 'the arbiter is gone: draining', 'The arbiter died. The worker finishes what it has and ends.'),
  'worker.orphan-killed': row(
    'error',
    'the arbiter is gone and the loop is blocked: killing this worker',
    'The arbiter died while the worker was stuck, or it was not through within `graceful_timeout`. Its own watchdog writes this to stderr and ends it.',
  ),
  'worker.uncaught': row(
    'error',
    'uncaught exception ({origin})',
    'The app threw where nobody catches; Node ends the process. The requests in flight go with it.',
  ),
  'worker.drain-failed': row('error', 'drain failed: {problem}', 'An internal problem while draining; the worker ends all the same.'),
  'worker.shutdown-failed': row(
    'error',
    'onShutdown failed: {problem}',
    'The app’s onShutdown, or a handler like it, threw. The worker ends all the same.',
  ),
  'worker.door-problem': row(
    'error',
    'a listener of this worker failed: {problem}',
    'Accepting failed on one listener: file descriptors ran out, or its handle could not be had again.',
  ),

  'thread.ready': row('debug', 'thread {thread} ready in {loadMs} ms', 'A thread of the worker has loaded the app and is given requests.'),
  'thread.cannot-boot': row(
    'error',
    '{problem}',
    'Why a thread cannot get ready, with the app’s own stack where it has one. While a worker boots, the worker tells it.',
  ),
  'thread.boot-failed': row('warning', 'thread {thread} failed to boot: {how}', 'A thread ended before it was ready.'),
  'thread.recycle': row(
    'info',
    'thread {thread} to be replaced: {reason}',
    'A new thread loads the app; this one goes when that is ready.',
  ),
  'thread.retiring': row('debug', 'thread {thread} finishes what it has: {reason}', 'A thread is given no more requests.'),
  'thread.gone': row('debug', 'thread {thread} gone', 'A thread that was asked to go has ended.'),
  'thread.died': row(
    'error',
    'thread {thread} died: {how}',
    'A thread ended that was not asked to: an uncaught exception, its heap limit, process.exit(). Another takes its place.',
  ),
  'thread.requests-lost': row(
    'error',
    'lost with thread {thread}: {count} of its requests ({how})',
    'What a thread was executing when it died. Those clients got 502; all others are served by other threads.',
  ),
  'thread.timeout': row(
    'error',
    'THREAD TIMEOUT: thread {thread} is blocked for {blockedMs} ms',
    'A request has kept its thread for longer than `timeout`. The thread alone is replaced; its client gets 504.',
  ),
  'thread.autopsy': row(
    'error',
    'what thread {thread} was doing: {where}',
    'Stack and requests of a thread that is about to be terminated.',
  ),
  'thread.killed': row('warning', 'thread {thread} terminated: {how}', 'A thread that did not go by itself was ended.'),
  'thread.condemned': row(
    'error',
    'thread {thread} is stuck in native code and cannot be ended: this worker is replaced',
    'V8 cannot end a thread in native code. No other is started beside it; a successor of the worker is asked for.',
  ),
  'thread.backoff': row('warning', 'too many threads died: the next waits {delayMs} ms', 'As for workers: more than 10 within 10 s.'),
  'thread.shutdown-failed': row(
    'error',
    'onShutdown failed in thread {thread}: {problem}',
    'The app’s onShutdown, or a handler like it, threw in a thread. The thread ends all the same.',
  ),
  'thread.no-upgrade': row(
    'warning',
    'the app handles upgrades (WebSocket); under gthread they are answered with 501: use worker class async',
    'A connection cannot be handed to a thread, only requests can.',
  ),
  'thread.program-closed': row('warning', 'the program closed its server in thread {thread}', 'Requests for it in that thread get 503.'),

  'dirty.booting': row('info', 'booting dirty arbiter with pid {childPid}', 'The process that keeps the dirty workers was spawned.'),
  'dirty.ready': row('info', 'dirty arbiter ready in {readyMs} ms', 'Every dirty worker has loaded its apps; calls can be made.'),
  'dirty.cannot-boot': row('error', '{problem}', 'Why the dirty arbiter cannot get ready.'),
  'dirty.boot-failed': row('warning', 'dirty arbiter failed to boot: {how}', 'It ended before it was ready.'),
  'dirty.boot-timeout': row('error', 'dirty arbiter not ready after {bootTimeoutS} s', 'It did not get ready within `boot_timeout`.'),
  'dirty.recycle': row('info', 'dirty arbiter to be recycled: {reason}', 'It asks for a successor.'),
  'dirty.draining': row('info', 'dirty arbiter draining: {reason}', 'It takes no more calls, and finishes those under way.'),
  'dirty.drained': row('info', 'dirty arbiter drained', 'Its workers are gone.'),
  'dirty.grace-over': row('error', 'dirty arbiter not gone after its grace', 'It did not end in time; what it was doing follows.'),
  'dirty.gone': row('info', 'dirty arbiter gone: {how}', 'It was asked to go, and has ended.'),
  'dirty.died': row('error', 'dirty arbiter died: {how}', 'It ended without being asked. It is started again; calls that waited are told.'),
  'dirty.timeout': row('error', 'DIRTY ARBITER TIMEOUT: its loop is blocked for {blockedMs} ms', 'It is killed and started again.'),
  'dirty.frozen': row('error', 'dirty arbiter frozen for {silentMs} ms', 'The whole process stands still; it is killed and started again.'),
  'dirty.call-lost': row('error', '{app}.{action} was lost: {how}', 'The thread that executed a dirty call died; its caller is told.'),
  'dirty.call-forced': row(
    'warning',
    '{app}.{action} did not heed its signal ({why}): its thread is ended',
    'A dirty call was cancelled or ran out of time, and went on beyond `dirty_cancel_grace`.',
  ),
  'job.failed': row(
    'error',
    'the job failed: {problem}',
    'Worker class `job`: its function threw after it was ready. The worker finishes the jobs under way, ends, and is replaced.',
  ),
  'job.over': row(
    'warning',
    'the job came to its end: nothing is left on the event loop',
    'Worker class `job`: its function has returned (or, `isRunning`, awaits what never comes), and nothing is left that could still happen. The worker ends and is replaced.',
  ),
  'job.cut': row(
    'error',
    'cut {why}: {count} jobs',
    'What a drain waited for in vain: `requests` has the labels of tracked jobs, and `isRunning` says whether the function itself had not returned.',
  ),
  'sidecar.booting': row(
    'info',
    'starting sidecar {sidecar} with pid {childPid}',
    'A foreign command that runs beside the workers was spawned.',
  ),
  'sidecar.ready': row('info', 'sidecar {sidecar} ready in {readyMs} ms', 'What its `readyWhen` asks for is the case.'),
  'sidecar.output': row('info', '{sidecar}: {line}', 'A line that a sidecar has printed; `stream` is stdout or stderr.'),
  'sidecar.output-dropped': row(
    'warning',
    '{count} lines of sidecar {sidecar} were dropped',
    'A sidecar printed more than 500 lines in a second. It was read all the same, so that it was not held up.',
  ),
  'sidecar.boot-failed': row('error', 'sidecar {sidecar} did not get ready: {how}', 'A sidecar ended before it was ready.'),
  'sidecar.boot-timeout': row(
    'error',
    'sidecar {sidecar} not ready after {bootTimeoutS} s',
    'It did not get ready within its `bootTimeout`, and is killed.',
  ),
  'sidecar.draining': row('info', 'sidecar {sidecar} is told to end: {reason}', 'It was sent its `stopSignal`.'),
  'sidecar.grace-over': row(
    'error',
    'sidecar {sidecar} not gone after its grace',
    'It did not end within its `gracefulTimeout`, and is killed.',
  ),
  'sidecar.autopsy': row(
    'error',
    'sidecar {sidecar} is in state {state}',
    'What the kernel knows of a sidecar that is late and about to be killed: state (T is stopped, D cannot be interrupted), wait channel, children.',
  ),
  'sidecar.gone': row('info', 'sidecar {sidecar} gone: {how}', 'It was told to end, and has ended.'),
  'sidecar.finished': row('info', 'sidecar {sidecar} has finished: {how}', 'It has ended well, and its `restart` does not want it again.'),
  'sidecar.died': row(
    'error',
    'sidecar {sidecar} died: {how}',
    'It ended without being asked. It is started again, unless its `restart` is never.',
  ),
  'sidecar.backoff': row(
    'warning',
    'too many restarts: sidecar {sidecar} waits {delayMs} ms',
    'More than 10 restarts within 10 s, or 10 boots in a row that failed: the next one waits, doubling up to 30 s.',
  ),
  'sidecar.guard-replaced': row(
    'warning',
    'the guard of the sidecars was killed by {signal}; there is another with pid {childPid}',
    'The small process that ends the sidecars if the arbiter cannot was gone for a moment.',
  ),
  'request.hung': row(
    'error',
    '{method} {path} got no answer for {ageMs} ms: 504',
    'A handler awaits what does not come. Its client gets 504 and it sees an abort; the thread, whose loop turns, is replaced when another is ready.',
  ),
  'request.slow': row(
    'warning',
    '{method} {path} has been under way for {ageMs} ms',
    'One request has been under way for longer than `timeout`.',
  ),
  'request.failed': row('error', '{method} {path}: {problem}', 'A handler threw or rejected; the client got 500 if nothing had been sent.'),

  'reload.started': row('info', 'reloading', 'The configuration is read again and a new generation is started beside the old one.'),
  'reload.done': row('info', 'reloaded: generation {generation}', 'Every worker of the new generation is ready; the old one drains.'),
  'reload.rolled-back': row(
    'error',
    'reload failed, the old generation serves on: {problem}',
    'The new generation did not get ready and was stopped.',
  ),

  'reload.needs-restart': row(
    'warning',
    'only a restart can change {settings}: the present values stay',
    'The configuration has new values for settings that are read once, when the arbiter starts.',
  ),

  'control.listening': row(
    'info',
    'control socket listening at {path}',
    'The server can be looked at and controlled there, as by `monocerosctl`.',
  ),
  'control.taken': row(
    'warning',
    'another server answers at {path}: this one has no control socket; give each one its own with --control-socket',
    'A control socket is never taken from a server that lives.',
  ),
  'control.failed': row(
    'warning',
    'no control socket at {path}: {problem}',
    'The server serves all the same, and cannot be controlled there.',
  ),
  'control.order': row('info', 'control command: {command}', 'Somebody gave an order on the control socket.'),
  'control.loglevel': row('info', 'log level is {level} now', 'Changed on the control socket, until the next reload.'),

  'config.bind-wins': row('info', 'the program asked for {asked}; bind wins: {bind}', 'The program called listen() while `bind` was set.'),
  'config.changed': row(
    'warning',
    '{path} has changed since this generation was configured',
    'A worker found another config file than its arbiter read; send HUP to make both agree.',
  ),

  'remote.failed': row(
    'warning',
    '{what} at {address}: {problem}; it is tried again',
    'Syslog or statsd cannot be reached. What was to be sent meanwhile is lost; serving goes on.',
  ),
  'log.dropped': row(
    'warning',
    '{count} lines for {destination} were dropped',
    'A log could not be written for a while, and its buffer was full.',
  ),
  'log.moved': row('info', 'the log goes on at {destination}', 'A reload changed where the log is written, or its form.'),
  'log.failed': row('error', 'cannot write log {destination}: {problem}', 'A log cannot be opened or written; it is tried again.'),

  'recorder.rotated': row(
    'info',
    'flight recorder: {path} was full and is now {path}.1',
    'The file had grown to `flight_recorder_max`; a new one was begun.',
  ),
  'recorder.dropped': row(
    'warning',
    'flight recorder: {count} steps could not be sent',
    'A process made more steps at once than its parent took. In the file of `flight_recorder` they are found.',
  ),

  'metrics.listening': row('info', 'metrics and probes at http://{address}', 'There the arbiter answers /metrics, /ready and /live.'),
  'metrics.failed': row('error', 'metrics at {path}: {problem}', 'A scrape or probe could not be answered. Serving goes on.'),

  'dashboard.listening': row(
    'info',
    'dashboard at {url}',
    'There the arbiter shows what every process does. What follows the # is the token that changes need; one that was given is not told.',
  ),
  'dashboard.failed': row('error', 'dashboard at {path}: {problem}', 'A request of the dashboard could not be answered. Serving goes on.'),

  'hook.failed': row('error', 'hook {hook} failed: {problem}', 'A hook of the config file threw; its stack is below.'),
  'news.failed': row(
    'error',
    'a listener for {name} failed and is not called again: {problem}',
    'A listener of the program that embeds monoceros threw.',
  ),
  'hook.debug': row('debug', '{text}', 'A hook wrote to the log.'),
  'hook.info': row('info', '{text}', 'A hook wrote to the log.'),
  'hook.warning': row('warning', '{text}', 'A hook wrote to the log.'),
  'hook.error': row('error', '{text}', 'A hook wrote to the log.'),

  'app.debug': row('debug', '{text}', 'The app wrote to `ctx.logger`; its own fields stand beside.'),
  'app.info': row('info', '{text}', 'The app wrote to `ctx.logger`; its own fields stand beside.'),
  'app.warning': row('warning', '{text}', 'The app wrote to `ctx.logger`; its own fields stand beside.'),
  'app.error': row('error', '{text}', 'The app wrote to `ctx.logger`; its own fields stand beside.'),
  'app.critical': row('critical', '{text}', 'The app wrote to `ctx.logger`, at the level fatal; its own fields stand beside.'),
  'app.signal-handler-failed': row(
    'error',
    'the app’s handler of {signal} failed: {problem}',
    'A listener that the app put on a signal threw when it was called after the drain.',
  ),
  'chart.failed': row('error', 'internal error: {problem}', 'A chart ended in an error. This is a bug of monoceros.'),
} as const satisfies Record<`${string}.${string}`, EventRow>

export type EventName = keyof typeof events

/** The names of the facts that an event's sentence has room for. */
export function factsInSentence(text: string): string[] {
  return Array.from(text.matchAll(/\{(\w+)\}/g), (match) => match[1]!)
}
