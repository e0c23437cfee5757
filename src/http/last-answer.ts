/** The last answer on its connection: the client is told, whatever the app says of `Connection`. */
import { ServerResponse } from 'node:http'

const key = Symbol('monoceros.last-answer')
type Keyed = ServerResponse & { [key]?: () => boolean }

/** Whether `closeAfter` was called for it; asked when its head goes out that was made elsewhere. */
export const isToBeLast = (response: Keyed): boolean => response[key]?.() === true

/**
 * Makes a response the last one of its connection. An app, or a proxy in it that copies its client's headers, may ask for
 * keep-alive in so many words: a busy client would then never leave a worker that drains, and be cut at the end of the grace.
 */
export function closeAfter(response: ServerResponse, isLast = () => true): void {
  if (!(response instanceof ServerResponse) || response.headersSent) return // HTTP/2 closes by GOAWAY
  ;(response as Keyed)[key] = isLast
  const { writeHead } = response
  response.writeHead = (status: number, ...rest: unknown[]) => {
    // Its client has sent requests ahead, and the app is at work on them: the last of them closes.
    if (!isLast()) return Reflect.apply(writeHead, response, [status, ...rest])
    response.shouldKeepAlive = false
    // Beside headers that are set, older Nodes keep only the last of a name that a list has twice, such as Set-Cookie.
    if (!Array.isArray(rest.at(-1))) response.setHeader('connection', 'close')
    return Reflect.apply(writeHead, response, [status, ...rest.map(closing)])
  }
}

const isConnection = (name: unknown) => String(name).toLowerCase() === 'connection'

/** What writeHead takes: a status message, an object, a list of names and values in turn, or (only without setHeader) of pairs. */
function closing(part: unknown): unknown {
  if (Array.isArray(part)) {
    const flat: unknown[] = Array.isArray(part[0]) ? part.flat() : part
    return [...flat.filter((_, index) => !isConnection(flat[index - (index % 2)])), 'connection', 'close']
  }
  if (typeof part !== 'object' || part === null) return part
  return Object.fromEntries(Object.entries(part).filter(([name]) => !isConnection(name)))
}

/** A head as it goes over the wire, changed to say that the connection will be closed. */
export function closingHead(head: string): string {
  const lines = head.slice(0, head.indexOf('\r\n\r\n')).split('\r\n')
  return `${[...lines.filter((line) => !/^(?:connection|keep-alive):/i.test(line)), 'Connection: close'].join('\r\n')}\r\n\r\n`
}
