/** How jobs are told to end, what is waited for, and what becomes of those that do not heed it. */
import { expect, test } from 'vitest'
import { ask } from '../support/client.ts'
import { start } from '../support/harness.ts'
import { patient, put, said, saying, startJob, waiting } from '../support/jobs.ts'
import { poll } from '../support/poll.ts'

/** Takes jobs until it is told to end: each waits for a file of its own, and then takes its time. */
const consuming = `${waiting}
export default async ({ logger, ready, signal, track }) => {
  const work = async (name) => { await until(name); await pause(200); logger.info('did ' + name) }
  for (const name of ['one', 'two']) void track(work(name), name)
  ready()
  await until('never', signal)
  logger.info('takes no more')
}`

test('told to end, a job has its signal aborted, and what it tracks is waited for', async () => {
  const server = startJob(consuming)
  await server.ready()
  server.signal('SIGTERM')
  await saying(server, 'takes no more')
  put(server, 'one')
  put(server, 'two')
  expect(await server.exited).toEqual({ code: 0, signal: null })
  expect(said(server).sort()).toEqual(['did one', 'did two', 'takes no more'])
  expect(await server.until('worker.drained')).toMatchObject({ cutRequests: 0 })
  expect(server.all('worker.gone')).toMatchObject([{ exitCode: 0 }])
  expect(server.all('job.cut')).toEqual([])
})

test('jobs that are begun while others end are waited for too', async () => {
  const app = `${waiting}
    export default async ({ logger, ready, signal, track }) => {
      const inside = async () => { await until('one'); void track(until('two').then(() => pause(200)).then(() => logger.info('done inside')), 'two') }
      const after = async () => { await track(until('one'), 'one'); await track(until('two').then(() => pause(200)).then(() => logger.info('done after')), 'two') }
      void track(inside(), 'one')
      void after()
      ready()
      await until('never', signal)
    }`
  const server = startJob(app)
  await server.ready()
  server.signal('SIGTERM')
  await server.until('worker.draining')
  put(server, 'one')
  put(server, 'two')
  expect(await server.exited).toEqual({ code: 0, signal: null })
  expect(said(server).sort()).toEqual(['done after', 'done inside'])
})

test('jobs that outlast the grace are cut and told by name, and the app is still closed in order', async () => {
  const app = `${waiting}
    let log
    export const onShutdown = () => log.info('onShutdown')
    export default ({ logger, ready, track }) => {
      log = logger
      for (const name of ['mail 1', 'mail 2']) void track(until('never'), name)
      ready()
    }`
  const server = startJob(app, ['--graceful-timeout', '0.3'])
  await server.ready()
  server.signal('SIGTERM')
  expect(await server.exited).toEqual({ code: 0, signal: null })
  expect(server.all('job.cut')).toMatchObject([
    {
      level: 'error',
      count: 2,
      isRunning: false,
      why: expect.stringContaining('300 ms'),
      requests: [
        { method: 'JOB', path: 'mail 1' },
        { method: 'JOB', path: 'mail 2' },
      ],
    },
  ])
  expect(server.all('worker.drained')).toMatchObject([{ cutRequests: 2 }])
  expect(server.all('worker.gone')).toHaveLength(1)
  expect(said(server)).toEqual(['onShutdown'])
})

test('a job that does not heed its signal is shown and killed once its grace is over', async () => {
  const app = `${waiting}
    export default async function consume({ beat, ready, track }) { ready(); beat(); await track(until('never'), 'deaf') }`
  const server = startJob(app, ['--graceful-timeout', '0.3'])
  await server.ready()
  server.signal('SIGTERM')
  await server.exited
  expect(server.all('job.cut')).toMatchObject([{ count: 1, isRunning: true }])
  expect(server.all('worker.grace-over')).toHaveLength(1)
  const [autopsy] = server.all('worker.autopsy')
  expect(autopsy).toMatchObject({ requests: [{ method: 'JOB', path: 'deaf' }] })
  // Where it beat last, as its loop waits.
  expect(JSON.stringify(autopsy?.['stack'])).toContain('consume')
  expect(server.all('worker.died')).toMatchObject([{ signal: 'SIGKILL' }])
})

test('a job that returns late, after its grace, need not be killed', async () => {
  const app = `${waiting}
    export default async ({ ready }) => { ready(); await until('go') }`
  const server = startJob(app, ['--graceful-timeout', '0.2'])
  await server.ready()
  server.signal('SIGTERM')
  await server.until('job.cut')
  put(server, 'go')
  expect(await server.exited).toEqual({ code: 0, signal: null })
  expect(server.all('worker.gone')).toHaveLength(1)
  expect(server.all('worker.grace-over')).toEqual([])
})

test('a job that awaits what can never come is not waited for: it is told, and the app is closed in order', async () => {
  const app = `${waiting}
    let log
    export const onShutdown = () => log.info('onShutdown')
    export default async ({ logger, ready, signal, track }) => {
      log = logger
      ready()
      await until('never', signal)
      await track(new Promise(() => {}), 'an answer')
    }`
  const server = startJob(app, ['--graceful-timeout', '600'])
  await server.ready()
  expect(await server.stop()).toEqual({ code: 0, signal: null })
  expect(server.all('job.cut')).toMatchObject([{ count: 1, isRunning: true, why: expect.stringContaining('event loop') }])
  expect(server.all('worker.drained')).toMatchObject([{ cutRequests: 1 }])
  expect(said(server)).toEqual(['onShutdown'])
})

