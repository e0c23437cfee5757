import { createRequire } from 'node:module'

/**
 * Puts srvx's Response in the place of Node's, about twice as fast to answer with. Call it before the app is imported, as
 * apps keep what they find. Nothing is loaded until somebody asks for `Response`.
 *
 * @returns a function that puts Node's own Response back
 */
export function installFastResponse(): () => void {
  const native = Object.getOwnPropertyDescriptor(globalThis, 'Response')
  if (native === undefined) return () => {}
  const lazy: PropertyDescriptor = { configurable: true, enumerable: false, get: resolve, set: put }
  let isLoading = false

  function put(value: unknown): void {
    Object.defineProperty(globalThis, 'Response', { configurable: true, enumerable: false, writable: true, value })
  }

  function resolve(): unknown {
    // srvx itself asks for Response while it loads, and must find Node's.
    if (isLoading) return original()
    isLoading = true
    try {
      put(createRequire(import.meta.url)('srvx/node').FastResponse)
      return globalThis.Response
    } catch {
      return original() // asked for by an srvx that is being imported just now: the next one who asks gets the fast one
    } finally {
      isLoading = false
    }
  }

  /** Node's own; its getter puts the class in the place of whatever is there. */
  function original(): unknown {
    const value = native?.get === undefined ? native?.value : native.get.call(globalThis)
    Object.defineProperty(globalThis, 'Response', lazy)
    return value
  }

  Object.defineProperty(globalThis, 'Response', lazy)
  return () => Object.defineProperty(globalThis, 'Response', native)
}
