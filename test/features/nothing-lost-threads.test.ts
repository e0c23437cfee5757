/** Places in gthread where a request was lost, or answered for its handler, although no thread was executing it. */
import { expect, test } from 'vitest'
import { ask } from '../support/client.ts'
import { start } from '../support/harness.ts'

const serve = async (app: string, ...args: readonly string[]) => {
  const server = start({ args: ['app.mjs', '-b', '127.0.0.1:0', '-k', 'gthread', ...args], files: { 'app.mjs': app } })
  await server.ready()
  return server
}

const lasting = (ms: number) => `Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, ${ms})`

/**
 * A handler may answer first and do its work then. The main thread was not woken for an answer before the handler had returned:
 * it came late, and when the handler never returned, its client got 504 for an answer that lay in the lane.
 */
test('an answer leaves when it is given, whatever its handler does to its thread after it', async () => {
  const server = await serve(`export default (request, response) => { response.end('given'); ${lasting(60_000)} }`, '--timeout', '1')
  expect(await ask({ port: server.port() })).toMatchObject({ status: 200, body: 'given' })
  const autopsy = await server.until('thread.autopsy')
  expect(autopsy['requests']).toEqual([])
})

/** Those without a body were given to another thread; the bytes of a body had gone to the dead one. */
test.each([
  ['a body that is whole', 20_000],
  ['a body of which more is to come than one thread is given', 2_000_000],
])('a request with %s is answered although the thread that it was given to dies before it begins', async (_, bytes) => {
  const app = `
    export default async (request, response) => {
      if (request.method === 'GET') {
        response.end('dies')
        ${lasting(400)}
        process.exit(1)
      }
      const chunks = []
      for await (const chunk of request) chunks.push(chunk)
      response.end(Buffer.concat(chunks))
    }`
  const server = await serve(app, '--threads', '1')
  const port = server.port()
  expect(await ask({ port })).toMatchObject({ status: 200, body: 'dies' })
  const body = Array.from({ length: bytes / 10 }, (_, n) => String(n).padStart(10)).join('')
  const answer = await ask({ port, method: 'POST', body })
  expect(answer.status).toBe(200)
  expect(answer.body === body).toBe(true)
  expect(server.all('thread.died')).toHaveLength(1)
})

/**
 * It has places by count: after its answer, or beside a request that awaits. It was given every other request, which waited
 * with it for as long as it was blocked.
 */
test.each([
  ['is blocked after its answer', ['--threads', '2'], '/after', 0],
  ['has more places, and is blocked in one of them', ['--threads', '2', '--thread-concurrency', '4'], '/before', 1],
])('a thread that %s is given nothing while another has a place', async (_, args, path, awaiting) => {
  const app = `
    export default async (request, response) => {
      if (request.url === '/await') await new Promise((resolve) => setTimeout(resolve, 4_000))
      if (request.url !== '/before') response.end('given')
      if (request.url !== '/after' && request.url !== '/before') return
      console.error(JSON.stringify({ event: 'app.blocks' }))
      ${lasting(3_000)}
      console.error(JSON.stringify({ event: 'app.free' }))
      response.end()
    }`
  const server = await serve(app, ...args)
  const port = server.port()
  const held = [ask({ port, path }), ...Array.from({ length: awaiting }, () => ask({ port, path: '/await' }))]
  await server.until('app.blocks')
  for (let n = 0; n < 20; n++) {
    const body = n % 2 === 0 ? {} : { method: 'POST', body: 'some' }
    expect((await ask({ port, ...body })).status).toBe(200)
  }
  expect(server.all('app.free')).toEqual([])
  await server.until('app.free')
  expect((await Promise.all(held)).map(({ status }) => status)).toEqual(held.map(() => 200))
})

/** They had waited for longer than the timeout when the stuck thread was replaced, and were refused a moment before. */
test('requests that come while every thread is stuck are answered by the threads that replace them', async () => {
  const app = `
    export default (request, response) => {
      if (request.url !== '/block') return response.end('served')
      console.error(JSON.stringify({ event: 'app.blocks' }))
      ${lasting(60_000)}
    }`
  const server = await serve(app, '--threads', '1', '--timeout', '2')
  const port = server.port()
  const blocked = ask({ port, path: '/block' })
  await server.until('app.blocks')
  const waiting = await Promise.all(Array.from({ length: 20 }, () => ask({ port })))
  expect(waiting.map(({ status }) => status)).toEqual(waiting.map(() => 200))
  expect((await blocked).status).toBe(504)
})
