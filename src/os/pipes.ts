/**
 * Pipes of the kernel, as a shell makes them. What Node gives its children are sockets, and a program that opens its
 * output by name, as `/dev/stdout`, cannot open a socket.
 */
import { execFile } from 'node:child_process'
import { closeSync, constants, fchownSync, mkdtempSync, openSync, rmSync } from 'node:fs'
import { Socket } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { promisify } from 'node:util'

export interface Pipe {
  readonly output: Socket
  /** The other end, for a child; whoever has it closes it. */
  readonly fd: number
}

/** @returns null where they cannot be had */
export async function openPipes(
  count: number,
  owner: { readonly uid: number | null; readonly gid: number | null },
): Promise<Pipe[] | null> {
  let folder: string | null = null
  const fds: number[] = []
  const keep = (fd: number): number => {
    fds.push(fd)
    return fd
  }
  try {
    folder = mkdtempSync(join(tmpdir(), 'monoceros-'))
    const paths = Array.from({ length: count }, (_, at) => join(folder as string, String(at)))
    await promisify(execFile)('mkfifo', ['-m', '600', ...paths])
    const ends = paths.map((path) => {
      // The reader first: it would be waited for.
      const reading = keep(openSync(path, constants.O_RDONLY | constants.O_NONBLOCK))
      const writing = keep(openSync(path, constants.O_WRONLY))
      // Who opens it by name has to have the right to.
      if (owner.uid !== null || owner.gid !== null) fchownSync(writing, owner.uid ?? -1, owner.gid ?? -1)
      return { reading, writing }
    })
    return ends.map(({ reading, writing }) => ({ output: new Socket({ fd: reading, readable: true, writable: false }), fd: writing }))
  } catch {
    for (const fd of fds) closeSync(fd)
    return null // no such program, no such folder, no descriptors left: a socket does for most
  } finally {
    if (folder !== null) rmSync(folder, { recursive: true, force: true })
  }
}
