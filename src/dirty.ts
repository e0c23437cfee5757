/** The door for callers and authors of dirty apps: `monoceros/dirty`. */
export { DirtyApp } from './dirty-client/app.ts'
export type { CallOptions } from './dirty-client/call.ts'
export { type DirtyClient, getDirtyClient } from './dirty-client/client.ts'
export {
  type DirtyActions,
  type DirtyCall,
  type DirtyOptions,
  type DirtyProxy,
  type DirtyStream,
  dirty,
  dirtyCounts,
} from './dirty-client/dirty.ts'
export {
  DirtyAppError,
  DirtyAppNotFoundError,
  DirtyCancelledError,
  DirtyConnectionError,
  DirtyError,
  DirtyFrameTooLargeError,
  DirtyNotSerializableError,
  DirtyNoWorkersAvailableError,
  DirtyQueueFullError,
  DirtyTimeoutError,
  DirtyWorkerError,
  StashFullError,
} from './dirty-client/errors.ts'
export { proxy } from './dirty-client/proxy.ts'
export { openStash, type PutOptions, type Stash, stash } from './dirty-client/stash.ts'
export type { AppCounts } from './wire/kinds.ts'
