import type { Part } from './lane-socket.ts'

/** Small parts that were written together go as one. */
export function joined(parts: readonly Part[]): readonly Part[] {
  if (parts.length === 1) return parts
  const whole: Part[] = []
  let small: Buffer[] = []
  const close = () => {
    if (small.length > 0) whole.push({ chunk: small.length === 1 ? small[0]! : Buffer.concat(small), encoding: 'utf8' })
    small = []
  }
  for (const { chunk, encoding } of parts) {
    const bytes = typeof chunk === 'string' ? Buffer.from(chunk, encoding) : chunk
    if (bytes.byteLength < bigBytes) small.push(bytes as Buffer)
    else {
      close()
      whole.push({ chunk: bytes, encoding })
    }
  }
  close()
  return whole
}
const bigBytes = 16 * 1024
