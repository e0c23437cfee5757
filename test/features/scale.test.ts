/** TTIN and TTOU: one worker more, one worker less. */
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { ask, begin } from '../support/client.ts'
import { type Running, start } from '../support/harness.ts'
import { killBootsOf } from '../support/kill-boots.ts'
import { startLoad } from '../support/load.ts'
import { hangingAtImport, holding, saying } from '../support/programs.ts'

const bind = ['-b', '127.0.0.1:0']
const put = (server: Running, file: string, text: string) => writeFileSync(join(server.folder, file), text)

test('TTIN adds a worker, and TTOU takes it away again, without a failed request', async () => {
  const server = start({ args: ['app.mjs', '-w', '1', ...bind], files: { 'app.mjs': saying('here') } })
  await server.ready()
  const first = server.workers().get(0)
  const load = startLoad({ port: server.port() })
  await load.more(10)
  server.signal('SIGTTIN')
  await server.until('arbiter.scaled', { from: 1, to: 2 })
  await server.until('worker.ready', { slot: 1 })
  await load.more(20)
  server.signal('SIGTTOU')
  await server.until('arbiter.scaled', { from: 2, to: 1 })
  await server.until('worker.gone', { slot: 1 })
  await load.more(10)
  expect((await load.stop()).failures).toEqual([])
  expect(server.workers()).toEqual(new Map([[0, first]]))
})

test('TTOU lets the worker that goes finish the request that it has', async () => {
  const server = start({ args: ['app.mjs', '-w', '2', ...bind], files: { 'app.mjs': holding } })
  await server.ready()
  const held = []
  do held.push(await begin({ port: server.port(), path: '/hold/end' }))
  while (Number(held.at(-1)?.headers['pid']) !== server.workers().get(1))
  server.signal('SIGTTOU')
  await server.until('worker.draining', { slot: 1, reason: 'scale' })
  put(server, 'end', '')
  for (const { whole } of held) expect((await whole).body).toBe('held')
  const drained = await server.until('worker.drained', { slot: 1 })
  expect(drained['cutRequests']).toBe(0)
  await server.until('worker.gone', { slot: 1 })
  expect(server.workers().size).toBe(1)
})

test('TTOU never takes the last worker', async () => {
  const server = start({ args: ['app.mjs', '-w', '2', ...bind], files: { 'app.mjs': saying('here') } })
  await server.ready()
  for (let n = 1; n <= 4; n++) {
    server.signal('SIGTTOU')
    await server.untilCount('arbiter.signal', n, { signal: 'SIGTTOU' })
  }
  await server.until('worker.gone')
  expect((await ask({ port: server.port() })).body).toBe('here')
  expect(server.all('arbiter.scaled').map(({ from, to }) => [from, to])).toEqual([[2, 1]])
  expect(server.workers().size).toBe(1)
})

test('an arbiter that was told to have no worker keeps none at TTOU and gets one at TTIN', async () => {
  const server = start({ args: ['app.mjs', '-w', '0', ...bind], files: { 'app.mjs': saying('here') } })
  await server.ready()
  server.signal('SIGTTOU')
  await server.until('arbiter.signal')
  server.signal('SIGTTIN')
  await server.until('arbiter.scaled', { from: 0, to: 1 })
  await server.until('worker.ready')
  expect((await ask({ port: server.port() })).body).toBe('here')
  expect(server.all('worker.booting')).toHaveLength(1)
})

test('the hook nworkersChanged hears each change with the old count, and no change that is none', async () => {
  const config = `export default { nworkersChanged: (arbiter, now, old) => arbiter.log.info([arbiter.workers, old, now].join(' ')) }`
  const server = start({ args: ['app.mjs', '-w', '1', ...bind], files: { 'app.mjs': saying('here'), 'monoceros.config.mjs': config } })
  await server.ready()
  server.signal('SIGTTOU')
  await server.until('arbiter.signal', { signal: 'SIGTTOU' })
  server.signal('SIGTTIN')
  await server.until('worker.ready', { slot: 1 })
  server.signal('SIGTTOU')
  await server.until('worker.gone', { slot: 1 })
  expect(await server.stop()).toEqual({ code: 0, signal: null })
  expect(server.all('hook.info').map(({ text }) => text)).toEqual(['1  1', '2 1 2', '1 2 1'])
})

test('TTOU ends a worker that is still booting', async () => {
  const server = start({ args: ['app.mjs', '-w', '1', ...bind], files: { 'app.mjs': saying('here') } })
  await server.ready()
  put(server, 'app.mjs', hangingAtImport)
  server.signal('SIGTTIN')
  const { childPid } = await server.until('worker.booting', { slot: 1 })
  server.signal('SIGTTOU')
  await server.until('worker.gone', { slot: 1, childPid })
  expect((await ask({ port: server.port() })).body).toBe('here')
  expect(server.all('worker.booting', { slot: 1 })).toHaveLength(1)
})

test('a worker added by TTIN that cannot boot is tried at intervals, until TTOU takes the wish back', async () => {
  const server = start({ args: ['app.mjs', '-w', '1', ...bind], files: { 'app.mjs': saying('here') } })
  await server.ready()
  put(server, 'app.mjs', 'throw new Error("no")')
  server.signal('SIGTTIN')
  await server.untilCount('worker.boot-failed', 2, { slot: 1 })
  await killBootsOf(server, { slot: 1 }, server.until('worker.backoff', { slot: 1 }))
  server.signal('SIGTTOU')
  await server.until('arbiter.scaled', { from: 2, to: 1 })
  expect((await ask({ port: server.port() })).body).toBe('here')
  expect(await server.stop()).toEqual({ code: 0, signal: null })
})

test('TTIN and TTOU while the first workers boot count', async () => {
  const late = `import { existsSync } from 'node:fs'
    while (!existsSync('go')) await new Promise((resolve) => setTimeout(resolve, 10))
    ${saying('late')}`
  const server = start({ args: ['app.mjs', '-w', '2', ...bind], files: { 'app.mjs': late } })
  await server.untilCount('worker.booting', 2)
  server.signal('SIGTTIN')
  await server.until('arbiter.scaled', { from: 2, to: 3 })
  put(server, 'go', '')
  await server.untilCount('worker.ready', 3)
  expect(server.workers().size).toBe(3)
})
