/** The dirty pool is the last to stop, and as patient as whoever stops it. */
import { existsSync } from 'node:fs'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { ask } from '../support/client.ts'
import { appOf, dirtyArbiterPid, dirtyWorkers, failure, startDirty } from '../support/dirty.ts'
import { poll } from '../support/poll.ts'

const files = {
  'jobs.mjs': `
import { writeFileSync } from 'node:fs'
import { DirtyApp } from 'monoceros/dirty'
export class Jobs extends DirtyApp {
  async wait(ms) { return await new Promise((resolve) => setTimeout(resolve, ms, 'waited')) }
  async begin(ms) { writeFileSync('began', ''); return await this.wait(ms) }
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
  for (const pid of pids) {
    await poll(
      () => !existsSync(`/proc/${pid}`),
      () => `process ${pid} is left\n${server.stderr()}`,
    )
  }
})

test('TERM to the whole family, as systemd sends it: a request that needs a dirty call is answered', async () => {
  const server = startDirty({
    files: {
      ...files,
      'app.mjs': `
import { dirty } from 'monoceros/dirty'
const jobs = dirty('jobs')
export default async (req, res) => {
  const first = await jobs.begin(1_500)
  // The second is made while everybody drains.
  res.end(first + ' ' + (await jobs.wait(500)))
}`,
    },
    args,
  })
  await server.ready()
  const answer = ask({ port: server.port() })
  const dirtyPids = [dirtyArbiterPid(server), ...dirtyWorkers(server).values()]
  await poll(
    () => existsSync(join(server.folder, 'began')),
    () => `it did not begin\n${server.stderr()}`,
  )
  for (const pid of [...dirtyPids, ...server.workers().values(), server.pid]) process.kill(pid, 'SIGTERM')
  expect((await answer).body).toBe('waited waited')
  expect((await server.exited).code).toBe(0)
})
