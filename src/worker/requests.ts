/** Sees every request of a server from its head to its last byte: counters, the ring of what is in flight, the access log. */
import { type IncomingMessage, ServerResponse } from 'node:http'
import type { Http2ServerResponse, IncomingHttpHeaders, ServerHttp2Stream } from 'node:http2'
import type { Server, Socket } from 'node:net'
import { bodyBytesOf, countBody, countBodyOf } from '../http/body-count.ts'
import { closeAfter } from '../http/last-answer.ts'
import { nowMs, type Pulse } from '../ipc/pulse.ts'
import type { AccessLog } from '../log/access-log.ts'
import type { Connection, Connections } from './connections.ts'
import { watchStream } from './streams.ts'

export interface RequestWatch {
  /** Runs before the app sees the request; what it returns is waited for. */
  readonly preRequest: ((req: IncomingMessage) => unknown) | null
  readonly postRequest: ((req: IncomingMessage, res: ServerResponse) => unknown) | null
  readonly accessLog: AccessLog | null
  /** Hears how each ended; status 0: nothing was sent. */
  readonly onCounted: ((status: number, tookMs: number) => void) | null
  /** How the worker class wants a request served; null: at once. */
  readonly onRequest: ((req: IncomingMessage, res: ServerResponse, serve: () => void) => void) | null
  onFinished(): void
  /** False while draining, or with keepalive 0. */
  mayKeepAlive(): boolean
}

const key = Symbol('monoceros.request')
interface Track {
  readonly place: number
  readonly startedMs: number
  readonly req: IncomingMessage
  readonly connection: Connection | undefined
  readonly remote: string | null
}
type Keyed = ServerResponse & { [key]?: Track }

/** Wraps `server.emit`, which no framework replaces, where listeners are taken off and put back by some (engine.io). */
export function watchRequests(server: Server, pulse: Pulse, connections: Connections, watch: RequestWatch): void {
  const emit = server.emit as (this: Server, event: string, ...args: unknown[]) => boolean
  const { preRequest, postRequest, onRequest, onCounted, accessLog } = watch
  const isLogged = accessLog !== null
  if (isLogged) countBody()

  function begin(req: IncomingMessage, res: Keyed): void {
    const startedMs = nowMs()
    const connection = connections.of(req.socket)
    res[key] = {
      place: pulse.begin(req.method ?? '', req.url ?? '', startedMs),
      startedMs,
      req,
      connection,
      // Asked for while the socket is there: one that is destroyed does not know it any more.
      remote: isLogged ? (req.socket.remoteAddress ?? null) : null,
    }
    if (connection !== undefined) {
      connection.active++
      connection.response = res
    }
    // Pipelined: others are answered before it.
    if (connection !== undefined && res instanceof ServerResponse && res.socket === null) waitTurn(connection, res)
    if (isLogged && !(res instanceof ServerResponse)) countBodyOf(res as Http2ServerResponse)
    if (!watch.mayKeepAlive()) closeAfter(res, () => connection === undefined || connection.response === res)
    res.on('close', end)
  }

  function end(this: Keyed): void {
    const track = this[key]
    if (track === undefined) return
    const { req, connection, startedMs, remote } = track
    const endedMs = nowMs()
    const tookMs = endedMs - startedMs
    const status = this.headersSent ? this.statusCode : 0
    pulse.end(track.place, status, isWhole(this), tookMs)
    onCounted?.(status, tookMs)
    if (connection !== undefined) {
      connection.active--
      connection.idleSinceMs = endedMs
      connection.bytesSeen = connection.socket.bytesRead
      connection.isKept = true
      if (connection.response === this) connection.response = null
    }
    if (accessLog !== null) {
      accessLog.write({ req, res: this, tookMs, bodyBytes: bodyBytesOf(this), remote, pid: process.pid })
    }
    postRequest?.(req, this)
    watch.onFinished()
  }

  const serve = (event: string, req: IncomingMessage, res: ServerResponse): boolean => {
    begin(req, res)
    if (preRequest === null && onRequest === null) return emit.call(server, event, req, res)
    const pass = () => void emit.call(server, event, req, res)
    const give = () => (onRequest === null ? pass() : onRequest(req, res, pass))
    const before = preRequest?.(req)
    if (before instanceof Promise) void before.then(give)
    else give()
    return true
  }

  server.emit = function (this: Server, event: string, ...args: unknown[]): boolean {
    switch (event) {
      case 'request':
      case 'checkContinue':
      case 'checkExpectation':
        return serve(event, args[0] as IncomingMessage, args[1] as ServerResponse)
      case 'stream':
        // To a server that listens for requests the same stream comes again as one.
        if (server.listenerCount('request') === 0) watchStream(args[0] as ServerHttp2Stream, args[1] as IncomingHttpHeaders, pulse, watch)
        break
      case 'secureConnection':
        connections.alias(args[0] as Socket)
        break
      case 'upgrade':
      case 'connect':
        markUpgraded(args[0] as IncomingMessage)
        break
    }
    return emit.call(this, event, ...args)
  } as Server['emit']

  function markUpgraded(req: IncomingMessage): void {
    const connection = connections.of(req.socket)
    if (connection === undefined) return
    const isWebSocket = req.headers.upgrade?.toLowerCase() === 'websocket'
    connection.upgrade = { isWebSocket, stream: req.socket, bytesWritten: req.socket.bytesWritten, isToldToGo: false }
  }
}

function waitTurn({ behind }: Connection, res: ServerResponse): void {
  behind.add(res)
  res.once('socket', () => behind.delete(res))
}

/** A response of HTTP/2 has no `writableFinished`; its stream knows how it ended. */
function isWhole(res: ServerResponse | Http2ServerResponse): boolean {
  return res instanceof ServerResponse ? res.writableFinished : res.writableEnded && res.stream.rstCode === 0
}
