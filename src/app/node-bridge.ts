import type { IncomingMessage, RequestListener, ServerResponse } from 'node:http'
import { failRequest, type OnAppError } from './failing.ts'

/**
 * A plain `(request, response)` function, guarded: Node itself lets the process die when it throws, or when the promise of
 * an async one rejects, and every other request with it.
 */
export function guardedNodeHandler(
  handler: (request: IncomingMessage, response: ServerResponse) => unknown,
  onError: OnAppError,
): RequestListener {
  return (request, response) => {
    try {
      const result = handler(request, response) as PromiseLike<unknown> | undefined
      if (typeof result?.then === 'function') result.then(undefined, (error: unknown) => failRequest(error, request, response, onError))
    } catch (error) {
      failRequest(error, request, response, onError)
    }
  }
}
