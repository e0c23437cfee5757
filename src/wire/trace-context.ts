/**
 * OpenTelemetry's context, from the caller to the thread that runs the call. Its API puts whatever is registered under one
 * name of the whole process, so it is found without being imported: an app that has none pays for one look.
 */
type Carrier = Record<string, string>

interface ContextManager {
  active(): unknown
  with<T>(context: unknown, run: () => T): T
}

interface Propagator {
  inject(context: unknown, carrier: Carrier, setter: { set(carrier: Carrier, key: string, value: unknown): unknown }): void
  extract(
    context: unknown,
    carrier: Carrier,
    getter: { keys(carrier: Carrier): string[]; get(carrier: Carrier, key: string): unknown },
  ): unknown
}

interface Registered {
  readonly context?: ContextManager
  readonly propagation?: Propagator
}

/** One for all releases of its first major version. */
const key = Symbol.for('opentelemetry.js.api.1')
const registered = () => (globalThis as { [key]?: Registered })[key]

/** What the active context is elsewhere; undefined where there is none to keep. */
export function traceCarrier(): Carrier | undefined {
  const api = registered()
  if (api?.context === undefined || api.propagation === undefined) return undefined
  const carrier: Carrier = {}
  try {
    api.propagation.inject(api.context.active(), carrier, { set: (into, name, value) => Object.assign(into, { [name]: String(value) }) })
  } catch {
    return undefined // a trace that breaks is no reason for a call to fail
  }
  return Object.keys(carrier).length === 0 ? undefined : carrier
}

/** Runs with the context that the caller had. */
export function withTrace<T>(carrier: Carrier | undefined, run: () => T): T {
  const api = carrier === undefined ? undefined : registered()
  if (carrier === undefined || api?.context === undefined || api.propagation === undefined) return run()
  const { context, propagation } = api
  return context.with(contextOf(propagation, context.active(), carrier), run)
}

function contextOf(propagation: Propagator, present: unknown, carrier: Carrier): unknown {
  try {
    return propagation.extract(present, carrier, { keys: Object.keys, get: (from, name) => from[name] })
  } catch {
    return present // as above
  }
}
