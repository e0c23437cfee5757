/** Marks an implementation that `src/compose` has to replace; `test/house/provided.test.ts` looks for it. */
export const placeholder: unique symbol = Symbol('monoceros.placeholder')

/** Declares an action that `src/compose` must provide. A live actor that meets it unprovided stops with this message. */
export function effect<P = undefined>(name: string): (_: unknown, params: P) => void {
  const stub = (): never => {
    throw new Error(`effect "${name}" is not provided`)
  }
  return Object.assign(stub, { [placeholder]: true })
}
