/** The life of a job: started, ready, failed or over, and what is refused before it begins. */
import { expect, test } from 'vitest'
import { ask } from '../support/client.ts'
import { control } from '../support/control.ts'
import { start } from '../support/harness.ts'
import { patient, put, said, saying, startJob, waiting } from '../support/jobs.ts'
import { metricsArgs, metricsPort, scrapeUntil } from '../support/metrics.ts'

test('a worker is ready when its job says so, and knows who it is; nothing is bound', async () => {
  const app = `${waiting}
    export default async (ctx) => {
      const { slot, age, generation, name, logger, signal } = ctx
      logger.info({ own: { slot, age, generation, name }, aborted: signal.aborted }, 'began')
      await until('go')
      ctx.ready()
      ctx.ready()
      await until('never', signal)
    }`
  const server = startJob(app, ['-w', '2', '-n', 'mail'])
  await server.untilCount('app.info', 2)
  expect(server.all('worker.ready')).toEqual([])
  put(server, 'go')
  await server.ready()
  expect(server.workers().size).toBe(2)
  expect(server.all('listener.bound')).toEqual([])
  const began = server.all('app.info').sort((one, other) => Number(one.slot) - Number(other.slot))
  expect(began).toMatchObject(
    [0, 1].map((slot) => ({
      role: 'worker',
      slot,
      gen: 1,
      pid: server.workers().get(slot),
      own: { slot, age: began[slot]?.age, generation: 1, name: 'mail' },
      aborted: false,
    })),
  )
})

test('a job that returns without having said it is ready then', async () => {
  const server = startJob(`export default async () => { setInterval(() => {}, 1_000) }`)
  await server.ready()
  expect(server.all('job.over')).toEqual([])
})

test('a job that fails before it is ready fails the start with exit code 4, and its stack is told once', async () => {
  const server = startJob(`export default async function consume() { throw new Error('no broker') }`, ['-w', '3'])
  expect(await server.exited).toEqual({ code: 4, signal: null })
  const told = server.all('worker.cannot-boot')
  expect(told).toHaveLength(1)
  expect(told[0]).toMatchObject({ code: 'MON_APP_JOB_START' })
  expect(JSON.stringify(told[0])).toContain('at consume')
})

test.each([
  ['nothing', 'export const settings = {}', 'MON_APP_JOB', 'settings'],
  ['a class', 'export default class Consumer {}', 'MON_APP_JOB', 'Consumer'],
  ['a handler of requests', 'export default (req, res) => res.end()', 'MON_APP_JOB', 'handler'],
  ['an app that answers requests', 'export default { fetch: () => new Response() }', 'MON_APP_JOB', 'fetch'],
  ['a job that awaits what never comes', 'export default () => new Promise(() => {})', 'MON_APP_JOB_START', 'never'],
])('an app that exports %s is refused in one clear error', async (_, app, code, named) => {
  const server = startJob(app)
  expect(await server.exited).toMatchObject({ code: 4 })
  const [line] = server.all('worker.cannot-boot')
  expect(line).toMatchObject({ code })
  expect(line?.msg).toContain(named)
})

test('a job that is not ready within boot_timeout is shown and ends the start', async () => {
  const server = startJob(`export default () => new Promise(() => setInterval(() => {}, 1_000))`, ['--boot-timeout', '0.5'])
  expect(await server.exited).toMatchObject({ code: 3 })
  expect(server.all('worker.autopsy')).toMatchObject([{ phase: expect.stringContaining('ctx.ready()') }])
})

test('a job may be a named export, or what a factory makes', async () => {
  const app = `${waiting}
    const make = (word) => async ({ logger, ready, signal }) => { logger.info(word); ready(); await until('never', signal) }
    export const run = make('run')
    export const named = make('named')
    export { make }`
  const files = { 'consumer.mjs': app }
  for (const [spec, word] of [
    ['consumer.mjs', 'run'],
    ['consumer.mjs:named', 'named'],
    ['consumer.mjs:make("made")', 'made'],
  ] as const) {
    const server = start({ args: [spec, '-k', 'job'], files })
    await server.ready()
    await saying(server, word)
    await server.stop()
  }
})

test('onStartup runs before the job, and onShutdown and the handlers of SIGTERM after it', async () => {
  const app = `${waiting}
    let logger
    process.on('SIGTERM', () => { logger.info('SIGTERM') })
    export const onStartup = ({ slot }) => { globalThis.started = slot }
    export const onShutdown = ({ slot }) => { logger.info('onShutdown ' + slot) }
    export default async (ctx) => {
      logger = ctx.logger
      logger.info('began ' + globalThis.started)
      ctx.ready()
      await until('never', ctx.signal)
      logger.info('ended')
    }`
  const server = startJob(app)
  await server.ready()
  expect(await server.stop()).toEqual({ code: 0, signal: null })
  expect(said(server)).toEqual(['began 0', 'ended', 'onShutdown 0', 'SIGTERM'])
})

