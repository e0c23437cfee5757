/** max_requests: a worker that has served enough is followed by another before it goes. */
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { ask, begin } from '../support/client.ts'
import { type Running, start } from '../support/harness.ts'
import { startLoad } from '../support/load.ts'
import { holding, importingAfter, saying } from '../support/programs.ts'

const bind = ['-b', '127.0.0.1:0']
const put = (server: Running, file: string, text: string) => writeFileSync(join(server.folder, file), text)
const body = async (server: Running) => (await ask({ port: server.port() })).body
const sayingPid = 'export default (req, res) => res.end(String(process.pid))\n'

test('a worker that has served max_requests is followed by one that is ready first, and no request fails', async () => {
  const server = start({ args: ['app.mjs', '-w', '2', '--max-requests', '15', ...bind], files: { 'app.mjs': saying('here') } })
  await server.ready()
  const load = startLoad({ port: server.port() })
  await server.untilCount('worker.gone', 12)
  const { failures, answered } = await load.stop()
  expect(failures).toEqual([])
  expect(answered).toBeGreaterThan(12 * 15)
  // More replacements than the restart window has room for: they are wanted and do not count.
  expect(server.all('worker.backoff')).toHaveLength(0)
  for (const { slot, age } of server.all('worker.draining', { reason: 'recycle' })) {
    const isReadyOf = (line: (typeof server.lines)[number]) =>
      line.event === 'worker.ready' && line.slot === slot && Number(line.age) > Number(age)
    const drains = server.lines.findIndex((line) => line.event === 'worker.draining' && line.age === age)
    expect(server.lines.findIndex(isReadyOf)).toBeLessThan(drains)
  }
})

test('max_requests_jitter spreads the moment over its whole width, never before max_requests', async () => {
  const args = ['app.mjs', '-w', '4', '--max-requests', '10', '--max-requests-jitter', '40', ...bind]
  const server = start({ args, files: { 'app.mjs': saying('here') } })
  await server.ready()
  const load = startLoad({ port: server.port(), keepAlive: 0, fresh: 4 })
  const lines = await server.untilCount('worker.recycle', 8)
  await load.stop()
  const served = lines.map((line) => Number(line['served']))
  expect(Math.min(...served)).toBeGreaterThanOrEqual(10)
  expect(Math.max(...served)).toBeLessThanOrEqual(50 + 4) // requests that end together are counted together
  expect(new Set(served).size).toBeGreaterThan(2)
})

test('a worker that is to be recycled finishes what it has', async () => {
  const server = start({ args: ['app.mjs', '-w', '1', '--max-requests', '3', ...bind], files: { 'app.mjs': holding } })
  await server.ready()
  const held = await begin({ port: server.port(), path: '/hold/end' })
  for (let n = 0; n < 3; n++) expect(await body(server)).toBe('quick')
  await server.until('worker.draining', { reason: 'recycle' })
  expect(await body(server)).toBe('quick')
  put(server, 'end', '')
  expect((await held.whole).body).toBe('held')
  expect((await server.until('worker.drained'))['cutRequests']).toBe(0)
})

test('a worker whose successors cannot boot serves on, until one can', async () => {
  const server = start({ args: ['app.mjs', '-w', '1', '--max-requests', '2', ...bind], files: { 'app.mjs': sayingPid } })
  await server.ready()
  const pid = String(server.workers().get(0))
  put(server, 'app.mjs', 'throw new Error("no")')
  for (let n = 0; n < 4; n++) expect(await body(server)).toBe(pid)
  await server.untilCount('worker.boot-failed', 3)
  expect(await body(server)).toBe(pid)
  put(server, 'app.mjs', sayingPid)
  await server.until('worker.gone', { childPid: Number(pid) })
  expect(await body(server)).toBe(String(server.workers().get(0)))
  expect(server.all('worker.died')).toHaveLength(0)
})

test('a worker that dies while its successor boots is followed by that one alone', async () => {
  const server = start({ args: ['app.mjs', '-w', '1', '--max-requests', '1', ...bind], files: { 'app.mjs': saying('one') } })
  await server.ready()
  put(server, 'app.mjs', importingAfter('go', 'two'))
  expect(await body(server)).toBe('one')
  await server.until('worker.booting', { age: 2 })
  process.kill(server.workers().get(0) as number, 'SIGKILL')
  await server.until('worker.died', { age: 1 })
  // The listener is still the arbiter's: this client waits in the kernel.
  const patient = body(server)
  put(server, 'go', '')
  expect(await patient).toBe('two')
  expect(server.all('worker.booting').filter(({ age }) => Number(age) < 3)).toHaveLength(2)
  await server.until('worker.ready', { age: 2 })
})

test('a worker of a reload that is still under way is recycled too', async () => {
  const server = start({ args: ['app.mjs', ...bind], files: { 'app.mjs': saying('old'), 'monoceros.config.json': '{"workers":2}' } })
  await server.ready()
  // The first new worker gets ready at once, all others when they may.
  const app = `import { existsSync, writeFileSync } from 'node:fs'
    try { writeFileSync('first', '', { flag: 'wx' }) } catch {
      while (!existsSync('go')) await new Promise((resolve) => setTimeout(resolve, 10))
    }
    ${saying('new')}`
  put(server, 'app.mjs', app)
  put(server, 'monoceros.config.json', '{"workers":2,"maxRequests":1}')
  server.signal('SIGHUP')
  const load = startLoad({ port: server.port(), keepAlive: 0, fresh: 2 })
  await server.until('worker.recycle', { gen: 2, slot: 0 })
  await server.untilCount('worker.booting', 2, { gen: 2, slot: 0 })
  expect(server.all('reload.done')).toHaveLength(0)
  put(server, 'go', '')
  await server.until('reload.done')
  await server.until('worker.draining', { gen: 2, slot: 0, reason: 'recycle' })
  await server.untilCount('worker.gone', 3)
  expect((await load.stop()).failures).toEqual([])
})
