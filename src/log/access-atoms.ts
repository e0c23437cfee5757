import type { IncomingMessage, ServerResponse } from 'node:http'
import { escapeValue } from './access-escape.ts'
import { commonTime } from './clock.ts'

/** One answered (or aborted) request, as the server hands it to the access log. */
export interface AccessEntry {
  readonly req: IncomingMessage
  readonly res: ServerResponse
  readonly tookMs: number
  /** Bytes of the response body; null when unknown. */
  readonly bodyBytes: number | null
  /** The client's address; null or empty on a Unix socket. */
  readonly remote: string | null
  readonly pid: number
}

/** Text for one place in the line. `micros` is the request's duration, in whole microseconds. */
export type Atom = (entry: AccessEntry, micros: number) => string

const method = remember(({ req }) => req.method, value)
const protocol = remember(
  ({ req }) => req.httpVersion,
  (version) => `HTTP/${value(version)}`,
)

/** Gunicorn's atoms of one letter. */
export const atoms: Readonly<Record<string, Atom>> = {
  h: remember(({ remote }) => remote ?? undefined, value),
  l: () => '-',
  u: remember(({ req }) => req.headers.authorization, basicUser),
  t: () => `[${commonTime(Date.now())}]`,
  r: (entry, micros) => `${method(entry, micros)} ${value(entry.req.url)} ${protocol(entry, micros)}`,
  m: method,
  U: ({ req }) => value(pathOf(req.url)),
  q: ({ req }) => escapeValue(queryOf(req.url)),
  H: protocol,
  s: ({ res }) => (res.headersSent ? String(res.statusCode) : '-'),
  B: ({ bodyBytes }) => (bodyBytes === null ? '-' : String(bodyBytes)),
  b: ({ bodyBytes }) => (bodyBytes === null ? '-' : String(bodyBytes)),
  f: remember(({ req }) => req.headers.referer, value),
  a: remember(({ req }) => req.headers['user-agent'], value),
  T: (_, micros) => String(Math.floor(micros / 1_000_000)),
  M: (_, micros) => String(Math.floor(micros / 1_000)),
  D: (_, micros) => String(micros),
  L: (_, micros) => `${Math.floor(micros / 1_000_000)}.${String(micros % 1_000_000).padStart(6, '0')}`,
  p: ({ pid }) => `<${pid}>`,
}

export function requestHeader(name: string): Atom {
  return remember(({ req }) => listed(req.headers[name]), value)
}

/** Headers that Node adds itself, and those given to `writeHead`, exist only in the block that was sent. */
export function responseHeader(name: string): Atom {
  const inBlock = new RegExp(`^${name.replace(/[^\w-]/g, '\\$&')}: *([^\\r]*)`, 'im')
  return ({ res }) => {
    const header = res.getHeader(name)
    if (header !== undefined) return value(listed(typeof header === 'number' ? String(header) : header))
    const block = (res as { _header?: string | null })._header
    return value(typeof block === 'string' ? inBlock.exec(block)?.[1] : undefined)
  }
}

/** The variables of a CGI environment that a request has; nothing of the process's environment. */
export function environVariable(name: string): Atom {
  if (name.startsWith('HTTP_')) return requestHeader(name.slice(5).toLowerCase().replaceAll('_', '-'))
  return variables[name] ?? (() => '-')
}

const variables: Readonly<Record<string, Atom>> = {
  REQUEST_METHOD: atoms['m']!,
  RAW_URI: ({ req }) => value(req.url),
  PATH_INFO: atoms['U']!,
  QUERY_STRING: atoms['q']!,
  SERVER_PROTOCOL: atoms['H']!,
  REMOTE_ADDR: atoms['h']!,
  CONTENT_TYPE: requestHeader('content-type'),
  CONTENT_LENGTH: requestHeader('content-length'),
}

export function pathOf(url = ''): string {
  const mark = url.indexOf('?')
  return mark < 0 ? url : url.slice(0, mark)
}

export function queryOf(url = ''): string {
  const mark = url.indexOf('?')
  return mark < 0 ? '' : url.slice(mark + 1)
}

/** The user of a Basic `Authorization` header, or undefined: whatever it holds, this is never an error. */
export function userOf(authorization: string | undefined): string | undefined {
  if (authorization === undefined || authorization.slice(0, 6).toLowerCase() !== 'basic ') return undefined
  const credentials = Buffer.from(authorization.slice(6), 'base64').toString('latin1')
  const colon = credentials.indexOf(':')
  return colon > 0 ? credentials.slice(0, colon) : undefined
}

// A user with a space in it would shift the fields that follow.
function basicUser(authorization: string | undefined): string {
  return value(userOf(authorization)).replaceAll(' ', '\\x20')
}

function value(text: string | null | undefined): string {
  return text ? escapeValue(text) : '-'
}

function listed(header: string | readonly string[] | undefined): string | undefined {
  if (typeof header === 'string') return header
  return Array.isArray(header) ? header.join(', ') : undefined
}

// Most values come in runs (one client, one connection): the last one is kept with what became of it.
function remember(read: (entry: AccessEntry) => string | undefined, make: (text: string | undefined) => string): Atom {
  let last: string | undefined
  let made = make(undefined)
  return (entry) => {
    const text = read(entry)
    if (text !== last) {
      made = make(text)
      last = text
    }
    return made
  }
}
