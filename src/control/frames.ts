/** Gunicorn's frames: four bytes of length, the highest first, then JSON. */

/** A request is a line of words: nobody needs more. */
export const requestMaxBytes = 1024 * 1024
/** As in Gunicorn. */
export const answerMaxBytes = 16 * 1024 * 1024

const headBytes = 4

export function toFrame(message: object): Buffer {
  const text = JSON.stringify(message)
  const frame = Buffer.allocUnsafe(headBytes + Buffer.byteLength(text))
  frame.writeUInt32BE(frame.length - headBytes)
  frame.write(text, headBytes)
  return frame
}

/** Why a connection cannot go on: there is no way to find the next frame, or it is not ours. */
export class FrameError extends Error {}

/**
 * Feeds on chunks as they come and answers whole messages; a `FrameError` among them is the last. It keeps no more than one
 * frame and the chunk that completed it.
 */
export function frameReader(maxBytes: number): (chunk: Buffer) => unknown[] {
  let chunks: Buffer[] = []
  let bytes = 0

  const take = (length: number): Buffer => {
    const all = chunks.length === 1 ? chunks[0]! : Buffer.concat(chunks)
    chunks = all.length === length ? [] : [all.subarray(length)]
    bytes -= length
    return all.subarray(0, length)
  }
  const peekLength = (): number => {
    if (chunks[0]!.length < headBytes) chunks = [Buffer.concat(chunks)]
    return chunks[0]!.readUInt32BE()
  }

  let isLost = false

  return (chunk) => {
    if (isLost) return []
    chunks.push(chunk)
    bytes += chunk.length
    const messages: unknown[] = []
    while (bytes >= headBytes && !isLost) {
      const length = peekLength()
      // Before a byte of it is kept.
      if (length > maxBytes) messages.push(new FrameError(`a frame of ${length} bytes is longer than ${maxBytes}`))
      else if (bytes < headBytes + length) break
      else messages.push(parse(take(headBytes + length).subarray(headBytes)))
      isLost = messages.at(-1) instanceof FrameError
    }
    if (isLost) chunks = []
    return messages
  }
}

function parse(payload: Buffer): unknown {
  try {
    return JSON.parse(payload.toString())
  } catch {
    return new FrameError('a frame is not JSON')
  }
}
