import type { FactFromWorker, OrderToWorker } from './messages.ts'

/**
 * Node hands messages whose `cmd` starts with `NODE_` to `internalMessage` listeners only. That keeps ours out of the
 * app's `process.on('message')`, and the app's out of ours, on the one channel there is.
 */
const cmd = 'NODE_MONOCEROS'

interface Envelope<M> {
  readonly cmd: string
  readonly body: M
}

type Send = (message: unknown, handle?: unknown, options?: unknown, callback?: (error: Error | null) => void) => boolean

interface Port {
  send?: unknown
}
type On = (event: string, listener: (envelope: never, handle: unknown) => void) => unknown

export interface Channel<Out, In> {
  /** False when the other side is gone; what cannot be delivered is dropped, since its receiver is. */
  send(message: Out, handle?: unknown): boolean
  /** Sends what may wait: `onSent` is called when the kernel has it, or when it cannot be delivered any more. */
  post(message: Out, onSent: () => void): void
  onMessage(listener: (message: In, handle: unknown) => void): void
}

function openChannel<Out, In>(port: Port): Channel<Out, In> {
  // Taken now: in a worker `process.send` is replaced for the app's own use.
  const send = port.send as Send | undefined
  return {
    send(message, handle) {
      if (typeof send !== 'function') return false
      const envelope: Envelope<Out> = { cmd, body: message }
      try {
        // A channel that closes under the write reports through the callback; without one it would be an uncaught error.
        send.call(port, envelope, handle, undefined, () => undefined)
        return true
      } catch {
        return false
      }
    },
    post(message, onSent) {
      if (typeof send !== 'function') return
      const envelope: Envelope<Out> = { cmd, body: message }
      try {
        send.call(port, envelope, undefined, undefined, onSent)
      } catch {
        onSent()
      }
    },
    onMessage(listener) {
      const { on } = port as unknown as { on: On }
      on.call(port, 'internalMessage', (envelope: Envelope<In>, handle: unknown) => {
        if (envelope.cmd === cmd) listener(envelope.body, handle)
      })
    },
  }
}

export const channelToWorker = (child: Port) => openChannel<OrderToWorker, FactFromWorker>(child)
export type ChannelToArbiter = Channel<FactFromWorker, OrderToWorker>
export const channelToArbiter = (self: Port) => openChannel<FactFromWorker, OrderToWorker>(self)
