/**
 * An object that stays where it is and is used from the other side of a call: its methods are called over the wire, and what
 * is known of it beforehand is read there at once.
 */
const key = Symbol.for('monoceros.remote-object')

export interface RemoteObject {
  readonly [key]: {
    /** Whose methods are called. */
    readonly target: object
    /** Plain data. What is not in it the other side has to ask for. */
    readonly facts: object
  }
}

export const remoteObject = (target: object, facts: object): RemoteObject => ({ [key]: { target, facts } })

/** What is behind an argument, if it is such an object. */
export function remoteIn(value: unknown): RemoteObject[typeof key] | undefined {
  return typeof value === 'object' && value !== null ? (value as Partial<RemoteObject>)[key] : undefined
}

const wayTo = Symbol('the way to the methods')

interface Handle {
  readonly [wayTo]: () => object
}

/**
 * One for all: an object that is the prototype of a single other one is kept, with all it can reach, until the next big garbage
 * collection.
 */
const others = new Proxy(Object.create(null), {
  get: (_, name, handle: Handle) =>
    typeof name === 'symbol' || name === 'then' || name === 'toJSON' ? undefined : Reflect.get(handle[wayTo](), name),
})

/**
 * The other side's end. What is no fact is a method, but for the names by which programs find out what an object is.
 * @param reach the way to the methods, made when the first of them is wanted: most calls want none
 */
export function withFacts(facts: object, reach: () => object): object {
  let methods: object | undefined
  const way = () => (methods ??= reach())
  return Object.defineProperty({ __proto__: others, ...facts }, wayTo, { value: way })
}
