/** The least that makes messages of a stream: `u32 length · u32 what · body`. Each is received into memory of its own. */
import type { Socket } from 'node:net'

const headBytes = 8
const smallBytes = 4_096

export const echoed = 0
/** In an order: how many are wanted; in each of these: its number. */
export const streamed = 1

export function writeMessage(socket: Socket, what: number, body: Uint8Array): boolean {
  const isSmall = body.byteLength < smallBytes
  const head = Buffer.allocUnsafe(headBytes + (isSmall ? body.byteLength : 0))
  head.writeUInt32LE(body.byteLength, 0)
  head.writeUInt32LE(what, 4)
  if (isSmall) {
    head.set(body, headBytes)
    return socket.write(head)
  }
  socket.cork()
  socket.write(head)
  const isWilling = socket.write(body)
  socket.uncork()
  return isWilling
}

export function readMessages(onMessage: (what: number, body: Buffer) => void): (chunk: Buffer) => void {
  let rest: Buffer | null = null
  let body: Buffer | null = null
  let what = 0
  let filled = 0
  return (piece) => {
    const chunk = rest === null ? piece : Buffer.concat([rest, piece])
    rest = null
    let at = 0
    while (at < chunk.length) {
      if (body === null) {
        if (chunk.length - at < headBytes) {
          rest = chunk.subarray(at)
          return
        }
        body = Buffer.allocUnsafeSlow(chunk.readUInt32LE(at))
        what = chunk.readUInt32LE(at + 4)
        at += headBytes
        filled = 0
      }
      const took = chunk.copy(body, filled, at)
      filled += took
      at += took
      if (filled < body.length) return
      const whole = body
      body = null
      onMessage(what, whole)
    }
  }
}
