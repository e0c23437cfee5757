import type { ErrorCode } from '../base/error-codes.ts'
import { type Facts, MonocerosError } from '../base/errors.ts'
import type { Refusal } from '../wire/kinds.ts'
import { fromThrown, type Thrown } from '../wire/thrown.ts'

/** Whatever becomes of a dirty call instead of its answer. `code` says which; each code has a class. */
export class DirtyError extends MonocerosError {
  override readonly name: string = 'DirtyError'
}
export class DirtyAppNotFoundError extends DirtyError {
  override readonly name = 'DirtyAppNotFoundError'
}
export class DirtyNoWorkersAvailableError extends DirtyError {
  override readonly name = 'DirtyNoWorkersAvailableError'
}
export class DirtyQueueFullError extends DirtyError {
  override readonly name = 'DirtyQueueFullError'
}
/** `facts.phase` is `queued` or `running`. */
export class DirtyTimeoutError extends DirtyError {
  override readonly name = 'DirtyTimeoutError'
}
export class DirtyCancelledError extends DirtyError {
  override readonly name = 'DirtyCancelledError'
}
export class DirtyWorkerError extends DirtyError {
  override readonly name = 'DirtyWorkerError'
}
/** The app threw: `cause` is its error, with name, message, code, cause and the stack of where it was thrown. */
export class DirtyAppError extends DirtyError {
  override readonly name = 'DirtyAppError'
}
export class DirtyNotSerializableError extends DirtyError {
  override readonly name = 'DirtyNotSerializableError'
}
export class DirtyFrameTooLargeError extends DirtyError {
  override readonly name = 'DirtyFrameTooLargeError'
}
export class DirtyConnectionError extends DirtyError {
  override readonly name = 'DirtyConnectionError'
}
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
