/**
 * The one file that touches private members of Node's net and http: a server that listens without owning the listening
 * handle, and sockets that are counted by the server they are handed to.
 */
import type { Server, Socket } from 'node:net'

export interface VirtualListen {
  /** What `server.address()` answers: a name for TCP, the path for a unix socket. */
  readonly address: { readonly address: string; readonly port: number; readonly family: string } | string
  /** The app closed the server itself. */
  onClose(): void
}

interface PrivateServer {
  _handle: unknown
  _connections: number
  _pipeName?: string
}

/** Makes a server listen for the app's eyes: `listening`, `address()`, `close()` and the `listening` event work. */
export function listenVirtually(server: Server, listen: VirtualListen): void {
  const inner = server as unknown as PrivateServer
  const isPath = typeof listen.address === 'string'
  inner._handle = {
    fd: -1,
    close: (callback?: () => void) => {
      listen.onClose()
      callback?.()
    },
    ref: () => undefined,
    unref: () => undefined,
    hasRef: () => true,
    getAsyncId: () => 0,
    ...(isPath ? {} : { getsockname: (out: object) => void Object.assign(out, listen.address) }),
  }
  if (isPath) inner._pipeName = listen.address as string
  process.nextTick(() => {
    if (inner._handle !== null) server.emit('listening')
  })
}

/** Hands an accepted socket to the server that the app knows, as if that server had accepted it. */
export function handOver(socket: Socket, gate: Server, server: Server): void {
  const inner = socket as unknown as { server: Server; _server: Server }
  ;(gate as unknown as PrivateServer)._connections--
  ;(server as unknown as PrivateServer)._connections++
  inner.server = server
  inner._server = server
  server.emit('connection', socket)
}

/** The raw socket under a TLS socket. */
export function rawSocketOf(socket: Socket): Socket {
  return (socket as unknown as { _parent?: Socket })._parent ?? socket
}
