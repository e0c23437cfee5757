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
  const put = (value: unknown) =>
    Object.defineProperty(globalThis, 'Response', { configurable: true, enumerable: false, writable: true, value })
  Object.defineProperty(globalThis, 'Response', {
    configurable: true,
    enumerable: false,
    get() {
      // srvx reads the global while it loads: it must find Node's.
      Object.defineProperty(globalThis, 'Response', native)
      const fast = load()
      if (fast !== undefined) put(fast)
      return globalThis.Response
    },
    set: put,
  })
  return () => Object.defineProperty(globalThis, 'Response', native)
}

function load(): unknown {
  try {
    return createRequire(import.meta.url)('srvx/node').FastResponse
  } catch {
    return undefined // require of ES modules was switched off on the command line; Node's Response does the work, slower
  }
}
