import { createServer, type Server as HttpServer } from 'node:http'
import type { Server } from 'node:net'

export interface ServerLimits {
  readonly keepaliveMs: number
  readonly headerTimeoutMs: number
  readonly bodyTimeoutMs: number
}

/**
 * Sets the deadlines of an http server. What the app has set itself, away from Node's own default, is the app's decision
 * and stays.
 */
export function limitServer(server: Server, limits: ServerLimits): void {
  const http = server as Partial<HttpServer> & { connectionsCheckingInterval?: number }
  if (http.keepAliveTimeout === undefined) return // http2 and bare net servers have none of these
  const usual = createServer()
  if (http.keepAliveTimeout === usual.keepAliveTimeout && limits.keepaliveMs > 0) http.keepAliveTimeout = limits.keepaliveMs
  if (http.headersTimeout === usual.headersTimeout) http.headersTimeout = limits.headerTimeoutMs
  // Node's requestTimeout runs from the first byte of the head to the last of the body.
  if (http.requestTimeout === usual.requestTimeout) {
    http.requestTimeout = limits.bodyTimeoutMs === 0 ? 0 : limits.bodyTimeoutMs + limits.headerTimeoutMs
  }
  const shortest = Math.min(...[limits.headerTimeoutMs, limits.bodyTimeoutMs].filter((ms) => ms > 0), 60_000)
  // Node looks for expired connections every 30 s; a deadline of a few seconds wants a closer look.
  http.connectionsCheckingInterval = Math.max(100, Math.min(30_000, shortest / 4))
}
