import fs from 'node:fs'
import { isatty } from 'node:tty'
import { isMainThread } from 'node:worker_threads'

/** A writable descriptor, and how many bytes may go into one write so that processes sharing it never tear a line. */
export interface Descriptor {
  readonly fd: number
  readonly chunkBytes: number
  /** To be called before each write, where somebody else can make the descriptor wait for its reader. */
  readonly unblock?: () => void
}

const { O_WRONLY, O_APPEND, O_CREAT, O_NONBLOCK, O_NOCTTY } = fs.constants

/** A FIFO nobody reads refuses (ENXIO) instead of holding the process, and a terminal never becomes our controlling one. */
export const appendFlags = O_WRONLY | O_APPEND | O_CREAT | O_NONBLOCK | O_NOCTTY

/** As usual for a log: what the umask leaves of it. */
export const fileMode = 0o644

// Up to PIPE_BUF bytes a pipe takes all or nothing; a regular file takes any append whole.
const pipeChunkBytes = process.platform === 'darwin' ? 512 : 4_096
const fileChunkBytes = 65_536

const standardPaths: Readonly<Record<string, 1 | 2>> = {
  '/dev/stdout': 1,
  '/dev/fd/1': 1,
  '/proc/self/fd/1': 1,
  '/dev/stderr': 2,
  '/dev/fd/2': 2,
  '/proc/self/fd/2': 2,
}

/** Which standard stream a destination means, or null when it is a path of its own. `-` is the log's usual one. */
export function standardOf(destination: string, usual: 1 | 2): 1 | 2 | null {
  return destination === '-' ? usual : (standardPaths[destination] ?? null)
}

/** stdout or stderr such that no write to it ever waits for a reader. */
export function openStandard(fd: 1 | 2): Descriptor {
  const stat = fs.fstatSync(fd)
  // A file never waits for a reader, and all who inherited this descriptor share its offset: appending through one of
  // our own would let them overwrite us.
  if (stat.isFile()) return { fd, chunkBytes: fileChunkBytes }
  return openPrivate(fd, stat) ?? shareWithoutBlocking(fd)
}

// O_NONBLOCK belongs to the open description, which we share with all who have the descriptor, and whoever spawns a child
// that inherits it clears the flag: libuv does. Opening the pipe or terminal anew through /proc gives one of our own.
function openPrivate(fd: number, stat: fs.Stats): Descriptor | null {
  let own: number
  try {
    own = fs.openSync(`/proc/self/fd/${fd}`, O_WRONLY | O_APPEND | O_NONBLOCK | O_NOCTTY)
  } catch {
    return null // a socket, no /proc, or a pipe made by another user
  }
  const opened = fs.fstatSync(own)
  if (opened.ino === stat.ino && opened.dev === stat.dev) return ofFile(own)
  fs.closeSync(own)
  return null
}

// A socket cannot be opened anew, so the shared flag is set again before each write, through the handle of Node's own
// stream. A write that waits for its reader would hold a thread of libuv's pool for ever, and process.exit() with it.
function shareWithoutBlocking(fd: 1 | 2): Descriptor {
  const chunkBytes = pipeChunkBytes
  if (!isMainThread) return { fd, chunkBytes } // a thread's streams are not the descriptors
  const { _handle } = (fd === 1 ? process.stdout : process.stderr) as NodeJS.WriteStream & WithHandle
  return { fd, chunkBytes, unblock: () => _handle?.setBlocking?.(false) }
}

// Private in Node, and there since long before 20; without it the flag is that of the moment when the stream was made.
interface WithHandle {
  readonly _handle?: { setBlocking?(isBlocking: boolean): void }
}

/** Opens a log file for append, or answers why not. */
export function openLog(path: string, done: (error: NodeJS.ErrnoException | null, opened: Descriptor | null) => void): void {
  fs.open(path, appendFlags, fileMode, (error, fd) => done(error, error === null ? ofFile(fd) : null))
}

/** The same, for a start that wants its first lines in the file at once; null when it cannot be opened. */
export function openLogNow(path: string): Descriptor | null {
  try {
    return ofFile(fs.openSync(path, appendFlags, fileMode))
  } catch {
    return null // whoever writes first asks again, and gets the reason
  }
}

function ofFile(fd: number): Descriptor {
  const stat = fs.fstatSync(fd)
  const takesAny = stat.isFile() || (stat.isCharacterDevice() && !isatty(fd)) // such as /dev/null
  return { fd, chunkBytes: takesAny ? fileChunkBytes : pipeChunkBytes }
}

/** True for "not now": the reader is slow, and the same write may succeed in a moment. */
export function isRefusal(error: unknown): boolean {
  return refusals.has((error as NodeJS.ErrnoException).code ?? '')
}

/** Writes until all is out, the deadline (of `performance.now()`) has passed or an error comes; answers the bytes written. */
export function writeUntil({ fd, unblock }: Descriptor, chunk: Buffer, deadlineMs: number): number {
  let written = 0
  while (written < chunk.length) {
    try {
      unblock?.()
      written += fs.writeSync(fd, chunk, written)
    } catch (error) {
      if (!isRefusal(error) || performance.now() >= deadlineMs) return written
      Atomics.wait(sleeper, 0, 0, 5)
    }
  }
  return written
}

const refusals = new Set(['EAGAIN', 'EWOULDBLOCK', 'EBUSY', 'EINTR'])
const sleeper = new Int32Array(new SharedArrayBuffer(4))
