/**
 * The arbiter's own HTTP server, for metrics, probes and the dashboard. It answers from what the arbiter has at hand,
 * holds no more than a bounded number of clients, and none that stands still.
 */
import { timingSafeEqual } from 'node:crypto'
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import { type AddressInfo, isIP, type Socket } from 'node:net'

/** `open`: for whoever reaches it. `read`: with the token, unless the door is on loopback. `change`: always with the token. */
export type Access = 'open' | 'read' | 'change'

export interface Route {
  readonly method: 'GET' | 'POST'
  readonly path: string
  readonly access: Access
  /** What it throws or rejects with is told to `onProblem`, and answered with 500. */
  handle(req: IncomingMessage, res: ServerResponse, query: URLSearchParams): void | Promise<void>
}

export interface DoorOptions {
  readonly host: string
  readonly port: number
  /** Null where no route needs one. */
  readonly token: string | null
  readonly routes: readonly Route[]
  /** Names beside `localhost` that a browser may know it by. */
  readonly names?: readonly string[]
  onProblem(error: unknown, path: string): void
}

export interface Door {
  readonly host: string
  readonly port: number
  close(): void
}

const clientsMax = 128
/** A client that neither asks nor reads for so long is let go. */
const idleMs = 15_000
const headTimeoutMs = 5_000

/** @throws what `listen` throws: the address is in use, or not ours */
export async function openDoor(options: DoorOptions): Promise<Door> {
  const server = createServer({ maxHeaderSize: 16_384, requestTimeout: idleMs, headersTimeout: headTimeoutMs, keepAliveTimeout: idleMs })
  const sockets = new Set<Socket>()
  server.maxConnections = clientsMax
  // Counts as activity only what is written or read: a response that nobody reads does not keep its socket.
  server.timeout = idleMs
  server.on('connection', (socket) => {
    sockets.add(socket)
    socket.once('close', () => sockets.delete(socket))
  })
  server.on('request', (req, res) => answer(options, isLoopback(options.host), req, res))
  server.on('clientError', (_, socket) => socket.destroy())
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject)
    server.listen(options.port, options.host, () => {
      server.off('error', reject)
      resolve()
    })
  })
  server.on('error', (error) => options.onProblem(error, ''))
  return {
    host: options.host,
    port: (server.address() as AddressInfo).port,
    close() {
      server.close()
      for (const socket of sockets) socket.destroy()
    },
  }
}

function answer(options: DoorOptions, isLocal: boolean, req: IncomingMessage, res: ServerResponse): void {
  res.setHeader('cache-control', 'no-store')
  res.setHeader('x-content-type-options', 'nosniff')
  const url = URL.canParse(req.url ?? '', 'http://door') ? new URL(req.url ?? '', 'http://door') : null
  if (url === null) {
    refuse(res, 400, 'bad request')
    return
  }
  const here = options.routes.filter(({ path }) => path === url.pathname)
  const method = req.method === 'HEAD' ? 'GET' : req.method
  const route = here.find((one) => one.method === method)
  const problem = route === undefined ? noRoute(here, res) : refusalOf(options, isLocal, route.access, req)
  if (problem !== null) refuse(res, problem.status, problem.text)
  else if (route !== undefined) void run(options, route, req, res, url.searchParams)
}

function noRoute(here: readonly Route[], res: ServerResponse): Refusal {
  if (here.length === 0) return { status: 404, text: 'there is nothing here' }
  res.setHeader('allow', here.map((one) => one.method).join(', '))
  return { status: 405, text: 'not with this method' }
}

async function run({ onProblem }: DoorOptions, route: Route, req: IncomingMessage, res: ServerResponse, query: URLSearchParams) {
  try {
    await route.handle(req, res, query)
  } catch (error) {
    onProblem(error, route.path)
    if (res.headersSent) res.destroy()
    else refuse(res, 500, 'it failed; the log says how')
  }
}

interface Refusal {
  readonly status: number
  readonly text: string
}

function refusalOf({ token, names = [], host }: DoorOptions, isLocal: boolean, access: Access, req: IncomingMessage): Refusal | null {
  // A page of another site reaches loopback, and whatever its own name is made to mean, through its reader's browser.
  const isHostChecked = isLocal || access !== 'open'
  if (isHostChecked && !isOurs(req.headers.host, [...names, host])) return { status: 421, text: 'not known by this name' }
  if (access !== 'open' && isForeign(req)) return { status: 403, text: 'not for pages of other sites' }
  const needsToken = access === 'change' || (access === 'read' && !isLocal)
  if (needsToken && !hasToken(req, token)) return { status: 401, text: 'the token is missing or wrong' }
  return null
}

function refuse(res: ServerResponse, status: number, text: string): void {
  if (status === 401) res.setHeader('www-authenticate', 'Bearer')
  res.writeHead(status, { 'content-type': 'text/plain; charset=utf-8' }).end(`${text}\n`)
}

/** An address in digits is nobody's name, so no name server can have been made to say it. */
function isOurs(header: string | undefined, names: readonly string[]): boolean {
  if (header === undefined) return false
  const host = header.replace(/:\d+$/, '').toLowerCase()
  return isIP(host.replace(/^\[(.*)\]$/, '$1')) !== 0 || host === 'localhost' || names.includes(host)
}

function isForeign(req: IncomingMessage): boolean {
  const { origin, host } = req.headers
  const site = req.headers['sec-fetch-site']
  if (site !== undefined && site !== 'same-origin' && site !== 'none') return true
  return origin !== undefined && origin !== `http://${host}` && origin !== `https://${host}`
}

/** In a header only: a cookie of an address goes to whatever else has a port there, the app included. */
function hasToken(req: IncomingMessage, token: string | null): boolean {
  if (token === null) return false
  const bearer = /^Bearer\s+(\S+)$/i.exec(req.headers.authorization ?? '')?.[1]
  return bearer !== undefined && isSame(bearer, token)
}

function isSame(given: string, token: string): boolean {
  const [one, other] = [Buffer.from(given), Buffer.from(token)]
  return one.length === other.length && timingSafeEqual(one, other)
}

function isLoopback(host: string): boolean {
  return host === 'localhost' || host === '::1' || host.startsWith('127.')
}
