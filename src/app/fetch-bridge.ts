import type { IncomingMessage, RequestListener, ServerResponse } from 'node:http'
import { failRequest, type OnAppError } from './failing.ts'
import { describe } from './kinds.ts'

export type FetchHandler = (request: Request, env: { incoming: IncomingMessage; outgoing: ServerResponse }) => unknown

/**
 * Serves a fetch handler. A throw, a rejection and an answer that is no Response become 500, a malformed Host becomes 400;
 * the request's signal fires when its client goes away.
 */
export async function fetchListener(handler: FetchHandler, onError: OnAppError): Promise<RequestListener> {
  void globalThis.Response // makes a fast Response load now, while srvx is not under way
  const { NodeRequest, sendNodeResponse } = await import('srvx/node')
  return (incoming, outgoing) => {
    if (!isAddressed(incoming)) return refuse(outgoing)
    const fail = (error: unknown) => failRequest(error, incoming, outgoing, onError)
    const send = (response: unknown) => {
      sendNodeResponse(outgoing, asResponse(response)).then(() => {
        // A body that broke off: srvx has cut the connection for it, and tells nobody.
        if (outgoing.errored) fail(outgoing.errored)
      }, fail)
    }
    try {
      const answer = handler(new NodeRequest({ req: incoming, res: outgoing }), { incoming, outgoing }) as PromiseLike<unknown> | undefined
      if (typeof answer?.then === 'function') answer.then(send).then(undefined, fail)
      else send(answer)
    } catch (error) {
      fail(error)
    }
  }
}

const hostPattern = /^(?:\[[\da-fA-F:.]+\]|[\w-]+(?:\.[\w-]+)*\.?)(?::\d{1,5})?$/

/** Whether a URL can be made of the request's target and Host; the app would otherwise see an invented one. */
function isAddressed(request: IncomingMessage): boolean {
  const target = request.url ?? '/'
  if (target[0] !== '/' && target !== '*' && !(/^https?:\/\//i.test(target) && URL.canParse(target))) return false
  const host = request.headers.host ?? (request.headers[':authority'] as string | undefined)
  return host === undefined || host === '' || hostPattern.test(host)
}

function refuse(response: ServerResponse): void {
  response.statusCode = 400
  response.setHeader('connection', 'close')
  response.end('Bad Request\n')
}

function asResponse(answer: unknown): Response {
  const response = answer as Response | null | undefined
  if (typeof response === 'object' && typeof response?.status === 'number' && response.headers !== undefined) return response
  const hint =
    typeof answer === 'function' || typeof answer === 'object' ? '; a factory is called in the spec, as in ./app.js:create()' : ''
  throw new TypeError(`the fetch handler answered with ${describe(answer)}, not a Response${hint}`)
}
