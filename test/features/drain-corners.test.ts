/** Places where a drain could lose a request although nothing died. */
import http from 'node:http'
import { expect, test } from 'vitest'
import { ask } from '../support/client.ts'
import { start } from '../support/harness.ts'

const kept = () => new http.Agent({ keepAlive: true, maxSockets: 1 })

/**
 * A drain closes connections that have been idle for 2 s. While the loop is blocked nothing is read, so that a connection
 * looked idle whose request had long come: when the loop turned again, it was closed before it was read.
 */
test('a request that comes while the loop of a draining worker is blocked is answered', async () => {
  const app = `
    export default (request, response) => {
      if (request.url !== '/block') return response.end('ok')
      console.error(JSON.stringify({ event: 'app.blocks' }))
      Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 2_500)
      response.end('ok')
    }`
  const server = start({ args: ['app.mjs', '-b', '127.0.0.1:0'], files: { 'app.mjs': app } })
  await server.ready()
  const [blocking, waiting] = [kept(), kept()]
  const port = server.port()
  for (const agent of [blocking, waiting]) await ask({ port, agent })
  server.signal('SIGTERM')
  await server.until('worker.draining')
  const blocked = ask({ port, agent: blocking, path: '/block' })
  await server.until('app.blocks')
  const answer = await ask({ port, agent: waiting })
  expect(answer.headers.connection).toBe('close')
  expect((await blocked).status).toBe(200)
  expect(await server.exited).toEqual({ code: 0, signal: null })
})
