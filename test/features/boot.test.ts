import { expect, test } from 'vitest'
import { ask } from '../support/client.ts'
import { root, start } from '../support/harness.ts'

test('one command serves an unmodified Express app from supervised workers', async () => {
  const server = start({ args: [`${root}/docs/examples/shop/app.js`, '-w', '2', '-b', '127.0.0.1:0'] })
  await server.ready()
  const answer = await ask({ port: server.port(), path: '/api/products/1' })
  expect(answer.status).toBe(200)
  expect(server.workers().size).toBe(2)
  expect(await server.stop()).toEqual({ code: 0, signal: null })
  expect(server.all('worker.gone')).toHaveLength(2)
})
