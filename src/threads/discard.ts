import { MessageChannel } from 'node:worker_threads'

/** A port that leads nowhere: what is transferred to it is freed at once, where a collection would come after tens of MiB. */
const nowhere = new MessageChannel()
nowhere.port2.close()

/** From here on it is worth the message. */
const discardMinBytes = 16 * 1024

/** Frees the memory of a chunk that nobody will look at again, if it is the chunk's alone. */
export function discard(chunk: Uint8Array): void {
  const { buffer } = chunk
  if (chunk.byteLength < discardMinBytes || chunk.byteLength !== buffer.byteLength || !(buffer instanceof ArrayBuffer)) return
  nowhere.port1.postMessage(null, [buffer])
}
