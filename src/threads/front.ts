/** The servers of a worker whose app runs in threads: each request they read is handed to a thread. */
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http'
import { requestFlags } from '../lanes/kinds.ts'
import type { ServerFacts } from '../lanes/thread-control.ts'
import type { Dispatcher } from './dispatcher.ts'
import { Exchange } from './exchange.ts'

type Keyed = ServerResponse & { [key]?: Exchange }
const key = Symbol('monoceros.exchange')

/** @param door which of the app's servers it stands for */
export function createFront(dispatcher: Dispatcher, door: number, nowMs: () => number): Server {
  function submit(req: IncomingMessage, res: Keyed, flags: number): void {
    const exchange = new Exchange(req, res, door, flags | flagsOf(req, res), nowMs())
    res[key] = exchange
    res.on('close', onClose)
    dispatcher.submit(exchange)
  }

  function onClose(this: Keyed): void {
    const exchange = this[key]
    if (exchange !== undefined && !exchange.isOver) dispatcher.abandon(exchange)
  }

  const server = createServer({ noDelay: true }, (req, res) => submit(req, res, 0))
  // Else Node answers before the app was asked, and before a thread is free to read the body.
  server.on('checkContinue', (req, res) => submit(req, res, requestFlags.expectsContinue))
  server.on('checkExpectation', (req, res) => submit(req, res, requestFlags.expectsOther))
  return server
}

/** What the app has set on its own server counts for the one that reads its requests. */
export function applyFacts(server: Server, facts: ServerFacts): void {
  const { hasUpgrade, ...limits } = facts
  Object.assign(server, limits)
  if (!hasUpgrade || server.listenerCount('upgrade') > 0) return
  server.on('upgrade', (_req, socket) => {
    const body = '501 Not Implemented: under gthread connections cannot be upgraded\n'
    socket.on('error', () => undefined) // the client is gone already
    socket.end(
      `HTTP/1.1 501 Not Implemented\r\nConnection: close\r\nContent-Type: text/plain; charset=utf-8\r\nContent-Length: ${body.length}\r\n\r\n${body}`,
    )
  })
}

function flagsOf(req: IncomingMessage, res: ServerResponse): number {
  const { headers } = req
  const hasBody =
    headers['transfer-encoding'] !== undefined || (headers['content-length'] !== undefined && headers['content-length'] !== '0')
  return (
    (res.shouldKeepAlive && !isSpent(res) ? requestFlags.keepAlive : 0) |
    (hasBody ? requestFlags.hasBody : 0) |
    (req.httpVersionMinor === 0 ? requestFlags.isHttp10 : 0)
  )
}

/** The connection has had as many requests as the server allows. */
function isSpent(res: ServerResponse): boolean {
  return (res as { maxRequestsOnConnectionReached?: boolean }).maxRequestsOnConnectionReached === true
}