test('a job whose loop is blocked when its grace is over is killed with its stack', async () => {
  const app = `
    export default function busy({ ready, signal }) {
      ready()
      signal.addEventListener('abort', function blockIt() { for (;;); })
      setInterval(() => {}, 1_000)
    }`
  const server = startJob(app, ['--graceful-timeout', '0.3'])
  await server.ready()
  server.signal('SIGTERM')
  await server.exited
  const [autopsy] = server.all('worker.autopsy')
  expect(autopsy).toMatchObject({ where: 'in JavaScript' })
  expect(JSON.stringify(autopsy?.['stack'])).toContain('blockIt')
})

test('a wait that its signal has ended is no failure of the job; another error while it ends is told', async () => {
  const app = `${waiting}
    export default async ({ ready, signal, slot }) => {
      ready()
      if (slot === 0) await pause(1_000_000, undefined, { signal })
      await until('never', signal)
      throw new Error('could not disconnect')
    }`
  const server = startJob(app, ['-w', '2'])
  await server.ready()
  expect(await server.stop()).toEqual({ code: 0, signal: null })
  expect(server.all('job.failed')).toMatchObject([{ slot: 1, problem: 'could not disconnect' }])
  expect(server.all('worker.gone')).toHaveLength(2)
})

test('a second INT, or a quick stop, does not wait for the whole grace', async () => {
  const server = startJob(consuming, ['--graceful-timeout', '60'])
  await server.ready()
  server.signal('SIGTERM')
  await saying(server, 'takes no more')
  server.signal('SIGINT')
  expect(await server.exited).toEqual({ code: 0, signal: null })
  expect(server.all('job.cut')).toMatchObject([{ count: 2, why: expect.stringContaining('1000 ms') }])
})

test('TERM to a worker alone drains it, and another takes its place', async () => {
  const server = startJob(patient, ['-w', '2'])
  await server.ready()
  const pid = server.workers().get(1) as number
  process.kill(pid, 'SIGTERM')
  await server.until('worker.gone', { childPid: pid })
  await server.until('worker.ready', (line) => line.slot === 1 && line.childPid !== pid)
  expect(server.all('worker.died')).toEqual([])
})

test('a reload starts the new jobs first, and those of the old generation finish what they track', async () => {
  const server = startJob(consuming, ['-w', '2'])
  await server.ready()
  server.signal('SIGHUP')
  await server.until('reload.done', { generation: 2 })
  await server.untilCount('app.info', 2, { gen: 1, text: 'takes no more' })
  put(server, 'one')
  put(server, 'two')
  await server.untilCount('worker.gone', 2, { gen: 1 })
  expect(server.all('app.info', { gen: 1 }).filter(({ text }) => String(text).startsWith('did'))).toHaveLength(4)
  expect(server.all('worker.drained', { cutRequests: 0 })).toHaveLength(2)
  expect(server.all('app.info', { gen: 2, text: 'takes no more' })).toEqual([])
})

test('a reload to a job that does not get ready is rolled back, and the old one works on', async () => {
  const server = startJob(patient, ['-w', '1'])
  await server.ready()
  const pid = server.workers().get(0)
  put(server, 'consumer.mjs', `export default async () => { throw new Error('no broker') }`)
  server.signal('SIGHUP')
  await server.until('reload.rolled-back')
  put(server, 'consumer.mjs', 'export const no = 1')
  server.signal('SIGHUP')
  await server.until('worker.cannot-boot', { code: 'MON_APP_JOB' })
  await poll(() => server.all('reload.rolled-back').length === 2)
  expect(server.workers().get(0)).toBe(pid)
  expect(server.all('worker.draining')).toEqual([])
})

test('TTIN and TTOU add and take away a job, which finishes first', async () => {
  const server = startJob(patient)
  await server.ready()
  server.signal('SIGTTIN')
  await server.until('worker.ready', { slot: 1 })
  server.signal('SIGTTOU')
  await server.until('worker.gone', { slot: 1 })
  expect(server.workers().size).toBe(1)
})

test('a job whose arbiter is killed finishes what it tracks, and goes', async () => {
  const server = startJob(consuming)
  await server.ready()
  server.signal('SIGKILL')
  await saying(server, 'takes no more')
  put(server, 'one')
  put(server, 'two')
  // Its stderr is closed when the last of the family is gone.
  await server.exited
  expect(said(server).sort()).toEqual(['did one', 'did two', 'takes no more'])
  expect(server.all('worker.orphan-killed')).toEqual([])
  expect(server.all('job.cut')).toEqual([])
})

test('a reload makes a job of a server, and a server of a job', async () => {
  const server = start({
    args: [],
    files: {
      'app.mjs': 'export default (req, res) => res.end("served")',
      'consumer.mjs': patient,
      'monoceros.config.json': '{ "app": "./app.mjs", "bind": "127.0.0.1:0" }',
    },
  })
  await server.ready()
  expect((await ask({ port: server.port() })).body).toBe('served')
  put(server, 'monoceros.config.json', '{ "app": "./consumer.mjs", "workerClass": "job" }')
  server.signal('SIGHUP')
  await server.until('reload.done', { generation: 2 })
  await server.until('listener.closed')
  await server.until('worker.gone', { gen: 1 })
  put(server, 'monoceros.config.json', '{ "app": "./app.mjs", "bind": "127.0.0.1:0" }')
  server.signal('SIGHUP')
  await server.until('reload.done', { generation: 3 })
  await server.until('worker.gone', { gen: 2 })
  expect((await ask({ port: server.port(1) })).body).toBe('served')
})
