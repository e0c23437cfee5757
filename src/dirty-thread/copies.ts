/**
 * Copies of what an app answers with, which it may write to before the socket has taken all of it. Fresh memory costs more
 * than the copy itself, as the kernel clears each of its pages: one piece is used again while answers follow each other.
 */
export interface Copies {
  /** @returns the copies, and what to call when they are not needed any more */
  take(buffers: readonly Uint8Array[]): { readonly copies: readonly Uint8Array[]; readonly free: () => void }
}

const keptMaxBytes = 64 * 1024 * 1024
const keptMs = 2_000

export function createCopies(): Copies {
  let kept: ArrayBuffer | null = null
  let isFree = true
  let timer: NodeJS.Timeout | undefined

  return {
    take(buffers) {
      const total = buffers.reduce((sum, { byteLength }) => sum + byteLength, 0)
      if (!isFree || total > keptMaxBytes) return { copies: buffers.map((buffer) => buffer.slice()), free: () => undefined }
      isFree = false
      clearTimeout(timer)
      if (kept === null || kept.byteLength < total) kept = new ArrayBuffer(total)
      const memory = kept
      let at = 0
      const copies = buffers.map((buffer) => {
        const copy = new Uint8Array(memory, at, buffer.byteLength)
        copy.set(buffer)
        at += buffer.byteLength
        return copy
      })
      const free = () => {
        isFree = true
        timer = setTimeout(() => {
          kept = null
        }, keptMs).unref()
      }
      return { copies, free }
    },
  }
}
