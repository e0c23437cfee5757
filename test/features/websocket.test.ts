/** Upgrades reach the app in both classes, and a drain tells WebSocket clients to come again (1012). */
import { execFileSync } from 'node:child_process'
import { once } from 'node:events'
import { existsSync, rmSync, writeFileSync } from 'node:fs'
import { connect, type Socket } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { io } from 'socket.io-client'
import { describe, expect, onTestFinished, test } from 'vitest'
import WebSocket from 'ws'
import { ask } from '../support/client.ts'
import { type Running, root, start, testFolder } from '../support/harness.ts'
import { lacksProgram } from '../support/system.ts'

// The apps import their packages, so they are served from inside the repository.
const serve = (app: string, args: readonly string[], env: Readonly<Record<string, string>> = {}): Running =>
  start({ args: [`test/apps/${app}`, '-b', '127.0.0.1:0', ...args], cwd: root, env })

async function open(server: Running, path = '/'): Promise<WebSocket> {
  const socket = new WebSocket(`ws://127.0.0.1:${server.port()}${path}`)
  onTestFinished(() => socket.terminate())
  await once(socket, 'open')
  return socket
}

async function echo(socket: WebSocket, text: string): Promise<string> {
  const answer = once(socket, 'message')
  socket.send(text)
  return String((await answer)[0])
}

/** The handshake of a WebSocket, written by hand where the moment of each byte counts. */
const handshake = (path: string) =>
  `GET ${path} HTTP/1.1\r\nHost: x\r\nConnection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: ${'A'.repeat(22)}==\r\n\r\n`

async function openRaw(server: Running): Promise<{ socket: Socket; received(): Buffer }> {
  const socket = connect({ host: '127.0.0.1', port: server.port(), allowHalfOpen: true })
  onTestFinished(() => void socket.destroy())
  let bytes = Buffer.alloc(0)
  socket.on('data', (chunk) => {
    bytes = Buffer.concat([bytes, chunk])
  })
  await once(socket, 'connect')
  return { socket, received: () => bytes }
}

/** FIN, opcode 8, and code 1012 in two bytes. */
const restartFrame = '880203f4'

describe.each(['async', 'sync'])('in class %s', (workerClass) => {
  test('a WebSocket is the app’s, whichever worker has it', async () => {
    const server = serve('ws.js', ['-w', '2', '-k', workerClass])
    await server.ready()
    const socket = await open(server)
    const [pid, text] = (await echo(socket, 'hello')).split(' ')
    expect(text).toBe('hello')
    expect([...server.workers().values()]).toContain(Number(pid))
    expect((await ask({ port: server.port() })).body).toBe('plain')
    expect(await echo(socket, 'again')).toBe(`${pid} again`)
  })

  test('a WebSocket holds nobody up: the worker takes other clients beside it', async () => {
    const server = serve('ws.js', ['-k', workerClass])
    await server.ready()
    const first = await open(server)
    expect((await ask({ port: server.port() })).body).toBe('plain')
    const second = await open(server)
    expect(await echo(second, 'b')).toMatch(/ b$/)
    expect(await echo(first, 'a')).toMatch(/ a$/)
  })

  test('socket.io works over WebSocket, among several workers', async () => {
    const server = serve('socket-io.js', ['-w', '2', '-k', workerClass])
    await server.ready()
    const socket = io(`http://127.0.0.1:${server.port()}`, { transports: ['websocket'], reconnection: false })
    onTestFinished(() => void socket.close())
    const answer = await socket.timeout(10_000).emitWithAck('ask', 'kettle')
    expect(answer).toEqual({ word: 'kettle', pid: expect.toSatisfy((pid) => [...server.workers().values()].includes(pid)) })
  })

  test('a drain closes a WebSocket with 1012, and waits for no grace', async () => {
    const server = serve('ws.js', ['-w', '2', '-k', workerClass])
    await server.ready()
    const sockets = [await open(server), await open(server)]
    const closed = sockets.map((socket) => once(socket, 'close'))
    expect(await server.stop()).toEqual({ code: 0, signal: null })
    for (const [code] of await Promise.all(closed)) expect(code).toBe(1012)
    expect(server.all('worker.drained', { cutRequests: 0 })).toHaveLength(2)
    expect(server.all('worker.grace-over')).toEqual([])
  })

  test('a reload closes the WebSockets of the old generation with 1012, and a new one is answered by the new', async () => {
    const server = serve('ws.js', ['-k', workerClass])
    await server.ready()
    const socket = await open(server)
    const [pid] = (await echo(socket, '')).split(' ')
    const closed = once(socket, 'close')
    server.signal('SIGHUP')
    expect((await closed)[0]).toBe(1012)
    await server.until('worker.gone', { childPid: Number(pid) })
    const [next] = (await echo(await open(server), '')).split(' ')
    expect(Number(next)).toBe(server.workers().get(0))
  })
})

