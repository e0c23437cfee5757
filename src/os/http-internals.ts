/**
 * The one file that touches private members of Node's net and http: a server that listens without owning the listening
 * handle, and sockets that are counted by the server they are handed to.
 */
import { IncomingMessage, ServerResponse } from 'node:http'
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
  const state = server as unknown as PrivateServer
  const isPath = typeof listen.address === 'string'
  state._handle = {
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
  if (isPath) state._pipeName = listen.address as string
  process.nextTick(() => {
    if (state._handle !== null) server.emit('listening')
  })
}

/** Hands an accepted socket to the server that the app knows, as if that server had accepted it. */
export function handOver(socket: Socket, gate: Server, server: Server): void {
  const owned = socket as unknown as { server: Server; _server: Server }
  ;(gate as unknown as PrivateServer)._connections--
  ;(server as unknown as PrivateServer)._connections++
  owned.server = server
  owned._server = server
  server.emit('connection', socket)
}

/** The raw socket under a TLS socket. */
export function rawSocketOf(socket: Socket): Socket {
  return (socket as unknown as { _parent?: Socket })._parent ?? socket
}

/** What Node keeps on a message and does not publish. */
interface PrivateResponse {
  _header: string | null
  _headerSent: boolean
  _last: boolean
  _closed: boolean
  _hasBody: boolean
  _keepAliveTimeout: number
  _finish(): void
  _writeRaw(data: string | Uint8Array, encoding: BufferEncoding | undefined, callback?: () => void): boolean
  destroyed: boolean
}

interface PrivateRequest {
  _addHeaderLines(raw: readonly string[], count: number): void
  _consumed: boolean
  _dumped: boolean
  _dump(): void
}

const inner = (response: ServerResponse) => response as unknown as PrivateResponse

/** Calls back as soon as `end()` has given its last byte to the socket, before the event `finish`. */
export function hookFinish(onFinish: (response: ServerResponse) => void): void {
  const prototype = ServerResponse.prototype as unknown as PrivateResponse
  const native = prototype._finish
  prototype._finish = function (this: ServerResponse) {
    native.call(this)
    onFinish(this)
  } as PrivateResponse['_finish']
}

/** The head as it goes over the wire; null until it is made. */
export const headOf = (response: ServerResponse) => inner(response)._header
/** Whether its head tells the client that the connection will be closed. */
export const isLastOf = (response: ServerResponse) => inner(response)._last
/** Seconds of it stand in the head (`Keep-Alive: timeout=`); 0: nothing does. */
export function setKeepAliveTimeout(response: ServerResponse, ms: number): void {
  inner(response)._keepAliveTimeout = ms
}

let needDrain: symbol | undefined

/** True once after a `write()` that answered false: its `drain` is due. */
export function takeNeedDrain(response: ServerResponse): boolean {
  needDrain ??= Object.getOwnPropertySymbols(response).find((symbol) => symbol.description === 'kNeedDrain')
  if (needDrain === undefined) return response.writableNeedDrain
  const flags = response as unknown as { [key: symbol]: boolean }
  const isDue = flags[needDrain] === true
  flags[needDrain] = false
  return isDue
}

/** What Node does with a request and its response when the answer is out: the rest of the body is dropped, both close. */
export function closeExchange(request: IncomingMessage, response: ServerResponse, socket: Socket): void {
  const { _consumed } = request as unknown as PrivateRequest
  if (!_consumed) (request as unknown as PrivateRequest)._dump()
  response.detachSocket(socket)
  process.nextTick(emitClose, response)
}

/** Node tells only the response whose turn it is that its connection is gone, and none that waits behind it. */
export function emitClose(response: ServerResponse): void {
  const state = inner(response)
  if (state._closed) return
  state.destroyed = true
  state._closed = true
  response.emit('close')
}

/** Gives a request its header fields, and once it is complete, its trailers: names and values in turn. */
export function addFields(request: IncomingMessage, raw: readonly string[]): void {
  ;(request as unknown as PrivateRequest)._addHeaderLines(raw, raw.length)
}

/** Nobody will read the body any more. */
export const isDumped = (request: IncomingMessage) => (request as unknown as PrivateRequest)._dumped

/** The classes that a server makes its requests and responses of. */
export function messageClassesOf(server: Server): { Request: typeof IncomingMessage; Response: typeof ServerResponse } {
  const found = { Request: IncomingMessage, Response: ServerResponse }
  for (const symbol of Object.getOwnPropertySymbols(server)) {
    const value = (server as unknown as { [key: symbol]: unknown })[symbol]
    if (symbol.description === 'IncomingMessage' && typeof value === 'function') found.Request = value as typeof IncomingMessage
    if (symbol.description === 'ServerResponse' && typeof value === 'function') found.Response = value as typeof ServerResponse
  }
  return found
}

export interface RawHead {
  readonly status: number
  readonly isLast: boolean
  readonly text: string
}

/**
 * Makes a response one whose bytes were made elsewhere: Node keeps their order among pipelined answers, counts the connection
 * as busy until the end, and closes or keeps it as the head says.
 */
export function beginRaw(response: ServerResponse, { status, isLast, text }: RawHead): void {
  const state = inner(response)
  response.statusCode = status
  response.shouldKeepAlive = !isLast
  state._last = isLast
  state._header = text
  state._headerSent = true
  // Its bytes are framed already.
  response.chunkedEncoding = false
  state._hasBody = true
}

/** Writes bytes as they are; false when they had to be kept. `onSent` is called when the socket has taken them. */
export function writeRaw(response: ServerResponse, data: string | Uint8Array, onSent?: () => void): boolean {
  return inner(response)._writeRaw(data, typeof data === 'string' ? 'latin1' : undefined, onSent)
}
