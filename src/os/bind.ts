/** The one file that knows how Node binds without listening: `net._createServerHandle`, the call that node:cluster uses. */
import { lstatSync, rmSync } from 'node:fs'
import net from 'node:net'
import { getSystemErrorName } from 'node:util'
import type { Address } from '../base/address.ts'
import { MonocerosError } from '../base/errors.ts'

/** A bound socket that nobody listens on in this process; children inherit `fd` or are sent the handle. */
export interface BoundHandle {
  readonly fd: number
  close(): void
  getsockname(out: { address?: string; port?: number; family?: string }): number
}

type CreateServerHandle = (address: string | null, port: number, addressType: number, fd?: number, flags?: number) => BoundHandle | number

const createServerHandle = (net as unknown as { _createServerHandle: CreateServerHandle })._createServerHandle

export interface Bound {
  readonly handle: BoundHandle
  /** Where it really is: port 0 has become a number. */
  readonly address: Address
}

/**
 * Binds an address without listening.
 * @throws MON_LISTENER_IN_USE, MON_LISTENER_NOT_SOCKET, MON_LISTENER_FAILED
 */
export async function bind(address: Address, options: { umask: number; shown: string }): Promise<Bound> {
  if (address.kind === 'fd') return inherit(address.fd, options.shown)
  if (address.kind === 'unix') return bindUnix(address.path, options)
  const { host, family } = await resolve(address.host, options.shown)
  let answer = createServerHandle(host, address.port, family)
  // `::` is what Node's own listen(port) takes; a machine without IPv6 gets 0.0.0.0, as there.
  if (typeof answer === 'number' && host === '::') answer = createServerHandle('0.0.0.0', address.port, 4)
  const handle = checked(answer, options.shown)
  const name: { address?: string; port?: number } = {}
  // libuv keeps EADDRINUSE of bind(2) for later; asking for the name is what brings it out.
  const problem = handle.getsockname(name)
  if (problem !== 0) {
    handle.close()
    throw failure(problem, options.shown)
  }
  return { handle, address: { kind: 'tcp', host: name.address ?? address.host, port: name.port ?? address.port } }
}

async function resolve(host: string, shown: string): Promise<{ host: string; family: number }> {
  const version = net.isIP(host)
  if (version !== 0) return { host, family: version }
  try {
    const { lookup } = await import('node:dns/promises')
    const found = await lookup(host)
    return { host: found.address, family: found.family }
  } catch (error) {
    throw new MonocerosError('MON_LISTENER_FAILED', { address: shown, problem: `the name ${host} is not known` }, error)
  }
}

async function bindUnix(path: string, options: { umask: number; shown: string }): Promise<Bound> {
  await clearStaleSocket(path, options.shown)
  const before = process.umask(options.umask)
  try {
    const handle = checked(createServerHandle(path, -1, -1), options.shown)
    return { handle, address: { kind: 'unix', path } }
  } finally {
    process.umask(before)
  }
}

/**
 * Only a socket that nobody listens on is removed; anything else at that path is somebody's.
 * @throws MON_LISTENER_IN_USE, MON_LISTENER_NOT_SOCKET
 */
export async function clearStaleSocket(path: string, shown: string): Promise<void> {
  const found = lstatSync(path, { throwIfNoEntry: false })
  if (found === undefined) return
  if (!found.isSocket()) throw new MonocerosError('MON_LISTENER_NOT_SOCKET', { address: shown })
  if (await isAnswered(path)) throw inUse(shown)
  // Another server that starts may have put its own there while we asked for the old one.
  if (lstatSync(path, { throwIfNoEntry: false })?.ino !== found.ino) return clearStaleSocket(path, shown)
  rmSync(path, { force: true })
}

/** The kernel refuses a socket file whose server is gone; a full queue, or a file that is not ours to open, is a living one's. */
function isAnswered(path: string): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = net.connect(path)
    socket.once('connect', () => {
      socket.destroy()
      resolve(true)
    })
    socket.once('error', ({ code }: NodeJS.ErrnoException) => resolve(code !== 'ECONNREFUSED' && code !== 'ENOENT'))
  })
}

function inherit(fd: number, shown: string): Bound {
  try {
    // A port, even -1, beside a descriptor is refused.
    const handle = checked(createServerHandle(null, 0, -1, fd), shown)
    const name: { address?: string; port?: number } = {}
    const hasName = handle.getsockname?.(name) === 0 && name.address !== undefined
    return { handle, address: hasName ? { kind: 'tcp', host: name.address!, port: name.port! } : { kind: 'fd', fd } }
  } catch (error) {
    if (error instanceof MonocerosError) throw error
    throw new MonocerosError('MON_LISTENER_FAILED', { address: shown, problem: `descriptor ${fd} is not a socket` }, error)
  }
}

function checked(answer: BoundHandle | number, shown: string): BoundHandle {
  if (typeof answer === 'number') throw failure(answer, shown)
  return answer
}

function failure(errno: number, shown: string): MonocerosError {
  const name = getSystemErrorName(errno)
  if (name === 'EADDRINUSE') return inUse(shown)
  return new MonocerosError('MON_LISTENER_FAILED', { address: shown, problem: explain(name) })
}

const inUse = (shown: string) => new MonocerosError('MON_LISTENER_IN_USE', { address: shown, holder: '', tries: 1 })

function explain(name: string): string {
  const known: Record<string, string> = {
    EACCES: 'permission denied (ports below 1024 want root)',
    EADDRNOTAVAIL: 'this machine has no such address',
    ENOENT: 'the folder does not exist',
    EINVAL: 'invalid address',
  }
  return known[name] === undefined ? name : `${known[name]} (${name})`
}
