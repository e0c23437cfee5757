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
  'arbiter.starting': row('info', 'starting monoceros', 'The arbiter has read its configuration and is about to bind.'),
  'arbiter.listening': row('info', 'listening at {address}', 'A listening socket is bound; one line for each address.'),
  'arbiter.ready': row('info', 'ready', 'Every worker slot has a worker that serves.'),
  'arbiter.signal': row('info', 'handling signal {signal}', 'A signal that means something to the arbiter has come.'),
  'arbiter.stopping': row('info', 'shutting down: {reason}', 'The arbiter drains its workers and then ends.'),
  'arbiter.stopped': row('info', 'stopped', 'All children are gone; the last line of an arbiter.'),

  'worker.booting': row('info', 'booting worker', 'A worker process was spawned to fill a slot.'),
  'worker.loaded': row('debug', 'app loaded', 'The app is imported, and its kind is known.'),
  'worker.ready': row('info', 'worker ready in {readyMs} ms', 'The worker takes traffic from now on.'),
  'worker.draining': row('info', 'draining: {reason}', 'The worker accepts no more connections and finishes what it has.'),
  'worker.drained': row('info', 'drained in {tookMs} ms', 'The worker has finished all its requests and ends.'),
  'worker.gone': row('info', 'worker gone: {how}', 'The worker process has ended, and how.'),
  'worker.killing': row('warning', 'killing worker: {reason}', 'The worker did not end when asked, or went silent, and is killed.'),
  'worker.autopsy': row('error', 'what the worker was doing', 'Stack and requests of a worker that is stuck, taken before it is killed.'),
  'worker.timeout': row('error', 'WORKER TIMEOUT', 'The loop of a worker was blocked for longer than `timeout`.'),
  'worker.frozen': row('warning', 'worker is frozen', 'The whole process stands still: stopped by a signal, or not scheduled.'),

  'request.slow': row('warning', 'request is older than the timeout', 'One request has been under way for longer than `timeout`.'),

  'reload.started': row('info', 'reloading', 'A new generation of workers is being started beside the old one.'),
  'reload.done': row('info', 'reloaded', 'The new generation serves, and the old one is gone.'),
  'reload.rolled-back': row(
    'error',
    'reload failed, the old generation serves on',
    'The new generation did not get ready and was stopped.',
  ),

  'config.bind-wins': row('info', 'the app asked for another address; bind wins', 'The program called listen() while `bind` was set.'),

  'log.dropped': row(
    'warning',
    '{count} lines for {destination} were dropped',
    'A log could not be written for a while, and its buffer was full.',
  ),
  'log.failed': row('error', 'cannot write log {destination}: {problem}', 'A log cannot be opened or written; it is tried again.'),

  'hook.failed': row('error', 'hook {hook} failed', 'A hook of the config file threw; its stack is below.'),
} as const satisfies Record<`${string}.${string}`, EventRow>

export type EventName = keyof typeof events

/** The names of the facts that an event's sentence has room for. */
export function factsInSentence(text: string): string[] {
  return Array.from(text.matchAll(/\{(\w+)\}/g), (match) => match[1]!)
}