test('socket.io that begins with polling is upgraded, where one worker has the session', async () => {
  const server = serve('socket-io.js', [])
  await server.ready()
  const socket = io(`http://127.0.0.1:${server.port()}`, { reconnection: false })
  onTestFinished(() => void socket.close())
  const upgraded = new Promise((resolve) => socket.io.engine.once('upgrade', ({ name }) => resolve(name)))
  expect(await socket.timeout(10_000).emitWithAck('ask', 'pot')).toMatchObject({ word: 'pot' })
  expect(await upgraded).toBe('websocket')
})

describe('at a drain', () => {
  test.skipIf(lacksProgram('openssl'))('a WebSocket over TLS is closed with 1012 too', async () => {
    const pems = testFolder()
    onTestFinished(() => rmSync(pems, { recursive: true }))
    const request = [
      'req',
      '-x509',
      '-newkey',
      'ec',
      '-pkeyopt',
      'ec_paramgen_curve:prime256v1',
      '-nodes',
      '-subj',
      '/CN=localhost',
      '-days',
      '2',
    ]
    execFileSync('openssl', [...request, '-keyout', 'key.pem', '-out', 'cert.pem'], { cwd: pems, stdio: 'ignore' })
    const server = serve('wss.js', [], { PEMS: pems })
    await server.ready()
    const socket = new WebSocket(`wss://127.0.0.1:${server.port()}`, { rejectUnauthorized: false })
    await once(socket, 'open')
    expect(await echo(socket, 'safe')).toMatch(/ safe$/)
    const closed = once(socket, 'close')
    expect(await server.stop()).toEqual({ code: 0, signal: null })
    expect((await closed)[0]).toBe(1012)
  })

  test('a handshake that the app is still thinking about is finished before the connection is told to go', async () => {
    const go = join(tmpdir(), `monoceros-go-${process.pid}`)
    onTestFinished(() => rmSync(go, { force: true }))
    expect(existsSync(go)).toBe(false)
    const server = serve('ws.js', [], { GO: go })
    await server.ready()
    const { socket, received } = await openRaw(server)
    socket.write(handshake('/held'))
    await server.until('arbiter.ready')
    // The answer to a later request says that the handshake before it has been read.
    await ask({ port: server.port() })
    server.signal('SIGTERM')
    await server.until('worker.draining')
    writeFileSync(go, '')
    await once(socket, 'end')
    const [head = '', rest = ''] = received().toString('latin1').split('\r\n\r\n')
    expect(head).toMatch(/^HTTP\/1\.1 101 /)
    expect(Buffer.from(rest, 'latin1').toString('hex')).toBe(restartFrame)
    socket.end()
    expect(await server.exited).toEqual({ code: 0, signal: null })
  })

  test('a handshake that comes too late is answered, and the connection told to go', async () => {
    const server = serve('ws.js', [])
    await server.ready()
    const { socket, received } = await openRaw(server)
    const text = handshake('/')
    socket.write(text.slice(0, 20))
    await ask({ port: server.port() })
    server.signal('SIGTERM')
    await server.until('worker.draining')
    socket.write(text.slice(20))
    await once(socket, 'end')
    expect(received().toString('latin1')).toMatch(/^HTTP\/1\.1 101 /)
    expect(received().toString('hex')).toMatch(new RegExp(`${restartFrame}$`))
    socket.end()
    expect(await server.exited).toEqual({ code: 0, signal: null })
  })

  test('a refused handshake whose client stays on does not hurt the worker', async () => {
    const server = serve('ws.js', ['--graceful-timeout', '1'])
    await server.ready()
    const { socket, received } = await openRaw(server)
    socket.write(handshake('/refused'))
    await once(socket, 'end')
    expect(received().toString('latin1')).toMatch(/^HTTP\/1\.1 401 /)
    expect(await server.stop()).toEqual({ code: 0, signal: null })
    expect(server.all('worker.uncaught')).toEqual([])
    expect(server.all('worker.died')).toEqual([])
  })
})
