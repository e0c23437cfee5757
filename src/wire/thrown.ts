/** Errors across processes: name, message, code, cause and stack, and own fields that can be cloned. */
export interface Thrown {
  readonly name: string
  readonly message: string
  readonly stack: string
  readonly code: string | number | null
  readonly cause: Thrown | null
  readonly fields: Readonly<Record<string, unknown>>
}

const depthMax = 8
const builtIn: Readonly<Record<string, ErrorConstructor>> = { EvalError, RangeError, ReferenceError, SyntaxError, TypeError, URIError }
const known = new Set(['name', 'message', 'stack', 'code', 'cause'])

export function toThrown(error: unknown, isClonable: (value: unknown) => boolean, depth = 0): Thrown {
  if (!(error instanceof Error)) return { name: 'Error', message: textOf(error), stack: '', code: null, cause: null, fields: {} }
  const code = read(error, 'code')
  const cause = read(error, 'cause')
  const own = Object.keys(error)
    .filter((name) => !known.has(name))
    .map((name) => [name, read(error, name)] as const)
  return {
    name: textOf(read(error, 'name')),
    message: textOf(read(error, 'message')),
    stack: textOf(read(error, 'stack') ?? ''),
    code: typeof code === 'string' || typeof code === 'number' ? code : null,
    cause: cause === undefined || depth >= depthMax ? null : toThrown(cause, isClonable, depth + 1),
    fields: Object.fromEntries(own.filter(([, value]) => isClonable(value))),
  }
}

/** A getter of the app's may throw: that would be told instead of its error. */
function read(error: object, name: string): unknown {
  try {
    return Reflect.get(error, name)
  } catch {
    return undefined
  }
}

/** An error of the same built-in class where there is one; others keep their name. */
export function fromThrown({ name, message, stack, code, cause, fields }: Thrown): Error {
  const error = new (builtIn[name] ?? Error)(message)
  if (error.name !== name) Object.defineProperty(error, 'name', { configurable: true, writable: true, value: name })
  Object.assign(error, fields, code === null ? {} : { code })
  if (cause !== null) error.cause = fromThrown(cause)
  error.stack = stack
  return error
}

function textOf(value: unknown): string {
  try {
    return typeof value === 'string' ? value : (JSON.stringify(value) ?? String(value))
  } catch {
    return Object.prototype.toString.call(value)
  }
}
