/** The dirty pool is the last to stop, and as patient as whoever stops it. */
import { expect, test } from 'vitest'
import { appOf, dirtyArbiterPid, dirtyWorkers, failure, startDirty } from '../support/dirty.ts'

const files = {
  'jobs.mjs': `
import { DirtyApp } from 'monoceros/dirty'
export class Jobs extends DirtyApp {
  async wait(ms) { return await new Promise((resolve) => setTimeout(resolve, ms, 'waited')) }
  spin(ms) { const until = Date.now() + ms; while (Date.now() < until); return 'spun' }
}`,
}
const args = ['--dirty-app', './jobs.mjs:Jobs', '--dirty-workers', '1', '--dirty-graceful-timeout', '60']

async function busy(action: string) {
  const server = startDirty({ files, args })
  await server.ready()
  const jobs = appOf(server, 'jobs')
  await jobs.wait(0)
  const call = failure(jobs[action](55_000))
  // It is under way once another has to wait for it.
  await failure(jobs.with({ timeoutMs: 300 }).wait(0))
  return { server, call }
}

test('INT cuts a call that would take long', async () => {
  const { server, call } = await busy('wait')
  const startedMs = performance.now()
  server.signal('SIGINT')
  expect((await call).code).toMatch(/^MON_DIRTY_(WORKER_LOST|CANCELLED|CONNECTION)$/)
  expect((await server.exited).code).toBe(0)
  expect(performance.now() - startedMs).toBeLessThan(20_000)
})

test('a second INT waits for nothing, and leaves no process behind', async () => {
  const { server, call } = await busy('spin')
  const pids = [dirtyArbiterPid(server), ...dirtyWorkers(server).values()]
  server.signal('SIGTERM')
  await server.until('dirty.draining')
  server.signal('SIGINT')
  await server.until('arbiter.signal', { signal: 'SIGINT' })
  server.signal('SIGINT')
  expect((await call).code).toMatch(/^MON_DIRTY_(WORKER_LOST|CANCELLED|CONNECTION)$/)
  expect((await server.exited).code).toBe(0)
  expect(server.all('arbiter.forced')).toHaveLength(1)
  for (const pid of pids) expect(() => process.kill(pid, 0)).toThrow()
})
