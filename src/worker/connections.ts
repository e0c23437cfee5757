/** The connections of a worker: which are idle and since when, and how they are closed at the limit and in a drain. */
import type { ServerResponse } from 'node:http'
import { Socket } from 'node:net'
import { closeAfter } from '../http/last-answer.ts'
import { nowMs, type Pulse } from '../ipc/pulse.ts'
import { emitClose, rawSocketOf } from '../os/http-internals.ts'
import type { Patience } from './idle.ts'

const key = Symbol('monoceros.connection')

export interface Connection {
  readonly socket: Socket
  /** Requests under way on it; more than one with pipelining. */
  active: number
  idleSinceMs: number
  bytesSeen: number
  /** It has had an answer, and nothing has come since. */
  isKept: boolean
  /** The last response begun: the one that decides whether the connection is kept. */
  response: ServerResponse | null
  /** Responses whose turn to be sent has not come. */
  readonly behind: Set<ServerResponse>
  upgrade: Upgrade | null
}

/** A connection that has left HTTP for something else. */
export interface Upgrade {
  readonly isWebSocket: boolean
  /** What the app speaks on: over TLS not the socket that was accepted. */
  readonly stream: Socket
  /** Before the app answered. */
  readonly bytesWritten: number
  /** It has been sent the frame that ends a WebSocket. */
  isToldToGo: boolean
}

export interface Connections {
  track(socket: Socket): Connection
  of(socket: Socket | undefined): Connection | undefined
  /** TLS wraps the socket that was accepted; requests come on the wrapper. */
  alias(wrapper: Socket): void
  /** Ends the connection that has been idle for longest, if that is long enough. */
  closeIdlest(patience: Patience): void
  endIdle(patience: Patience): void
  markClosing(): void
  destroyAll(): void
  all(): Iterable<Connection>
  readonly size: number
}

type Keyed = { [key]?: Connection }

/** How long a client may go on sending a body that nobody reads, after its answer. */
const lingerMs = 2_000

export function createConnections(pulse: Pulse, onClosed: () => void): Connections {
  const open = new Set<Connection>()

  /** Bytes that came since we looked: the head of a request is under way. */
  const isQuiet = (connection: Connection): boolean => {
    const { bytesRead } = connection.socket
    if (bytesRead !== connection.bytesSeen) {
      connection.bytesSeen = bytesRead
      connection.idleSinceMs = nowMs()
      connection.isKept = false
      return false
    }
    return connection.active === 0 && !isInUse(connection.upgrade)
  }

  /** Idle for longer than its client is waited for. */
  const isOverdue = (connection: Connection, { keptMs, unheardMs }: Patience): boolean =>
    isQuiet(connection) && nowMs() - connection.idleSinceMs >= (connection.isKept ? keptMs : unheardMs)

  return {
    track(socket) {
      const connection: Connection = {
        socket,
        active: 0,
        idleSinceMs: nowMs(),
        bytesSeen: 0,
        isKept: false,
        response: null,
        behind: new Set(),
        upgrade: null,
      }
      ;(socket as Keyed)[key] = connection
      socket.destroySoon = lingeringClose
      open.add(connection)
      pulse.add('accepted', 1)
      pulse.add('connections', 1)
      socket.once('close', () => {
        open.delete(connection)
        pulse.add('connections', -1)
        for (const response of connection.behind) emitClose(response)
        onClosed()
      })
      return connection
    },
    of: (socket) => (socket as Keyed | undefined)?.[key],
    alias(wrapper) {
      const connection = (rawSocketOf(wrapper) as Keyed)[key]
      if (connection !== undefined) (wrapper as Keyed)[key] = connection
    },
    closeIdlest(patience) {
      const overdue = [...open].filter((connection) => isOverdue(connection, patience))
      const [idlest] = overdue.sort((a, b) => a.idleSinceMs - b.idleSinceMs)
      if (idlest !== undefined) close(idlest.socket)
    },
    endIdle(patience) {
      for (const connection of open) if (isOverdue(connection, patience)) close(connection.socket)
    },
    markClosing() {
      for (const connection of open) {
        const { response } = connection
        if (response !== null) closeAfter(response, () => connection.response === response)
      }
    },
    destroyAll() {
      for (const { socket } of open) socket.destroy()
    },
    all: () => open,
    get size() {
      return open.size
    },
  }
}

/**
 * http ends a connection by this call once its last answer is given. Closing while the body still comes would make the
 * kernel answer it with a reset, which can overtake the answer: so only our side is ended, and the rest is read and dropped.
 */
function lingeringClose(this: Socket): void {
  const response = (this as Keyed)[key]?.response
  if (!response || response.req.complete || this.readableEnded) {
    Socket.prototype.destroySoon.call(this)
    return
  }
  this.end()
  const timer = setTimeout(() => this.destroy(), lingerMs)
  this.once('close', () => clearTimeout(timer))
}

/** Nobody knows what goes on in another protocol: it is idle only when one side has said that it is over. */
function isInUse(upgrade: Upgrade | null): boolean {
  return upgrade?.stream.writable === true && !upgrade.isToldToGo
}

/** FIN first, so that what was written arrives; a client that does not answer it is not waited for. */
function close(socket: Socket): void {
  if (!socket.writableEnded) socket.end()
  else socket.destroy()
}
