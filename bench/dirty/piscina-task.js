/** What a thread of raw Piscina runs: the same three actions, and burning. */
import { MessagePort } from 'node:worker_threads'

export default (value) => {
  if (!(value?.port instanceof MessagePort)) return value
  for (let n = 0; n < value.count; n++) value.port.postMessage(n)
  return null
}
