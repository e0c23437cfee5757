/** Who gets in at the arbiter's own HTTP door, and who is let go. */
import { once } from 'node:events'
import { connect } from 'node:net'
import { expect, onTestFinished, test } from 'vitest'
import { type DoorOptions, openDoor, type Route } from '../../../src/dashboard/http-door.ts'
import { ask } from '../../support/client.ts'

const route = (method: Route['method'], path: string, access: Route['access']): Route => ({
  method,
  path,
  access,
  handle: (_, res) => void res.end('in'),
})

const routes = [route('GET', '/open', 'open'), route('GET', '/read', 'read'), route('POST', '/change', 'change')]

async function doorAt(options: Partial<DoorOptions> = {}) {
  const problems: unknown[] = []
  const door = await openDoor({
    host: '127.0.0.1',
    port: 0,
    token: 'secret',
    routes,
    onProblem: (error) => problems.push(error),
    ...options,
  })
  onTestFinished(() => door.close())
  const at = async (path: string, headers: Record<string, string> = {}, method = 'GET') =>
    (await ask({ port: door.port, path, headers, method })).status
  return { door, at, problems }
}

const post = 'POST'

test('on loopback reading needs no token, and a change does', async () => {
  const { at } = await doorAt()
  expect(await at('/open')).toBe(200)
  expect(await at('/read')).toBe(200)
  expect(await at('/change', {}, post)).toBe(401)
  expect(await at('/change', { authorization: 'Bearer wrong' }, post)).toBe(401)
  expect(await at('/change', { authorization: 'Bearer secret' }, post)).toBe(200)
  expect(await at('/change', { cookie: 'a=b; monoceros_token=secret' }, post)).toBe(401)
})

test('elsewhere reading needs the token too, and only what is open does not', async () => {
  const { at } = await doorAt({ host: '0.0.0.0' })
  expect(await at('/open')).toBe(200)
  expect(await at('/read')).toBe(401)
  expect(await at('/read', { authorization: 'Bearer secret' })).toBe(200)
})

test('without a token nothing can be changed', async () => {
  const { at } = await doorAt({ token: null })
  expect(await at('/change', { authorization: 'Bearer null' }, post)).toBe(401)
  expect(await at('/change', { authorization: 'Bearer ' }, post)).toBe(401)
})

test('a name that is not its own is not answered: it was made to mean this host', async () => {
  const { at } = await doorAt({ names: ['console.example'] })
  expect(await at('/open', { host: 'evil.example' })).toBe(421)
  expect(await at('/read', { host: '127.0.0.1.evil.example:80' })).toBe(421)
  expect(await at('/change', { host: 'evil.example', authorization: 'Bearer secret' }, post)).toBe(421)
  for (const host of ['localhost:1', '127.0.0.1', '[::1]:9', '10.1.2.3', 'Console.Example:7']) expect(await at('/read', { host })).toBe(200)
})

test('scrapers and probes may use any name where it is not on loopback', async () => {
  const { at } = await doorAt({ host: '0.0.0.0' })
  expect(await at('/open', { host: 'shop.monitoring.svc:9100' })).toBe(200)
})

test('a page of another site can neither read nor change', async () => {
  const { at } = await doorAt()
  const authorization = 'Bearer secret'
  expect(await at('/change', { authorization, origin: 'http://evil.example' }, post)).toBe(403)
  expect(await at('/change', { authorization, origin: 'null' }, post)).toBe(403)
  expect(await at('/read', { 'sec-fetch-site': 'cross-site' })).toBe(403)
  expect(await at('/change', { authorization, host: 'localhost', origin: 'http://localhost', 'sec-fetch-site': 'same-origin' }, post)).toBe(
    200,
  )
})

test('what is not there, or not by this method, is told apart', async () => {
  const { at, door } = await doorAt()
  expect(await at('/nothing')).toBe(404)
  expect(await at('//')).toBe(400)
  expect(await at('/open', {}, 'HEAD')).toBe(200)
  expect((await ask({ port: door.port, path: '/change' })).headers.allow).toBe('POST')
  expect(await at('/change')).toBe(405)
})

test('a route that throws is told, and answered with 500', async () => {
  const { at, problems } = await doorAt({
    routes: [{ ...route('GET', '/bad', 'open'), handle: () => Promise.reject(new Error('as asked')) }],
  })
  expect(await at('/bad')).toBe(500)
  expect(String(problems[0])).toContain('as asked')
})

test('there are never more clients than it holds, and what is more is dropped at once', async () => {
  const { door, at } = await doorAt()
  const sockets = Array.from({ length: 160 }, () => connect(door.port, '127.0.0.1').on('error', () => undefined))
  onTestFinished(() => sockets.forEach((socket) => void socket.destroy()))
  const dropped = sockets.map((socket) => once(socket, 'close'))
  await Promise.all(Array.from({ length: 160 - 128 }, () => Promise.race(dropped)))
  await new Promise((resolve) => setImmediate(resolve))
  sockets.forEach((socket) => void socket.destroy())
  await Promise.all(dropped)
  expect(await at('/open')).toBe(200)
})
