/**
 * Datagrams to a Unix socket. Node opens none, so libc is called: by Node's own FFI where it has one (26), else by koffi
 * where that is installed. Linux only.
 */
import { createRequire } from 'node:module'
import type { Datagrams } from './datagrams.ts'

interface Libc {
  socket(family: number, type: number, protocol: number): number
  connect(fd: number, address: Buffer, bytes: number): number
  send(fd: number, data: Buffer, bytes: number, flags: number): number
  close(fd: number): number
}

const unixFamily = 1
/** SOCK_DGRAM, with SOCK_NONBLOCK and SOCK_CLOEXEC: a child of the app must not hold it. */
const datagramType = 2 | 0o4000 | 0o2000000
/** MSG_DONTWAIT and MSG_NOSIGNAL. */
const sendFlags = 0x40 | 0x4000

/** Null where no way to send them is at hand. */
export function unixDatagrams(path: string): Datagrams | null {
  const libc = process.platform === 'linux' ? findLibc() : null
  if (libc === null) return null
  const address = Buffer.alloc(110)
  address.writeUInt16LE(unixFamily, 0)
  address.write(path, 2)
  let fd = -1

  function open(): boolean {
    const opened = libc!.socket(unixFamily, datagramType, 0)
    if (opened === -1) return false
    if (libc!.connect(opened, address, 2 + Buffer.byteLength(path) + 1) === 0) {
      fd = opened
      return true
    }
    libc!.close(opened)
    return false
  }

  function close(): void {
    if (fd !== -1) libc!.close(fd)
    fd = -1
  }

  return {
    send(text) {
      const data = Buffer.from(text)
      if (fd === -1 && !open()) return
      if (sent(data)) return
      // Whoever listened has been started again, and the path leads to another socket now.
      close()
      if (open()) sent(data)
    },
    flush: () => Promise.resolve(),
    close,
  }

  function sent(data: Buffer): boolean {
    return Number(libc!.send(fd, data, data.length, sendFlags)) === data.length
  }
}

function findLibc(): Libc | null {
  const require = createRequire(import.meta.url)
  return coreLibc(require) ?? koffiLibc(require)
}

/** What is used of `node:ffi`; the types of the oldest Node know none of it. */
interface CoreFfi {
  dlopen(path: null | string, signatures: Readonly<Record<string, { return: string; arguments: readonly string[] }>>): { functions: object }
}

function coreLibc(require: NodeJS.Require): Libc | null {
  try {
    const ffi = require('node:ffi') as CoreFfi
    const { functions } = ffi.dlopen(null, {
      socket: { return: 'i32', arguments: ['i32', 'i32', 'i32'] },
      connect: { return: 'i32', arguments: ['i32', 'buffer', 'u32'] },
      send: { return: 'i64', arguments: ['i32', 'buffer', 'u64', 'i32'] },
      close: { return: 'i32', arguments: ['i32'] },
    })
    const raw = functions as Libc
    return { ...raw, send: (fd, data, bytes, flags) => raw.send(fd, data, BigInt(bytes) as unknown as number, flags) }
  } catch {
    return null // this Node has none, or was built or told to go without
  }
}

function koffiLibc(require: NodeJS.Require): Libc | null {
  try {
    const koffi = require('koffi') as { load(path: null): { func(text: string): unknown } }
    const libc = koffi.load(null)
    return {
      socket: libc.func('int socket(int, int, int)') as Libc['socket'],
      connect: libc.func('int connect(int, const void *, unsigned int)') as Libc['connect'],
      send: libc.func('long send(int, const void *, size_t, int)') as Libc['send'],
      close: libc.func('int close(int)') as Libc['close'],
    }
  } catch {
    return null // not installed, or not for this machine
  }
}
