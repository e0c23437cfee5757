import type { IncomingMessage, ServerResponse } from 'node:http'

/** Told of each request that the app failed to answer. */
export type OnAppError = (error: unknown, request: IncomingMessage) => void

/** Ends a request that the app failed: 500 where nothing was sent yet, else the connection, so that no client waits on. */
export function failRequest(error: unknown, request: IncomingMessage, response: ServerResponse, onError: OnAppError): void {
  if (isAftermath(error, response)) return
  onError(error, request)
  if (response.writableEnded || response.destroyed) return
  if (!response.headersSent) {
    for (const name of response.getHeaderNames()) response.removeHeader(name)
    response.statusCode = 500
    response.setHeader('content-type', 'text/plain; charset=utf-8')
    response.end('Internal Server Error\n')
    return
  }
  const stream = (response as { stream?: { destroy(): void } }).stream // an HTTP/2 response is only a view of its stream
  if (stream !== undefined) stream.destroy()
  else response.destroy()
}

/** What an app meets when its client has left (an aborted signal, a body that ends early) is no failure of the app. */
function isAftermath(error: unknown, response: ServerResponse): boolean {
  const { name, code } = (error ?? {}) as { name?: string; code?: unknown }
  const isOfLeaving = name === 'AbortError' || code === 'ECONNRESET' || code === 'ERR_STREAM_PREMATURE_CLOSE'
  return isOfLeaving && response.destroyed && !response.writableFinished
}
