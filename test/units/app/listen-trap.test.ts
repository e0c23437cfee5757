import { createServer as createHttp } from 'node:http'
import { createServer as createHttp2 } from 'node:http2'
import { createServer as createHttps } from 'node:https'
import net, { createServer, type Server } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createServer as createTls } from 'node:tls'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { installListenTrap, type TrappedListen } from '../../../src/app/listen-trap.ts'

let trap: { remove(): void }
let trapped: TrappedListen[]

beforeEach(() => {
  trapped = []
  trap = installListenTrap((listen) => trapped.push(listen))
})
afterEach(() => trap.remove())

const listen = (server: Server, args: readonly unknown[]): unknown => Reflect.apply(server.listen, server, args)
const callback = () => {}

describe('the wish of each form', () => {
  const any = { host: null, port: 0, path: null }
  test.each([
    ['nothing', [], any],
    ['a callback', [callback], any],
    ['null', [null], any],
    ['undefined', [undefined], any],
    ['undefined and a callback', [undefined, callback], any],
    ['a port', [3000], { ...any, port: 3000 }],
    ['port 0', [0], any],
    ['a port as text', ['3000'], { ...any, port: 3000 }],
    ['a port in hexadecimal', ['0xbb8'], { ...any, port: 3000 }],
    ['port, host', [3000, '127.0.0.1'], { host: '127.0.0.1', port: 3000, path: null }],
    ['port, host, backlog, callback', [3000, '::1', 10, callback], { host: '::1', port: 3000, path: null }],
    ['port, backlog', [3000, 10], { ...any, port: 3000 }],
    ['port, undefined, callback', [3000, undefined, callback], { ...any, port: 3000 }],
    ['options', [{ port: 3000, host: 'localhost', exclusive: true, ipv6Only: true }], { host: 'localhost', port: 3000, path: null }],
    ['options with an empty host', [{ port: 3000, host: '' }], { ...any, port: 3000 }],
    ['options without a port', [{ port: undefined }], any],
    ['options with port null', [{ port: null }], any],
    ['a path', ['/tmp/x.sock'], { host: null, port: null, path: '/tmp/x.sock' }],
    ['a path in options', [{ path: '/tmp/x.sock', host: 'x' }], { host: null, port: null, path: '/tmp/x.sock' }],
    ['a port before a path', [{ port: 3000, path: '/tmp/x.sock' }], { ...any, port: 3000 }],
  ])('%s', (_, args, wish) => {
    const server = createServer()
    expect(listen(server, args)).toBe(server)
    expect(trapped).toHaveLength(1)
    expect(trapped[0]).toMatchObject({ server, wish, callback: args.includes(callback as never) ? callback : null })
    expect(server.listenerCount('listening')).toBe(args.includes(callback as never) ? 2 : 1)
    expect(server.listening).toBe(false)
  })

  test.each([
    [[3000, 10], 10],
    [[3000, '127.0.0.1', 20], 20],
    [[{ port: 3000, backlog: 30 }], 30],
    [['/tmp/x.sock', 40], 40],
    [[3000, '127.0.0.1'], null],
    [[3000], null],
  ])('backlog of %j', (args, backlog) => {
    listen(createServer(), args)
    expect(trapped[0]?.backlog).toBe(backlog)
  })
})

test('servers of every kind are caught', () => {
  const servers = [createServer(), createHttp(), createHttps(), createHttp2(), createTls()] as Server[]
  for (const server of servers) server.listen(3000)
  expect(trapped.map((each) => each.server)).toEqual(servers)
})

test.each([
  [[65536]],
  [[-1]],
  [['']],
  [[{ port: 'http' }]],
  [[true]],
  [[{}]],
  [[{ path: 3 }]],
  [[{ host: 'localhost' }]],
  [[{ port: 3000, signal: 1 }]],
  [[{ port: 3000, host: 5 }]],
])('what Node refuses, Node refuses: %j', (args) => {
  const thrown = (): unknown => {
    try {
      listen(createServer(), args)
      return undefined
    } catch (error) {
      return error
    }
  }
  const ours = thrown() as NodeJS.ErrnoException
  trap.remove()
  const native = thrown() as NodeJS.ErrnoException
  expect(native).toBeInstanceOf(Error)
  expect(ours).toMatchObject({ code: native.code, message: native.message })
  expect(trapped).toEqual([])
})

test('a second listen() throws as in Node, until the server is closed', async () => {
  const server = createServer().listen(3000)
  expect(() => server.listen(3001)).toThrow(expect.objectContaining({ code: 'ERR_SERVER_ALREADY_LISTEN' }))
  await new Promise((resolve) => server.on('close', resolve).close())
  expect(trapped[0]?.isCancelled()).toBe(true)
  server.listen(3002)
  expect(trapped.map((each) => each.wish.port)).toEqual([3000, 3002])
  expect(trapped[1]?.isCancelled()).toBe(false)
})

test('the caller binds by a descriptor or handle; the app’s callback runs once and sees the true address', async () => {
  const { _createServerHandle } = net as unknown as { _createServerHandle(host: string, port: number, family: 4): object }
  const handle = _createServerHandle('127.0.0.1', 0, 4)
  const ports: (number | undefined)[] = []
  const server = createHttp()
  const portOf = () => (server.address() as { port: number } | null)?.port
  server.listen(3000, () => ports.push(portOf()))
  expect(server.address()).toEqual({ address: '::', family: 'IPv6', port: 3000 })
  await new Promise<void>((resolve) => server.once('listening', resolve).listen({ handle } as never, 511))
  expect(ports).toEqual([portOf()])
  expect(portOf()).not.toBe(3000)
  expect(Object.hasOwn(server, 'address')).toBe(false)
  expect(trapped).toHaveLength(1)
  expect(() => server.listen(3001)).toThrow(expect.objectContaining({ code: 'ERR_SERVER_ALREADY_LISTEN' }))
  await new Promise((resolve) => server.close(resolve))
})

test('a binding that failed reaches the app as an error event, and it may try again', () => {
  const errors: unknown[] = []
  const server = createServer().on('error', (error) => errors.push(error))
  server.listen(3000, callback)
  const failure = Object.assign(new Error('in use'), { code: 'EADDRINUSE' })
  trapped[0]?.fail(failure)
  expect(errors).toEqual([failure])
  expect(server.listeners('listening')).toEqual([])
  expect(server.address()).toBe(null)
  server.listen(3001)
  expect(trapped).toHaveLength(2)
  trapped[1]?.fail(failure)
  server.removeAllListeners('error')
  server.listen(3002)
  expect(() => trapped[2]?.fail(failure)).toThrow(failure)
})

test('an abort signal closes the server, aborted before or after', async () => {
  const controller = new AbortController()
  const server = createServer()
  server.listen({ port: 3000, signal: controller.signal })
  const closed = new Promise((resolve) => server.once('close', resolve))
  controller.abort()
  await closed
  expect(trapped[0]?.isCancelled()).toBe(true)
  const late = createServer()
  late.listen({ port: 3000, signal: controller.signal })
  await new Promise((resolve) => late.once('close', resolve))
  expect(trapped[1]?.isCancelled()).toBe(true)
})

test('after remove() servers bind again', async () => {
  trap.remove()
  const path = join(tmpdir(), `monoceros-trap-${process.pid}.sock`)
  const server = createServer()
  await new Promise<void>((resolve) => server.listen(path, resolve))
  expect(server.address()).toBe(path)
  await new Promise((resolve) => server.close(resolve))
  expect(trapped).toEqual([])
})
