import {
  type CallbackActorLogic,
  type EventObject,
  fromCallback,
  fromPromise,
  type NonReducibleUnknown,
  type PromiseActorLogic,
} from 'xstate'

/** Marks an implementation that `src/compose` has to replace; `test/house/provided.test.ts` looks for it. */
export const placeholder: unique symbol = Symbol('monoceros.placeholder')

const mark = <T extends object>(stub: T): T => Object.assign(stub, { [placeholder]: true })
const refuse = (what: string) => (): never => {
  throw new Error(`${what} is not provided`)
}

/** Declares an action that `src/compose` must provide. A live actor that meets it unprovided stops with this message. */
export function effect<P = undefined>(name: string): (_: unknown, params: P) => void {
  return mark(refuse(`effect "${name}"`))
}

/** Declares work that takes time and may fail. Unprovided it fails at once, which `onError` takes for a failure of the work. */
export function work<Output, Input extends NonReducibleUnknown = NonReducibleUnknown>(name: string): PromiseActorLogic<Output, Input> {
  return mark(fromPromise<Output, Input>(refuse(`work "${name}"`)))
}

/** Declares an organ that is given orders and reports events. */
export function organ<Order extends EventObject, Input extends NonReducibleUnknown>(name: string): CallbackActorLogic<Order, Input> {
  return mark(fromCallback<Order, Input>(refuse(`organ "${name}"`)))
}
