import { type AddressInfo, Server } from 'node:net'
import { isBindable, type ListenArguments, readListenArguments } from './listen-arguments.ts'

/** A `listen()` of the app that did not bind. */
export interface TrappedListen {
  readonly server: Server
  /** `port` 0: any; all null but `port`: all addresses. */
  readonly wish: { readonly host: string | null; readonly port: number | null; readonly path: string | null }
  /** As the app gave it; null: Node's own (511). */
  readonly backlog: number | null
  /** Already registered for `listening`; the caller must not call it. */
  readonly callback: (() => void) | null
  /** True when the app closed the server before it was bound. */
  isCancelled(): boolean
  /** Tells the app that it could not be bound: emits `error`, as Node does, and lets it call `listen()` again. */
  fail(error: Error): void
}

/**
 * Catches every `listen()` of the process, of http, https, http2, net and tls servers alike, in all of Node's argument
 * forms, before anything is bound. What Node would refuse at once is still refused by Node, and descriptors and handles
 * pass: that is also how the caller binds the server in the end, by `server.listen({ fd })`.
 */
export function installListenTrap(onListen: (listen: TrappedListen) => void): { remove(): void } {
  const native = Server.prototype.listen
  const waiting = new WeakSet<Server>()

  function listen(this: Server, ...args: unknown[]): Server {
    const given = readListenArguments(args)
    if (given.isHandle || this.listening || !isBindable(given)) return Reflect.apply(native, this, args)
    if (waiting.has(this)) throw alreadyListening()
    if (given.callback !== null) this.once('listening', given.callback)
    waiting.add(this)
    const settle = trapped(this, given, waiting)
    closeOnAbort(this, given.signal)
    onListen({ server: this, wish: given.wish, backlog: given.backlog, callback: given.callback, ...settle })
    return this
  }

  Server.prototype.listen = listen as typeof native
  return {
    remove() {
      if (Server.prototype.listen === (listen as typeof native)) Server.prototype.listen = native
    },
  }
}

/** Keeps the state of one trapped listen: waiting until the server is bound, closed or failed. */
function trapped(server: Server, given: ListenArguments, waiting: WeakSet<Server>): Pick<TrappedListen, 'isCancelled' | 'fail'> {
  let isCancelled = false
  const end = () => {
    waiting.delete(server)
    server.off('close', cancel)
    server.off('listening', end)
    Reflect.deleteProperty(server, 'address')
  }
  const cancel = () => {
    isCancelled = true
    end()
  }
  server.once('close', cancel)
  server.prependOnceListener('listening', end)
  // Node binds a port before listen() returns, and programs print server.address().port in the next line.
  if (given.wish.port !== null) Object.defineProperty(server, 'address', { configurable: true, value: () => wished(given) })
  return {
    isCancelled: () => isCancelled,
    fail(error) {
      end()
      if (given.callback !== null) server.off('listening', given.callback)
      server.emit('error', error)
    },
  }
}

function wished({ wish }: ListenArguments): AddressInfo {
  const address = wish.host ?? '::'
  return { address, family: address.includes(':') ? 'IPv6' : 'IPv4', port: wish.port ?? 0 }
}

function closeOnAbort(server: Server, signal: AbortSignal | undefined): void {
  if (signal === undefined) return
  const close = () => void server.close()
  if (signal.aborted) process.nextTick(close)
  else {
    signal.addEventListener('abort', close, { once: true })
    server.once('close', () => signal.removeEventListener('abort', close))
  }
}

function alreadyListening(): Error {
  const error = new Error('Listen method has been called more than once without closing.')
  return Object.assign(error, { code: 'ERR_SERVER_ALREADY_LISTEN' })
}
