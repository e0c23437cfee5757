/** Everything that a worker does with sockets: joining the accept set, watching requests, leaving it, draining. */
import { type IncomingMessage, ServerResponse } from 'node:http'
import type { Http2Session } from 'node:http2'
import type { Server, Socket } from 'node:net'
import { type Address, parseAddress } from '../../base/address.ts'
import { MonocerosError, problemOf } from '../../base/errors.ts'
import type { ListenerFact } from '../../ipc/messages.ts'
import { listenVirtually } from '../../os/http-internals.ts'
import { createConnections } from '../../worker/connections.ts'
import { createDoors, type Doors } from '../../worker/doors.ts'
import { type Drain, type DrainOrder, startDrain } from '../../worker/drain.ts'
import { patienceFor } from '../../worker/idle.ts'
import { type RequestWatch, watchRequests } from '../../worker/requests.ts'
import { createRoom } from '../../worker/room.ts'
import { limitServer } from '../../worker/server-limits.ts'
import type { Granted, Wishes } from '../../worker/wishes.ts'
import type { WorkerBehaviour, WorkerClass } from '../../worker/worker-class.ts'
import type { WorkerScope } from './worker-scope.ts'

export interface Traffic {
  /** Decides how connections and requests are taken; called once, before the first door opens. */
  serveAs(workerClass: WorkerClass): void
  /** Opens a server at listeners that the process inherited, or that the arbiter granted, and tells the app that it listens. */
  openAt(server: Server, listeners: readonly { readonly listener: ListenerFact; readonly handle?: unknown }[]): Promise<void>
  bind(address: Address): Promise<Granted>
  leave(order: DrainOrder): void
  hasten(order: DrainOrder): void
  drained(): Promise<{ tookMs: number; cutRequests: number }>
}

export function createTraffic(scope: WorkerScope, wishes: Wishes, maxRequests = scope.boot.maxRequests): Traffic {
  const { settings, pulse, log } = scope
  const keepaliveMs = settings.keepalive * 1_000
  const sessions = new Map<Http2Session, { hasBegun: boolean }>()
  let behaviour: WorkerBehaviour = {}
  let drain: Drain | null = null
  /** Who wants the doors closed for a while. */
  const holders = new Set<'room' | 'class'>()
  const connections = createConnections(pulse, () => room.closed())
  const room = createRoom({
    connectionsMax: settings.workerConnections,
    patience: patienceFor(keepaliveMs),
    connections,
    pause: () => pause('room'),
    resume: () => resume('room'),
  })

  const doors: Doors = createDoors({
    backlog: settings.backlog,
    askHandle: async (listenerId) => (await wishes.again(listenerId)).handle,
    onProblem: (error) => log.event('worker.door-problem', { problem: problemOf(error) }),
    onConnection(socket: Socket) {
      connections.track(socket)
      room.opened()
      behaviour.onConnection?.(socket)
    },
  })

  function pause(holder: 'room' | 'class'): void {
    holders.add(holder)
    doors.pause()
  }

  function resume(holder: 'room' | 'class'): void {
    holders.delete(holder)
    if (holders.size === 0) doors.resume()
  }

  // Made when a server opens: by then the hooks are loaded and the worker class is chosen.
  const watching = (): RequestWatch => ({
    accessLog: scope.accessLog,
    onCounted: scope.remotes.onRequest,
    preRequest: scope.hooks.preRequest === undefined ? null : guarded('preRequest'),
    postRequest: scope.hooks.postRequest === undefined ? null : guarded('postRequest'),
    onRequest: behaviour.onRequest === undefined ? null : giveToClass,
    onFinished() {
      if (maxRequests > 0 && pulse.get('served') >= maxRequests) scope.recycle(`${pulse.get('served')} requests served`)
    },
    mayKeepAlive: () => drain === null && keepaliveMs > 0 && !room.isFull,
  })

  function giveToClass(req: IncomingMessage, res: ServerResponse, serve: () => void): void {
    // A class is for HTTP/1: the requests of an HTTP/2 connection do not come one after the other.
    if (behaviour.onRequest === undefined || !(res instanceof ServerResponse)) serve()
    else behaviour.onRequest(req, res, serve)
  }

  /** A request hook that cannot hurt the request; it answers a promise only when there is something to wait for. */
  function guarded(name: 'preRequest' | 'postRequest'): (...args: unknown[]) => unknown {
    return (...args) => {
      try {
        const answer = (scope.hooks[name] as (...all: unknown[]) => unknown)(scope.facts(), ...args)
        return answer instanceof Promise ? answer.catch((error: unknown) => scope.hookFailed(name, error)) : undefined
      } catch (error) {
        return scope.hookFailed(name, error)
      }
    }
  }

  function watch(server: Server): void {
    limitServer(server, { keepaliveMs, headerTimeoutMs: settings.headerTimeout * 1_000, bodyTimeoutMs: settings.bodyTimeout * 1_000 })
    server.on('session', (session: Http2Session) => {
      const seen = { hasBegun: false }
      sessions.set(session, seen)
      session.once('stream', () => {
        seen.hasBegun = true
      })
      session.once('close', () => sessions.delete(session))
      // What is still under way on it is finished: close() waits for its streams.
      if (keepaliveMs > 0) session.setTimeout(keepaliveMs, () => session.close())
    })
    watchRequests(server, pulse, connections, watching())
  }

  return {
    serveAs(workerClass) {
      behaviour = workerClass.create({
        slot: scope.boot.slot,
        timeoutMs: settings.timeout * 1_000,
        pause: () => pause('class'),
        resume: () => resume('class'),
        recycle: scope.recycle,
        abort(reason) {
          void scope.runHook('workerAbort')
          scope.recycle(reason)
        },
      })
    },
    async openAt(server, listeners) {
      watch(server)
      for (const { listener, handle } of listeners) await doors.open({ listener, server }, sourceOf(listener, handle))
      listenVirtually(server, { address: shownAddress(listeners[0]?.listener), onClose: () => doors.closeOf(server) })
    },
    bind: (address) =>
      wishes.bind(
        address.kind === 'tcp'
          ? { host: address.host, port: address.port, path: null }
          : { host: null, port: null, path: address.kind === 'unix' ? address.path : null },
      ),
    leave(order) {
      doors.close()
      drain = startDrain(connections, sessions, keepaliveMs, order)
    },
    hasten: (order) => drain?.hasten(order),
    drained: () => drain?.done ?? Promise.resolve({ tookMs: 0, cutRequests: 0 }),
  }
}

function sourceOf(listener: ListenerFact, handle: unknown) {
  if (handle !== undefined) return { handle }
  if (listener.fd !== null) return { fd: listener.fd }
  const parsed = parseAddress(listener.address)
  if (parsed.ok && parsed.address.kind === 'tcp') return { reusePort: parsed.address }
  throw new MonocerosError('MON_REUSE_PORT', { problem: `${listener.address} is not a TCP address` })
}

function shownAddress(listener: ListenerFact | undefined) {
  const parsed = parseAddress(listener?.address ?? '')
  if (!parsed.ok || parsed.address.kind === 'fd') return ''
  if (parsed.address.kind === 'unix') return parsed.address.path
  const { host, port } = parsed.address
  return { address: host, port, family: host.includes(':') ? 'IPv6' : 'IPv4' }
}
