/** Which servers a thread can serve, and what of them its main thread has to know. */
import { createServer, Server as HttpServer } from 'node:http'
import type { Server } from 'node:net'
import { MonocerosError } from '../base/errors.ts'
import type { ServerFacts } from '../lanes/thread-control.ts'

/**
 * The connections are the main thread's: a thread is given requests of HTTP/1 that were read already.
 * @throws MON_APP_THREAD
 */
export function requireHttp(server: Server, spec: string): HttpServer {
  if (server instanceof HttpServer) return server
  const names: Readonly<Record<string, string>> = {
    Server: 'a net.Server',
    Http2Server: 'an HTTP/2 server',
    Http2SecureServer: 'an HTTP/2 server',
  }
  const isTls = 'setSecureContext' in server && server.constructor.name === 'Server'
  const what = isTls ? 'an https server' : (names[server.constructor.name] ?? `a ${server.constructor.name}`)
  throw new MonocerosError('MON_APP_THREAD', {
    spec,
    problem: `it serves by ${what}, and the threads of gthread are given requests of plain http`,
  })
}

export function factsOf(server: HttpServer): ServerFacts {
  const usual = createServer()
  const set = (name: 'keepAliveTimeout' | 'headersTimeout' | 'requestTimeout' | 'maxRequestsPerSocket' | 'timeout') => {
    const value = server[name]
    return typeof value === 'number' && value !== usual[name] ? { [name]: value } : {}
  }
  return {
    hasUpgrade: server.listenerCount('upgrade') > 0,
    ...set('keepAliveTimeout'),
    ...set('headersTimeout'),
    ...set('requestTimeout'),
    ...set('maxRequestsPerSocket'),
    ...set('timeout'),
  }
}
