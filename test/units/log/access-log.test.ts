import { once } from 'node:events'
import fs from 'node:fs'
import http from 'node:http'
import net, { type AddressInfo } from 'node:net'
import path from 'node:path'
import { describe, expect, it, onTestFinished, vi } from 'vitest'
import { type AccessLog, createAccessLog, defaultAccessFormat } from '../../../src/log/access-log.ts'
import { linesIn, ownFolder } from './support.ts'

interface Served {
  readonly log: AccessLog
  readonly file: string
  readonly port: number
}

async function serve(format: string, handler: http.RequestListener): Promise<Served> {
  const file = path.join(ownFolder(), 'access.log')
  const log = createAccessLog({ destination: file, format, onProblem: () => {} })
  const server = http.createServer((req, res) => {
    const remote = req.socket.remoteAddress ?? null
    res.on('close', () => log.write({ req, res, tookMs: 1, bodyBytes: 2, remote, pid: process.pid }))
    handler(req, res)
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  onTestFinished(() => {
    server.closeAllConnections()
    server.close()
  })
  return { log, file, port: (server.address() as AddressInfo).port }
}

async function send(port: number, bytes: string): Promise<void> {
  const socket = net.connect(port, '127.0.0.1')
  socket.end(bytes, 'latin1')
  socket.resume()
  await once(socket, 'close')
}

const ok: http.RequestListener = (_, res) => res.end('ok')

describe('a real server', () => {
  it('has one line for each request, in Gunicorn’s default format', async () => {
    const { log, file, port } = await serve(defaultAccessFormat, ok)
    await send(port, 'GET /a?b=%0a HTTP/1.1\r\nHost: x\r\nUser-Agent: a"b\\c\xe9\r\nConnection: close\r\n\r\n')
    await log.flush()
    const [line] = linesIn(file)
    expect(line).toMatch(/^127\.0\.0\.1 - - \[\d\d\/[A-Z][a-z]{2}\/\d{4}:\d\d:\d\d:\d\d [+-]\d{4}\] "GET \/a\?b=%0a HTTP\/1\.1" 200 2 "-" /)
    expect(line?.endsWith('"a\\x22b\\x5Cc\\xE9"')).toBe(true)
  })

  it('shows headers given to writeHead, and those that Node adds', async () => {
    const { log, file, port } = await serve('%({X-Given}o)s|%({Connection}o)s|%({Absent}o)s', (_, res) => {
      res.writeHead(204, { 'x-given': 'yes' }).end()
    })
    await send(port, 'GET / HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n')
    await log.flush()
    expect(linesIn(file)).toEqual(['yes|close|-'])
  })

  it('shows no status for a request whose client went before any was sent', async () => {
    const { log, file, port } = await serve('%(r)s %(s)s', (req) => req.socket.destroy())
    await send(port, 'GET /gone HTTP/1.1\r\nHost: x\r\n\r\n')
    await vi.waitFor(async () => {
      await log.flush()
      expect(linesIn(file)).toEqual(['GET /gone HTTP/1.1 -'])
    })
  })

  it('survives whatever comes as Basic authorization', async () => {
    const { log, file, port } = await serve('%(u)s', ok)
    for (const value of ['Basic', 'Basic =', 'Basic \xff', 'Basic Zm9v', 'basic YW5uOnB3', 'Basic CjpQ']) {
      await send(port, `GET / HTTP/1.1\r\nHost: x\r\nAuthorization: ${value}\r\nConnection: close\r\n\r\n`)
    }
    await log.flush()
    expect(linesIn(file)).toEqual(['-', '-', '-', '-', 'ann', '\\x0A'])
  })
})

describe('the file', () => {
  it('is written within 250 ms without being asked', async () => {
    const { file, port } = await serve('%(m)s', ok)
    await send(port, 'GET / HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n')
    await vi.waitFor(() => expect(linesIn(file)).toEqual(['GET']))
  })

  it('changes with reopen, losing nothing that was gathered', async () => {
    const { log, file, port } = await serve('%(U)s', ok)
    const get = (url: string): Promise<void> => send(port, `GET ${url} HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n`)
    await get('/one')
    await log.flush()
    await get('/two')
    fs.renameSync(file, `${file}.1`)
    log.reopen()
    await get('/three')
    await log.flush()
    expect([linesIn(`${file}.1`), linesIn(file)]).toEqual([['/one'], ['/two', '/three']])
  })

  it('may be missing: requests go on, and the problem is told', async () => {
    const onProblem = vi.fn()
    const log = createAccessLog({ destination: path.join(ownFolder(), 'no/access.log'), format: 'json', onProblem })
    const req = new http.IncomingMessage(new net.Socket())
    log.write({ req, res: new http.ServerResponse(req), tookMs: 0, bodyBytes: null, remote: null, pid: 1 })
    await log.flush()
    expect(onProblem).toHaveBeenCalledWith('log.failed', expect.objectContaining({ problem: expect.stringContaining('ENOENT') }))
  })

  it('never throws: an entry that cannot be described is dropped', () => {
    const log = createAccessLog({ destination: '/dev/null', format: '%(u)s', onProblem: () => {} })
    log.write(null as never)
    expect(log.dropped).toBe(1)
  })
})
