import type { ErrorCode } from '../base/error-codes.ts'
import { type Facts, MonocerosError } from '../base/errors.ts'
import type { Refusal } from '../wire/kinds.ts'
import { fromThrown, type Thrown } from '../wire/thrown.ts'

/** Whatever becomes of a dirty call instead of its answer. `code` says which; each code has a class. */
export class DirtyError extends MonocerosError {
  override readonly name: string = 'DirtyError'
}
/** There is no app of that name, or it has no such action (`MON_DIRTY_NO_APP`, `MON_DIRTY_NO_ACTION`). */
export class DirtyAppNotFoundError extends DirtyError {
  override readonly name = 'DirtyAppNotFoundError'
}
/** No dirty worker has the app, and none can be started (`MON_DIRTY_NO_WORKER`). */
export class DirtyNoWorkersAvailableError extends DirtyError {
  override readonly name = 'DirtyNoWorkersAvailableError'
}
/** `dirty_queue_max` calls of the app wait already (`MON_DIRTY_QUEUE_FULL`). */
export class DirtyQueueFullError extends DirtyError {
  override readonly name = 'DirtyQueueFullError'
}
/** The time of the call was up (`MON_DIRTY_TIMEOUT`): `facts.phase` is `queued` or `running`. */
export class DirtyTimeoutError extends DirtyError {
  override readonly name = 'DirtyTimeoutError'
}
/** The signal of the call has fired; `cause` is its reason (`MON_DIRTY_CANCELLED`). */
export class DirtyCancelledError extends DirtyError {
  override readonly name = 'DirtyCancelledError'
}
/** The process or thread that ran the call is gone: whether the call had an effect is not known (`MON_DIRTY_WORKER_LOST`). */
export class DirtyWorkerError extends DirtyError {
  override readonly name = 'DirtyWorkerError'
}
/** The app threw (`MON_DIRTY_APP`): `cause` is its error, with name, message, code, cause and the stack of where it was thrown. */
export class DirtyAppError extends DirtyError {
  override readonly name = 'DirtyAppError'
}
/** An argument or the answer cannot be sent: structured clone does not take it (`MON_DIRTY_NOT_SERIALIZABLE`). */
export class DirtyNotSerializableError extends DirtyError {
  override readonly name = 'DirtyNotSerializableError'
}
/** A message is longer than `dirty_frame_max` (`MON_DIRTY_FRAME`). */
export class DirtyFrameTooLargeError extends DirtyError {
  override readonly name = 'DirtyFrameTooLargeError'
}
/** The pool cannot be reached or is stopping; the call was not begun and may be made again (`MON_DIRTY_CONNECTION`, `MON_DIRTY_CLOSING`). */
export class DirtyConnectionError extends DirtyError {
  override readonly name = 'DirtyConnectionError'
}
/** The stash has no room for the entry (`MON_STASH_FULL`). */
export class StashFullError extends DirtyError {
  override readonly name = 'StashFullError'
}

const classes: Readonly<Record<string, typeof DirtyError>> = {
  MON_DIRTY_NO_APP: DirtyAppNotFoundError,
  MON_DIRTY_NO_ACTION: DirtyAppNotFoundError,
  MON_DIRTY_NO_WORKER: DirtyNoWorkersAvailableError,
  MON_DIRTY_QUEUE_FULL: DirtyQueueFullError,
  MON_DIRTY_TIMEOUT: DirtyTimeoutError,
  MON_DIRTY_CANCELLED: DirtyCancelledError,
  MON_DIRTY_WORKER_LOST: DirtyWorkerError,
  MON_DIRTY_APP: DirtyAppError,
  MON_DIRTY_NOT_SERIALIZABLE: DirtyNotSerializableError,
  MON_DIRTY_FRAME: DirtyFrameTooLargeError,
  MON_DIRTY_CONNECTION: DirtyConnectionError,
  MON_DIRTY_CLOSING: DirtyConnectionError,
  MON_STASH_FULL: StashFullError,
}

export function dirtyError(code: ErrorCode, facts: Facts, cause?: unknown): DirtyError {
  return new (classes[code] ?? DirtyError)(code, facts, cause)
}

export const fromRefusal = ({ code, facts }: Refusal): DirtyError => dirtyError(code as ErrorCode, facts)

export function fromApp(thrown: Thrown, app: string, action: string): DirtyError {
  return dirtyError('MON_DIRTY_APP', { app, action, problem: `${thrown.name}: ${thrown.message}` }, fromThrown(thrown))
}
