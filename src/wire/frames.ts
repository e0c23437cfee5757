/**
 * Frames of dirty calls on a stream socket. All numbers are little-endian.
 *
 *   u32 length of what follows · u8 kind · u8 flags · u16 number of buffers · u32 call
 *   u32 length of the meta part · one u32 length for each buffer · padding to 8 · meta · padding to 8 · each buffer, padded to 8
 *
 * The meta part is the value without its big buffers (`codec.ts`); those lie beside it, so that neither end copies them.
 */
import type { Socket } from 'node:net'

export interface Frame {
  readonly kind: number
  readonly flags: number
  readonly call: number
  readonly meta: Uint8Array
  readonly buffers: readonly Uint8Array[]
}

export interface OutFrame {
  readonly kind: number
  readonly flags?: number
  readonly call: number
  readonly meta: Uint8Array
  readonly buffers?: readonly Uint8Array[]
}

const fixedBytes = 16
const lengthBytes = 4
const align = (bytes: number) => (bytes + 7) & ~7
const padding = Buffer.alloc(8)

/** Up to here a frame is written in one piece, a copy of what it is made of. */
export const smallFrameBytes = 4_096

/** Bytes of a frame on the wire. */
export function frameBytes({ meta, buffers = [] }: OutFrame): number {
  return (
    align(fixedBytes + 4 * buffers.length) + align(meta.byteLength) + buffers.reduce((sum, buffer) => sum + align(buffer.byteLength), 0)
  )
}

/** Writes a frame; false when the socket has enough for now. @param onWritten called without an error when the kernel has all of it */
export function writeFrame(socket: Socket, frame: OutFrame, onWritten?: (error?: Error | null) => void): boolean {
  const { kind, flags = 0, call, meta, buffers = [] } = frame
  const bytes = frameBytes(frame)
  const headBytes = align(fixedBytes + 4 * buffers.length)
  const isWhole = bytes <= smallFrameBytes
  const isSmall = isWhole || meta.byteLength <= smallFrameBytes
  const head = Buffer.allocUnsafe(isWhole ? bytes : headBytes + (isSmall ? align(meta.byteLength) : 0))
  head.writeUInt32LE(bytes - lengthBytes, 0)
  head[4] = kind
  head[5] = flags
  head.writeUInt16LE(buffers.length, 6)
  head.writeUInt32LE(call, 8)
  head.writeUInt32LE(meta.byteLength, 12)
  for (let index = 0; index < buffers.length; index++) head.writeUInt32LE(buffers[index]!.byteLength, fixedBytes + 4 * index)
  if (isSmall) head.set(meta, headBytes)
  if (isWhole) {
    let at = headBytes + align(meta.byteLength)
    for (const buffer of buffers) {
      head.set(buffer, at)
      at += align(buffer.byteLength)
    }
    return socket.write(head, onWritten)
  }
  socket.cork()
  let isWilling = socket.write(head)
  if (!isSmall) isWilling = writePadded(socket, meta)
  for (const buffer of buffers) isWilling = writePadded(socket, buffer)
  if (onWritten !== undefined) socket.write('', onWritten)
  socket.uncork()
  return isWilling
}

function writePadded(socket: Socket, bytes: Uint8Array): boolean {
  const isWilling = socket.write(bytes)
  const rest = align(bytes.byteLength) - bytes.byteLength
  return rest === 0 ? isWilling : socket.write(padding.subarray(0, rest))
}

export interface FrameReader {
  push(chunk: Buffer): void
  /** Where the next bytes are best received: the end of a frame that is coming, else a chunk that is used again and again. */
  room(): Buffer
  /** So many bytes have come to where `room` said. Frames that lie in its chunk are valid only until the next ones come. */
  filled(bytes: number): void
}

/**
 * Puts chunks together again. A small frame that lies whole in a chunk stays there; others are received into memory of their
 * own, in which every part is aligned.
 * @param onTooLarge told instead of a frame that is longer than the limit, or is none of ours; the stream cannot be read on
 */
export function readFrames(maxBytes: number, onFrame: (frame: Frame) => void, onTooLarge: (bytes: number) => void): FrameReader {
  let rest: Buffer | null = null
  let shared: Buffer | null = null
  let into: Buffer | null = null
  let filled = 0
  let isBroken = false

  function refuse(bytes: number): void {
    isBroken = true
    onTooLarge(bytes)
  }

  function take(whole: Buffer): void {
    const frame = parseFrame(whole)
    if (frame === null) refuse(whole.length)
    else onFrame(frame)
  }

  function push(chunk: Buffer): void {
    let at = 0
    if (rest !== null) {
      chunk = Buffer.concat([rest, chunk])
      rest = null
    }
    while (at < chunk.length && !isBroken) {
      if (into === null) {
        const present = chunk.length - at
        if (present < lengthBytes) {
          rest = Buffer.from(chunk.subarray(at))
          return
        }
        const bytes = chunk.readUInt32LE(at) + lengthBytes
        if (bytes > maxBytes || bytes < fixedBytes) return void refuse(bytes)
        if (bytes <= smallFrameBytes && bytes <= present) {
          take(chunk.subarray(at, at + bytes))
          at += bytes
          continue
        }
        into = Buffer.from(new ArrayBuffer(bytes))
        filled = 0
      }
      const count = chunk.copy(into, filled, at)
      filled += count
      at += count
      if (filled < into.length) continue
      const whole = into
      into = null
      take(whole)
    }
  }
  return {
    push,
    room() {
      if (into !== null && into.length - filled >= directMinBytes) return into.subarray(filled)
      shared ??= Buffer.allocUnsafeSlow(chunkBytes)
      return shared
    },
    filled(count) {
      if (into === null || into.length - filled < directMinBytes) return void push((shared as Buffer).subarray(0, count))
      filled += count
      if (filled < into.length) return
      const whole = into
      into = null
      take(whole)
    },
  }
}

/**
 * Hears a connection that somebody has made to us. One whose frames cannot be taken is none of ours, or not of our version:
 * it is not listened to any longer.
 * @param onTooLarge as of `readFrames`; by default it ends the connection
 */
export function hearFrames(
  socket: Socket,
  maxBytes: number,
  hear: (frame: Frame) => void,
  onTooLarge: (bytes: number) => void = () => socket.destroy(),
): void {
  const take = (frame: Frame) => {
    try {
      hear(frame)
    } catch {
      socket.destroy()
    }
  }
  socket.on('data', readFrames(maxBytes, take, onTooLarge).push)
  socket.on('error', () => undefined) // its close tells
}

const chunkBytes = 65_536
const directMinBytes = 65_536
const noBuffers: readonly Uint8Array[] = []

/** Takes a whole frame apart without copying; null when its lengths lie outside of it. */
function parseFrame(bytes: Buffer): Frame | null {
  const count = bytes.readUInt16LE(6)
  const metaBytes = bytes.readUInt32LE(12)
  let at = align(fixedBytes + 4 * count)
  if (at > bytes.length || at + metaBytes > bytes.length) return null
  const meta = bytes.subarray(at, at + metaBytes)
  at += align(metaBytes)
  const buffers: Uint8Array[] = count === 0 ? (noBuffers as Uint8Array[]) : []
  for (let index = 0; index < count; index++) {
    const length = bytes.readUInt32LE(fixedBytes + 4 * index)
    if (at + length > bytes.length) return null
    buffers.push(new Uint8Array(bytes.buffer, bytes.byteOffset + at, length))
    at += align(length)
  }
  return { kind: bytes[4]!, flags: bytes[5]!, call: bytes.readUInt32LE(8), meta, buffers }
}
