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
  /** The memory that meta and buffers lie in, when it is theirs alone: it can be transferred. */
  readonly memory: ArrayBuffer | null
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

export const emptyMeta = new Uint8Array(0)
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
}

/**
 * Puts chunks together again. A frame is received into memory of its own, so that it can be handed to a thread.
 * @param onTooLarge told instead of a frame that is longer than the limit, or is none of ours; the stream cannot be read on
 */
export function readFrames(maxBytes: number, onFrame: (frame: Frame) => void, onTooLarge: (bytes: number) => void): FrameReader {
  let rest: Buffer | null = null
  let memory: ArrayBuffer | null = null
  let into: Uint8Array = emptyMeta
  let filled = 0
  let isBroken = false

  function push(chunk: Buffer): void {
    let at = 0
    if (rest !== null) {
      chunk = Buffer.concat([rest, chunk])
      rest = null
    }
    while (at < chunk.length && !isBroken) {
      if (memory === null) {
        if (chunk.length - at < lengthBytes) {
          rest = chunk.subarray(at)
          return
        }
        const bytes = chunk.readUInt32LE(at) + lengthBytes
        if (bytes > maxBytes || bytes < fixedBytes) {
          isBroken = true
          onTooLarge(bytes)
          return
        }
        memory = new ArrayBuffer(bytes)
        into = new Uint8Array(memory)
        filled = 0
      }
      const take = Math.min(chunk.length - at, into.byteLength - filled)
      into.set(chunk.subarray(at, at + take), filled)
      filled += take
      at += take
      if (filled < into.byteLength) continue
      const whole = memory
      memory = null
      const frame = frameIn(whole)
      if (frame === null) {
        isBroken = true
        onTooLarge(whole.byteLength)
      } else onFrame(frame)
    }
  }
  return { push }
}

function frameIn(memory: ArrayBuffer): Frame | null {
  try {
    return parseFrame(memory)
  } catch {
    return null // its lengths lie outside of it
  }
}

/** Takes a whole frame apart without copying. @throws RangeError when its lengths lie outside of it */
export function parseFrame(memory: ArrayBuffer): Frame {
  const view = new DataView(memory)
  const count = view.getUint16(6, true)
  const metaBytes = view.getUint32(12, true)
  let at = align(fixedBytes + 4 * count)
  const meta = new Uint8Array(memory, at, metaBytes)
  at += align(metaBytes)
  const buffers: Uint8Array[] = []
  for (let index = 0; index < count; index++) {
    const bytes = view.getUint32(fixedBytes + 4 * index, true)
    buffers.push(new Uint8Array(memory, at, bytes))
    at += align(bytes)
  }
  return { kind: view.getUint8(4), flags: view.getUint8(5), call: view.getUint32(8, true), meta, buffers, memory }
}
