/** Clients that stall, leave their body unread, pipeline, or only sit there: none of them holds what others need. */
import { once } from 'node:events'
import http from 'node:http'
import net from 'node:net'
import { setTimeout as pause } from 'node:timers/promises'
import { describe, expect, onTestFinished, test } from 'vitest'
import { ask } from '../support/client.ts'
import { exchange } from '../support/contract/talk.ts'
import { crowd, faulty, serves, workerOf } from '../support/faults.ts'
import type { Running } from '../support/harness.ts'

const base = (server: Running) => ({ host: '127.0.0.1', port: server.port() })
const get = (path: string) => `GET ${path} HTTP/1.1\r\nHost: a\r\n\r\n`
const post = (path: string, bytes: number) => `POST ${path} HTTP/1.1\r\nHost: a\r\nContent-Length: ${bytes}\r\n\r\n`

/** What a connection may have behind it when its client stalls. */
const befores: readonly (readonly [name: string, before: string, answers: number])[] = [
  ['on a fresh connection', '', 0],
  ['on a connection that was used before', get('/before'), 1],
  ['pipelined behind others', get('/before') + get('/before'), 2],
]

describe('a client that stalls in the middle of a head holds no thread, and is answered 408 after header_timeout', () => {
  test.each(befores)('%s', async (_, before, count) => {
    const server = await faulty('--threads', '1', '--header-timeout', '0.5', '--timeout', '1')
    const pid = workerOf(server)
    const others = crowd(server.port())
    const slow = client(server, `${before}GET / HTTP/1.1\r\nHost: a\r\nX-Slow: `)
    await others.goesOn(30)
    await slow.ended
    expect(slow.statuses()).toEqual([...Array(count).fill(200), 408])
    await others.goesOn()
    expect((await others.stop()).problems).toEqual([])
    await serves(server, pid)
    expect(server.all('request.hung')).toEqual([])
  })
})

describe('a client that stalls in the middle of a body holds its place in a thread and no other, and ends by body_timeout', () => {
  test.each(befores)('%s', async (_, before, count) => {
    const server = await faulty('--threads', '2', '--header-timeout', '0.5', '--body-timeout', '0.5', '--timeout', '0.2')
    const pid = workerOf(server)
    const others = crowd(server.port())
    const slow = client(server, `${before}${post('/echo', 10)}12345`)
    await others.goesOn(30)
    await slow.ended
    // What came of the answer was begun before the client stalled: such an answer is cut.
    expect(slow.statuses().slice(0, count)).toEqual(Array(count).fill(200))
    await others.goesOn()
    expect((await others.stop()).problems).toEqual([])
    await serves(server, pid)
    expect(server.all('request.hung')).toEqual([])
    expect(server.all('thread.recycle')).toEqual([])
    expect(server.all('thread.timeout')).toEqual([])
  })
})

test('a handler has its whole timeout from the last that came of its body, however long its client took', async () => {
  const server = await faulty('--threads', '1', '--timeout', '1')
  const pid = workerOf(server)
  const slow = client(server, post('/late', 3))
  for (const part of ['a', 'b', 'c']) {
    await pause(600)
    slow.socket.write(part)
  }
  await slow.answered
  expect(slow.statuses()).toEqual([200])
  await serves(server, pid)
  expect(server.all('request.hung')).toEqual([])
})

test('with thread_concurrency, a client that stalls in its body leaves the other places of its thread to others', async () => {
  const server = await faulty('--threads', '1', '--thread-concurrency', '2', '--header-timeout', '0.5', '--body-timeout', '0.5')
  const pid = workerOf(server)
  const slow = client(server, `${post('/echo', 10)}12345`)
  const others = crowd(server.port())
  await others.goesOn(30)
  await slow.ended
  await others.goesOn()
  expect((await others.stop()).problems).toEqual([])
  await serves(server, pid)
})

test('a body that the handler does not read delays neither its answer nor the next request of the connection', async () => {
  const server = await faulty('--threads', '2', '--timeout', '1')
  const pid = workerOf(server)
  const agent = new http.Agent({ keepAlive: true, maxSockets: 1 })
  onTestFinished(() => agent.destroy())
  const body = Buffer.alloc(2 * 2 ** 20, 'x')
  for (let n = 0; n < 5; n++) {
    expect(await ask({ port: server.port(), path: '/unread', method: 'POST', body, agent })).toMatchObject({
      status: 200,
      body: 'not read',
    })
    expect((await ask({ port: server.port(), path: '/after', agent })).status).toBe(200)
  }
  await serves(server, pid)
  expect(server.all('request.hung')).toEqual([])
})

test('a body that nobody reads is stepped over by the requests that are pipelined behind it', async () => {
  const server = await faulty('--threads', '2', '--timeout', '1')
  const pid = workerOf(server)
  const big = 2 * 2 ** 20
  const sent = `${get('/before')}${post('/unread', big)}${'x'.repeat(big)}${get('/after')}${post('/echo', 5)}hello${get('/after')}`
  const { answers } = await exchange(base(server), sent, { count: 5 })
  expect(answers.map(({ status }) => status)).toEqual([200, 200, 200, 200, 200])
  expect(answers[1]?.body.toString()).toBe('not read')
  expect(answers[3]?.body.toString()).toBe('hello')
  await serves(server, pid)
})

test('an unread body whose client stalls in it leaves the thread to others at once', async () => {
  const server = await faulty('--threads', '1', '--header-timeout', '0.5', '--body-timeout', '0.5')
  const pid = workerOf(server)
  const slow = client(server, `${post('/unread', 1_000)}begun`)
  const others = crowd(server.port())
  await others.goesOn(30)
  expect(slow.statuses()).toEqual([200])
  await slow.ended
  expect((await others.stop()).problems).toEqual([])
  await serves(server, pid)
})

test('idle keep-alive connections do not delay the exit', async () => {
  const server = await faulty('--threads', '2', '--graceful-timeout', '30', '--keep-alive', '75')
  const idle = Array.from({ length: 20 }, () => client(server, get('/before')))
  const silent = client(server, '')
  await Promise.all(idle.map(({ answered }) => answered))
  const startedMs = performance.now()
  expect(await server.stop()).toEqual({ code: 0, signal: null })
  // An idle connection is waited for 2 s, in case its client has just sent a request.
  expect(performance.now() - startedMs).toBeLessThan(15_000)
  for (const { socket } of [...idle, silent]) socket.destroy()
})

/** A socket of a client's own, and what it heard on it. */
function client(server: Running, sent: string) {
  const socket = net.connect(base(server))
  onTestFinished(() => void socket.destroy())
  let heard = ''
  socket.on('error', () => undefined) // the server may cut it
  socket.on('data', (chunk) => {
    heard += chunk
  })
  const answered = once(socket, 'data')
  socket.write(sent)
  return {
    socket,
    answered,
    ended: once(socket, 'close'),
    statuses: () => Array.from(heard.matchAll(/HTTP\/1\.1 (\d+) /g), (match) => Number(match[1])),
  }
}
