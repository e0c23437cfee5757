/** How each request is counted, on servers in this process. */
import http from 'node:http'
import http2 from 'node:http2'
import type { AddressInfo, Server } from 'node:net'
import { expect, onTestFinished, test } from 'vitest'
import { createPulse, type Pulse } from '../../../src/ipc/pulse.ts'
import { createConnections } from '../../../src/worker/connections.ts'
import { watchRequests } from '../../../src/worker/requests.ts'

type Handler = (req: http.IncomingMessage, res: http.ServerResponse) => void

const handler: Handler = (req, res) => {
  if (req.url === '/never') return
  res.statusCode = Number(req.url?.slice(1))
  res.end('body')
}

test.each([
  ['HTTP/1', http.createServer, ask1],
  ['HTTP/2', (given: Handler) => http2.createServer(given as never), ask2],
] as const)('answers of %s are counted by status, and those cut off as aborted', async (_, create, ask) => {
  const { pulse, port, whenServed } = await serve(create(handler))
  for (const status of [200, 201, 304, 404, 503]) await ask(port, `/${status}`)
  await ask(port, '/never', 50)
  await whenServed(6)
  expect(countersOf(pulse)).toEqual({ active: 0, served: 6, aborted: 1, status2xx: 2, status3xx: 1, status4xx: 1, status5xx: 1 })
})

async function serve(server: http.Server | http2.Http2Server) {
  const pulse = createPulse()
  const connections = createConnections(pulse, () => undefined)
  let onFinished = (): void => undefined
  watchRequests(server as unknown as Server, pulse, connections, {
    preRequest: null,
    postRequest: null,
    accessLog: null,
    onCounted: null,
    onRequest: null,
    onFinished: () => onFinished(),
    mayKeepAlive: () => true,
  })
  server.on('connection', (socket) => void connections.track(socket))
  await new Promise<void>((resolve) => void server.listen(0, '127.0.0.1', resolve))
  onTestFinished(() => void server.close())
  const whenServed = (count: number) =>
    new Promise<void>((resolve) => {
      onFinished = () => void (pulse.get('served') >= count && resolve())
      onFinished()
    })
  return { pulse, port: (server.address() as AddressInfo).port, whenServed }
}

/** Waits for the answer, or gives up after that many milliseconds. */
function ask1(port: number, path: string, giveUpMs?: number): Promise<void> {
  return new Promise((resolve) => {
    const request = http.get({ host: '127.0.0.1', port, path, agent: false }, (response) => response.resume())
    request.on('error', () => undefined).on('close', resolve)
    if (giveUpMs !== undefined) setTimeout(() => request.destroy(), giveUpMs)
  })
}

function ask2(port: number, path: string, giveUpMs?: number): Promise<void> {
  return new Promise((resolve) => {
    const session = http2.connect(`http://127.0.0.1:${port}`)
    const stream = session.request({ ':path': path })
    stream.resume().on('error', () => undefined)
    stream.on('close', () => session.close(resolve))
    if (giveUpMs !== undefined) setTimeout(() => stream.close(http2.constants.NGHTTP2_CANCEL), giveUpMs)
  })
}

function countersOf(pulse: Pulse) {
  const names = ['active', 'served', 'aborted', 'status2xx', 'status3xx', 'status4xx', 'status5xx'] as const
  return Object.fromEntries(names.map((name) => [name, pulse.get(name)]))
}
