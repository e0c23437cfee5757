/** Genuine messages of what came through the lane. */
import type { IncomingMessage, Server, ServerResponse } from 'node:http'
import { headFields } from '../lanes/head-text.ts'
import { requestFlags } from '../lanes/kinds.ts'
import { addFields } from '../os/http-internals.ts'

/** Gives a request to the app's server, as Node's own parser would. */
export function emit(server: Server, request: IncomingMessage, response: ServerResponse, flags: number): void {
  if ((flags & requestFlags.expectsOther) !== 0) {
    if (server.listenerCount('checkExpectation') > 0) server.emit('checkExpectation', request, response)
    else {
      response.writeHead(417)
      response.end()
    }
  } else if ((flags & requestFlags.expectsContinue) !== 0 && server.listenerCount('checkContinue') > 0) {
    server.emit('checkContinue', request, response)
  } else {
    if ((flags & requestFlags.expectsContinue) !== 0) response.writeContinue()
    server.emit('request', request, response)
  }
}

/** Makes a request what its head says. */
export function fillRequest(request: IncomingMessage, fields: string[], flags: number): void {
  const minor = (flags & requestFlags.isHttp10) !== 0 ? 0 : 1
  request.httpVersionMajor = 1
  request.httpVersionMinor = minor
  request.httpVersion = `1.${minor}`
  request.method = fields[headFields.method]!
  request.url = fields[headFields.url]!
  addFields(request, fields.slice(headFields.headers))
}

export function endsOf(fields: readonly string[]) {
  const at = (index: number) => (fields[index] === '' ? null : (fields[index] ?? null))
  const portAt = (index: number) => (fields[index] === '' ? null : Number(fields[index]))
  return {
    remoteAddress: at(headFields.remoteAddress),
    remotePort: portAt(headFields.remotePort),
    localAddress: at(headFields.localAddress),
    localPort: portAt(headFields.localPort),
  }
}
