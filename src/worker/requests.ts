/** Sees every request of a server from its head to its last byte: counters, the ring of what is in flight, the access log. */
import type { IncomingMessage, ServerResponse } from 'node:http'
import type { Server, Socket } from 'node:net'
import { type CounterName, nowMs, type Pulse } from '../ipc/pulse.ts'
import type { AccessLog } from '../log/access-log.ts'
import { bodyBytesOf, countBody } from './body-count.ts'
import type { Connections } from './connections.ts'
import { closeAfter } from './last-answer.ts'

export interface RequestWatch {
  /** Runs before the app sees the request; what it returns is waited for. */
  readonly preRequest: ((req: IncomingMessage) => unknown) | null
  readonly postRequest: ((req: IncomingMessage, res: ServerResponse) => unknown) | null
  readonly accessLog: AccessLog | null
  /** Asked for each request; answers how the worker class wants it served. */
  onRequest(req: IncomingMessage, res: ServerResponse, serve: () => void): void
  onFinished(): void
  /** False while draining, or with keepalive 0. */
  mayKeepAlive(): boolean
}

const key = Symbol('monoceros.request')
interface Track {
  place: number
  startedNs: bigint
  req: IncomingMessage
}
type Keyed = ServerResponse & { [key]?: Track }

const statusCounters: readonly CounterName[] = ['status1xx', 'status1xx', 'status2xx', 'status3xx', 'status4xx', 'status5xx']

/** Wraps `server.emit`, which no framework replaces, where listeners are taken off and put back by some (engine.io). */
export function watchRequests(server: Server, pulse: Pulse, connections: Connections, watch: RequestWatch): void {
  const emit = server.emit as (this: Server, event: string, ...args: unknown[]) => boolean
  const isLogged = watch.accessLog !== null
  if (isLogged) countBody()

  function begin(req: IncomingMessage, res: Keyed): void {
    res[key] = { place: pulse.begin(req.method ?? '', req.url ?? ''), startedNs: isLogged ? process.hrtime.bigint() : 0n, req }
    pulse.add('active', 1)
    const connection = connections.of(req.socket)
    if (connection !== undefined) {
      connection.active++
      connection.response = res
    }
    if (!watch.mayKeepAlive()) closeAfter(res)
    res.on('close', end)
  }

  function end(this: Keyed): void {
    const track = this[key]
    if (track === undefined) return
    const { req } = track
    pulse.end(track.place)
    pulse.add('active', -1)
    pulse.add('served', 1)
    if (!this.writableFinished) pulse.add('aborted', 1)
    if (this.headersSent) pulse.add(statusCounters[Math.min(5, Math.floor(this.statusCode / 100))] ?? 'status5xx', 1)
    const connection = connections.of(req.socket)
    if (connection !== undefined) {
      connection.active--
      connection.idleSinceMs = nowMs()
      connection.bytesSeen = connection.socket.bytesRead
      if (connection.response === this) connection.response = null
    }
    if (watch.accessLog !== null) {
      const remote = req.socket?.remoteAddress ?? null
      watch.accessLog.write({ req, res: this, startedNs: track.startedNs, bodyBytes: bodyBytesOf(this), remote, pid: process.pid })
    }
    watch.postRequest?.(req, this)
    watch.onFinished()
  }

  const serve = (event: string, req: IncomingMessage, res: ServerResponse): boolean => {
    begin(req, res)
    const pass = () => void emit.call(server, event, req, res)
    const before = watch.preRequest?.(req)
    if (before instanceof Promise) void before.then(() => watch.onRequest(req, res, pass))
    else watch.onRequest(req, res, pass)
    return true
  }

  server.emit = function (this: Server, event: string, ...args: unknown[]): boolean {
    switch (event) {
      case 'request':
      case 'checkContinue':
      case 'checkExpectation':
        return serve(event, args[0] as IncomingMessage, args[1] as ServerResponse)
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
