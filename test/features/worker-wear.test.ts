/** Workers that are replaced because of what they weigh, how old they are, or how many jobs they have done. */
import { expect, test } from 'vitest'
import { ask } from '../support/client.ts'
import { type Running, start } from '../support/harness.ts'
import { patient, put, startJob, waiting } from '../support/jobs.ts'
import { startLoad } from '../support/load.ts'

const bind = ['-b', '127.0.0.1:0']
/** Keeps a hundred MiB more with each request for /grow. */
const growing = `
  const kept = []
  export default (req, res) => {
    if (req.url === '/grow') kept.push(Buffer.alloc(100 * 2 ** 20, 1))
    res.end(String(process.pid))
  }`

/** Each successor was ready before its elder drained. */
function isReadyFirst(server: Running): void {
  for (const { slot, age } of server.all('worker.draining', { reason: 'recycle' })) {
    const at = (event: string, fits: (line: Running['lines'][number]) => boolean) =>
      server.lines.findIndex((line) => line.event === event && line.slot === slot && fits(line))
    const readyAt = at('worker.ready', (line) => Number(line.age) > Number(age))
    expect(readyAt).not.toBe(-1)
    expect(readyAt).toBeLessThan(at('worker.draining', (line) => line.age === age))
  }
}

test.each([
  ['async', []],
  ['gthread', ['--threads', '1', '-k', 'gthread']],
])('a worker of class %s over worker_memory_limit is replaced ready-first, once, and no request is lost', async (_, args) => {
  const server = start({ args: ['app.mjs', '--worker-memory-limit', '170', ...args, ...bind], files: { 'app.mjs': growing } })
  await server.ready()
  const port = server.port()
  const load = startLoad({ port })
  await ask({ port, path: '/grow' })
  await ask({ port, path: '/grow' })
  const { reason } = await server.until('worker.recycle')
  expect(String(reason)).toMatch(/MiB/)
  await server.until('worker.gone', { age: 1 })
  expect((await load.stop()).failures).toEqual([])
  isReadyFirst(server)
  expect(server.all('worker.recycle', { age: 1 })).toHaveLength(1)
  expect(server.all('worker.over-limit')).toEqual([])
})

test('a worker that is over its limit from the start is told and kept: its successor would be, too', async () => {
  const app = `const kept = Buffer.alloc(150 * 2 ** 20, 1)\nexport default (req, res) => res.end(String(kept.length))`
  const server = start({ args: ['app.mjs', '--worker-memory-limit', '100', '--max-lifetime', '2.5', ...bind], files: { 'app.mjs': app } })
  await server.ready()
  expect(await server.until('worker.over-limit')).toMatchObject({ level: 'warning', limitMib: 100 })
  const { reason } = await server.until('worker.recycle')
  // More than two looks later.
  expect(String(reason)).not.toMatch(/MiB/)
})

test('a worker that has been ready for max_lifetime is replaced ready-first, and no request is lost', async () => {
  const server = start({ args: ['app.mjs', '-w', '2', '--max-lifetime', '1', ...bind], files: { 'app.mjs': growing } })
  await server.ready()
  const load = startLoad({ port: server.port() })
  await server.untilCount('worker.gone', 4)
  expect((await load.stop()).failures).toEqual([])
  isReadyFirst(server)
  expect(server.all('worker.backoff')).toEqual([])
  expect(server.all('worker.died')).toEqual([])
})

test('max_lifetime_jitter spreads the moment, never before max_lifetime', async () => {
  const args = ['app.mjs', '-w', '4', '--max-lifetime', '0.5', '--max-lifetime-jitter', '2', ...bind]
  const server = start({ args, files: { 'app.mjs': growing } })
  await server.ready()
  const lines = await server.untilCount('worker.recycle', 4)
  const lived = lines.map(({ reason }) => Number(/([\d.]+) s$/.exec(String(reason))?.[1]))
  expect(Math.min(...lived)).toBeGreaterThanOrEqual(0.5)
  expect(Math.max(...lived)).toBeLessThanOrEqual(2.5)
  expect(new Set(lived).size).toBeGreaterThan(1)
})

test('a job that has done max_requests tracked jobs is followed by another that is ready first, and those under way finish', async () => {
  const app = `${waiting}
    export default async ({ age, ready, signal, track }) => {
      ready()
      if (age > 1) return until('never', signal)
      void track(until('go'), 'the long one')
      for (let n = 0; n < 3; n++) await track(n === 1 ? Promise.reject(new Error('no')) : pause(1), 'short').catch(() => {})
      await until('never', signal)
    }`
  const server = startJob(app, ['--max-requests', '3'])
  expect(await server.until('worker.recycle')).toMatchObject({ served: 3 })
  await server.until('worker.draining', { age: 1, reason: 'recycle' })
  put(server, 'go')
  await server.until('worker.gone', { age: 1 })
  expect(server.all('worker.drained')).toMatchObject([{ cutRequests: 0 }])
  isReadyFirst(server)
  expect(server.all('worker.recycle')).toHaveLength(1)
})

test('a job is replaced by age as well', async () => {
  const server = startJob(patient, ['--max-lifetime', '0.7'])
  await server.until('worker.gone', { age: 1 })
  isReadyFirst(server)
})
