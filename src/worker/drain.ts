/** Graceful shutdown of what a worker holds: requests finish, idle connections close, what is left at the end is cut. */
import type { Http2Session } from 'node:http2'
import { nowMs } from '../ipc/pulse.ts'
import type { Connections } from './connections.ts'
import { keepLooking, noPatience, patienceFor } from './idle.ts'

export interface DrainOrder {
  readonly graceMs: number
  readonly isQuick: boolean
}

export interface DrainResult {
  readonly tookMs: number
  /** Connections that still had a request when the grace was over. */
  readonly cutRequests: number
}

const quickGraceMs = 1_000
const sweepMs = 20
/** How long a new HTTP/2 connection may take to its first stream: one that comes after GOAWAY would be refused. */
const firstStreamMs = 500
/** Node fires a timer that is longer than this at once. */
const timerMaxMs = 2 ** 31 - 1
/** Close frame of a server that restarts: FIN, opcode 8, two bytes, code 1012 (RFC 6455 section 7.4, IANA registry). */
const webSocketRestart = Buffer.from([0x88, 0x02, 0x03, 0xf4])

/** How long what is under way may take. */
export const graceMsOf = ({ isQuick, graceMs }: DrainOrder) => (isQuick ? Math.min(quickGraceMs, graceMs) : graceMs)

/** How long the app's own end may take: what is left of the grace and some more, which is less than the arbiter adds to it. */
export function shutdownPatienceMs(order: DrainOrder, sinceMs: number): number {
  const leftMs = Math.max(0, graceMsOf(order) - sinceMs)
  return Math.round(Math.min(timerMaxMs, leftMs + (order.isQuick ? 500 : 1_500)))
}

export interface Drain {
  readonly done: Promise<DrainResult>
  /** A later order with less patience. */
  hasten(order: DrainOrder): void
}

/** Whether a stream has been seen on each HTTP/2 connection. */
export type Sessions = ReadonlyMap<Http2Session, { readonly hasBegun: boolean }>

export function startDrain(connections: Connections, sessions: Sessions, keepaliveMs: number, first: DrainOrder): Drain {
  const startedMs = performance.now()
  let order = first
  connections.markClosing()

  const done = new Promise<DrainResult>((resolve) => {
    const finish = (cutRequests: number) => {
      stopLooking()
      resolve({ tookMs: Math.round(performance.now() - startedMs), cutRequests })
    }
    const sweep = (isAllRead: boolean) => {
      tellWebSockets(connections)
      sendGoaway(sessions, order.isQuick || performance.now() - startedMs >= firstStreamMs)
      if (isAllRead) connections.endIdle(order.isQuick ? noPatience : patienceFor(keepaliveMs))
      if (connections.size === 0) return finish(0)
      if (performance.now() - startedMs < graceMsOf(order)) return
      const cut = [...connections.all()].filter((connection) => connection.active > 0).length
      connections.destroyAll()
      finish(cut)
    }
    const stopLooking = keepLooking(sweepMs, sweep)
    sweep(false)
  })
  return {
    done,
    hasten: (next) => {
      if (next.isQuick || next.graceMs < order.graceMs) order = next
    },
  }
}

/** Each once: those there are, and those whose handshake is answered while we drain. */
function tellWebSockets(connections: Connections): void {
  for (const connection of connections.all()) {
    const { upgrade } = connection
    if (upgrade === null || !upgrade.isWebSocket || upgrade.isToldToGo) continue
    const { stream, bytesWritten } = upgrade
    // A frame before the app's answer would spoil the handshake, and after its last byte nothing can be written.
    if (stream.bytesWritten === bytesWritten || !stream.writable) continue
    stream.write(webSocketRestart)
    upgrade.isToldToGo = true
    // Its patience begins now: it is the client's turn to answer and close.
    connection.idleSinceMs = nowMs()
  }
}

function sendGoaway(sessions: Sessions, isForAll: boolean): void {
  for (const [session, { hasBegun }] of sessions) if (!session.closed && (hasBegun || isForAll)) session.close()
}
