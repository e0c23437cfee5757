/** Jobs that hang: an await that never comes back, a blocked loop, a death from outside. Each is told with what was under way. */
import { expect, test } from 'vitest'
import { control } from '../support/control.ts'
import type { Running } from '../support/harness.ts'
import { put, said, saying, startJob, waiting } from '../support/jobs.ts'
import { poll } from '../support/poll.ts'

/** What has been under way for a while is told with the beats of the process. */
async function beats(server: Running, count: number): Promise<void> {
  const client = await control(server)
  const sinceBeat = async () => Number((await client.data('show workers')).workers[0].last_heartbeat)
  let before = await sinceBeat()
  for (let seen = 0; seen < count; ) {
    const now = await poll(async () => ({ since: await sinceBeat() }))
    if (now.since < before) seen++
    before = now.since
  }
}

test('a job that has given beats and then none for longer than timeout is shown, killed and replaced', async () => {
  const app = `${waiting}
    export default async function consume({ age, beat, ready, signal, track }) {
      ready()
      if (age > 1) return until('never', signal)
      for (;;) {
        beat()
        if (existsSync('hang')) await track(until('never'), 'mail 7')
        await pause(20)
      }
    }`
  const server = startJob(app, ['-t', '0.8'])
  await server.ready()
  put(server, 'hang')
  const hung = await server.until('worker.hung')
  expect(Number(hung['silentMs'])).toBeGreaterThan(800)
  const autopsy = await server.until('worker.autopsy')
  // Its loop turns: where it beat last is what there is to tell.
  expect(autopsy).toMatchObject({ where: 'its loop turns and waits', requests: [{ method: 'JOB', path: 'mail 7' }] })
  expect(JSON.stringify(autopsy['stack'])).toMatch(/consume.*consumer\.mjs:\d+/)
  await server.until('worker.died', { age: 1, signal: 'SIGKILL' })
  await server.until('worker.ready', { age: 2 })
  expect(server.all('worker.hung')).toHaveLength(1)
})

test('a job that gives no beats may await for as long as it likes', async () => {
  const app = `${waiting}
    export default async ({ logger, ready, signal }) => { ready(); await pause(2_500); logger.info('awake'); await until('never', signal) }`
  const server = startJob(app, ['-t', '0.5'])
  await saying(server, 'awake')
  expect(server.all('worker.hung')).toEqual([])
  expect(server.all('worker.died')).toEqual([])
})

test('beats are waited for only while the function runs and serves: not while it boots, not once it has returned or drains', async () => {
  const app = `${waiting}
    export default async ({ beat, logger, ready, signal, slot, track }) => {
      beat()
      await pause(1_200)
      ready()
      logger.info('ready')
      if (slot === 0) { setTimeout(() => logger.info('returned long ago'), 2_000); return }
      const keep = setInterval(beat, 100)
      await until('never', signal)
      clearInterval(keep)
      await pause(1_500)
      logger.info('ended late')
    }`
  const server = startJob(app, ['-w', '2', '-t', '0.5'])
  await server.ready()
  await saying(server, 'returned long ago')
  await server.stop()
  expect(said(server)).toContain('ended late')
  expect(server.all('worker.hung')).toEqual([])
  expect(server.all('worker.died', { slot: 1 })).toEqual([])
})

test('a blocked loop is told as in every class, with the tracked jobs', async () => {
  const app = `${waiting}
    export default async function consume({ age, beat, ready, signal, track }) {
      beat()
      ready()
      void track(until('never', signal), 'compute 3')
      await pause(300)
      if (age === 1) for (;;);
      setInterval(beat, 50)
      await until('never', signal)
    }`
  const server = startJob(app, ['-t', '1'])
  const autopsy = await server.until('worker.autopsy')
  expect(autopsy).toMatchObject({ where: 'in JavaScript', requests: [{ method: 'JOB', path: 'compute 3' }] })
  expect(JSON.stringify(autopsy['stack'])).toContain('consume')
  await server.until('worker.died', { age: 1 })
  await server.until('worker.ready', { age: 2 })
})

test('of a job that dies at once, what it had tracked for a while is told', async () => {
  const app = `${waiting}
    export default async ({ ready, signal, track }) => { void track(until('never', signal), 'upload 5'); ready(); await until('never', signal) }`
  const server = startJob(app)
  await server.ready()
  const pid = server.workers().get(0) as number
  await beats(server, 2)
  process.kill(pid, 'SIGKILL')
  const seen = await server.until('worker.last-seen', { childPid: pid })
  expect(seen).toMatchObject({ count: 1, requests: [{ method: 'JOB', path: 'upload 5' }] })
})

test('a rejection of a tracked job that nobody handles ends the worker as it does in Node, and the jobs under way are told', async () => {
  const app = `${waiting}
    export default async ({ age, ready, signal, track }) => {
      ready()
      if (age > 1) return until('never', signal)
      void track(until('never', signal), 'innocent')
      await until('go')
      void track(Promise.reject(new Error('nobody caught it')), 'guilty')
      await until('never', signal)
    }`
  const server = startJob(app)
  await server.ready()
  put(server, 'go')
  const uncaught = await server.until('worker.uncaught')
  expect(uncaught).toMatchObject({ requests: [{ method: 'JOB', path: 'innocent' }] })
  expect(JSON.stringify(uncaught['err'])).toContain('nobody caught it')
  await server.until('worker.died', { age: 1, exitCode: 1 })
  await server.until('worker.ready', { age: 2 })
})