test('a job that fails after it was ready is told with its stack, finishes what it tracks, and is replaced', async () => {
  const app = `${waiting}
    export const onShutdown = () => log.info('onShutdown')
    let log
    export default async function consume({ age, logger, ready, signal, track }) {
      log = logger
      ready()
      if (age > 1) return until('never', signal)
      void track(until('go').then(() => logger.info('last job done')), 'last job')
      await until('fail')
      throw new Error('lost the broker')
    }`
  const server = startJob(app)
  await server.ready()
  put(server, 'fail')
  const failed = await server.until('job.failed')
  expect(failed).toMatchObject({ level: 'error', role: 'worker', problem: 'lost the broker' })
  expect(JSON.stringify(failed['err'])).toContain('consume')
  // Its successor does not wait for what it still has to finish.
  await server.until('worker.ready', { age: 2 })
  expect(server.all('worker.died')).toEqual([])
  put(server, 'go')
  const died = await server.until('worker.died', { age: 1 })
  expect(died).toMatchObject({ exitCode: 1, how: expect.stringContaining('lost the broker') })
  expect(said(server)).toEqual(['last job done', 'onShutdown'])
  expect(server.all('job.cut')).toEqual([])
})

test('a job with nothing left to do is over, and is started again by the restart policy, never hot', async () => {
  const server = startJob(`export default async () => {}`)
  await server.until('worker.backoff')
  expect(server.all('job.over')[0]).toMatchObject({ role: 'worker', isRunning: false })
  const died = server.all('worker.died')
  expect(died[0]).toMatchObject({ exitCode: 0 })
  expect(died.length).toBeLessThanOrEqual(11)
})

test('a job that has returned lives as long as there is something on its loop, and no longer', async () => {
  const app = `${waiting}
    export default ({ age, track }) => {
      if (age > 1) setInterval(() => {}, 1_000)
      else void until('go')
      void track(new Promise(() => {}), 'never to come')
    }`
  const server = startJob(app)
  await server.ready()
  put(server, 'go')
  // What is tracked cannot settle any more: it is told and not waited for.
  const cut = await server.until('job.cut', { slot: 0 })
  expect(cut).toMatchObject({ count: 1, why: expect.stringContaining('event loop'), requests: [{ method: 'JOB', path: 'never to come' }] })
  await server.until('worker.died', { age: 1 })
  await server.until('worker.ready', { age: 2 })
  expect(server.all('job.over')).toHaveLength(1)
  server.signal('SIGINT')
})

test('what a job listens to is shared among its workers', async () => {
  const app = `${waiting}
    import { createServer } from 'node:http'
    export default async ({ slot, ready, signal }) => {
      await new Promise((open) => createServer((req, res) => res.end('alive')).listen(0, '127.0.0.1', open))
      ready()
      await until('never', signal)
    }`
  const server = startJob(app, ['-w', '2', '--max-requests', '1'])
  await server.ready()
  expect(server.all('listener.bound')).toHaveLength(1)
  const { body } = await ask({ port: server.port() })
  expect(body).toBe('alive')
  await server.stop()
  // It was no job.
  expect(server.all('worker.recycle')).toEqual([])
})

test('a job is ready for /ready, and its jobs are in /metrics and on the control socket', async () => {
  const app = `${waiting}
    export default async ({ ready, signal, track }) => {
      await track(Promise.resolve(), 'well')
      await track(Promise.reject(new Error('ill')), 'ill').catch(() => {})
      void track(until('go'), 'resize 17')
      ready()
      await until('never', signal)
    }`
  const server = startJob(app, [...metricsArgs])
  await server.ready()
  const port = await metricsPort(server)
  expect((await ask({ port, path: '/ready' })).status).toBe(200)
  const metrics = await scrapeUntil(server, (found) => found.value('monoceros_requests_total') === 2)
  expect(metrics.value('monoceros_requests_total', { class: '2xx', status: 200 })).toBe(1)
  expect(metrics.value('monoceros_requests_total', { class: '5xx', status: 500 })).toBe(1)
  expect(metrics.value('monoceros_requests_in_flight')).toBe(1)
  expect(metrics.value('monoceros_info', { worker_class: 'job' })).toBe(1)
  const client = await control(server)
  expect((await client.data('show requests')).requests).toMatchObject([{ role: 'worker', slot: 0, method: 'JOB', path: 'resize 17' }])
  expect((await client.data('show workers')).workers).toMatchObject([{ slot: 0, state: 'ready' }])
  expect((await client.data('show machines')).machines).toContainEqual(expect.objectContaining({ chart: 'worker', state: 'ready' }))
  put(server, 'go')
  await server.stop()
  const { served } = (await server.until('arbiter.stopped')) as unknown as { served: number }
  expect(served).toBe(3)
})

test('an address given to a job is refused before anything is started', async () => {
  for (const [args, code] of [
    [['-b', '127.0.0.1:0'], 2],
    [['--reuse-port'], 2],
    [['--threads', '2'], 2],
  ] as const) {
    const server = startJob(patient, args)
    expect(await server.exited).toEqual({ code, signal: null })
    expect(server.lines).toEqual([])
    expect(server.stderr().trim().split('\n')).toHaveLength(2)
  }
})

test('--check-config loads a job, and does not run it', async () => {
  const server = startJob(`export default () => process.exit(7)`, ['--check-config'])
  expect(await server.exited).toEqual({ code: 0, signal: null })
  expect(server.stdout()).toContain('(job)')
  const wrong = startJob('export const no = 1', ['--check-config'])
  expect(await wrong.exited).toEqual({ code: 1, signal: null })
})
