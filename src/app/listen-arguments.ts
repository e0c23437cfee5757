/** The arguments of `server.listen()`, whatever form they came in. */
export interface ListenArguments {
  /** True for a descriptor or a handle: it exists already, and there is nothing to wish. */
  readonly isHandle: boolean
  readonly port: unknown
  readonly host: unknown
  readonly path: unknown
  readonly wish: { readonly host: string | null; readonly port: number | null; readonly path: string | null }
  readonly backlog: number | null
  readonly callback: (() => void) | null
  readonly signal: AbortSignal | undefined
  /** True when a signal was given that is none. */
  readonly isSignalBad: boolean
}

type Options = { readonly [name: string]: unknown }

/** Reads them as Node does (lib/net.js, normalizeArgs and Server.prototype.listen). */
export function readListenArguments(args: readonly unknown[]): ListenArguments {
  const first = args[0]
  const last = args.at(-1)
  const options = optionsOf(args)
  const isPortOmitted = args.length === 0 || typeof first === 'function' || ('port' in options && options['port'] == null)
  const port = isPortOmitted ? 0 : options['port']
  const host = options['host'] || null
  const path = port === undefined ? options['path'] : undefined
  const signal = options['signal']
  return {
    isHandle: isHandle(options),
    port,
    host,
    path,
    wish: {
      host: typeof host === 'string' && path === undefined ? host : null,
      port: port === undefined ? null : Number(port),
      path: typeof path === 'string' ? path : null,
    },
    backlog: toNumber(options['backlog']) || toNumber(args.length > 1 && args[1]) || toNumber(args.length > 2 && args[2]) || null,
    callback: typeof last === 'function' ? (last as () => void) : null,
    signal: isSignal(signal) ? signal : undefined,
    isSignalBad: signal !== undefined && !isSignal(signal),
  }
}

/** False when Node would throw; it is then left to throw its own error. */
export function isBindable(given: ListenArguments): boolean {
  if (given.isSignalBad) return false
  if (given.port === undefined) return isPipeName(given.path)
  return isPort(given.port) && (given.host === null || typeof given.host === 'string')
}

function optionsOf(args: readonly unknown[]): Options {
  const first = args[0]
  if (typeof first === 'object' && first !== null) return first as Options
  if (isPipeName(first)) return { path: first }
  if (args.length === 0 || typeof first === 'function') return {}
  return { port: first, ...(typeof args[1] === 'string' ? { host: args[1] } : {}) }
}

function isHandle(options: Options): boolean {
  return Boolean(options['_handle'] || options['handle']) || (typeof options['fd'] === 'number' && options['fd'] >= 0)
}

function isPipeName(value: unknown): boolean {
  return typeof value === 'string' && toNumber(value) === null
}

function isPort(port: unknown): boolean {
  if (typeof port === 'string' ? port.trim() === '' : typeof port !== 'number') return false
  return +(port as string) === +(port as string) >>> 0 && +(port as string) <= 0xffff
}

function isSignal(value: unknown): value is AbortSignal {
  return typeof value === 'object' && value !== null && 'aborted' in value
}

function toNumber(value: unknown): number | null {
  const number = Number(value)
  return number >= 0 ? number : null
}
