/** What a job is given: a logger whose lines are lines of the error log, and the dirty apps. */
import { expect, test } from 'vitest'
import { control } from '../support/control.ts'
import { packageFiles } from '../support/dirty.ts'
import { said, saying, startJob, waiting } from '../support/jobs.ts'

const talking = `${waiting}
export default async ({ logger, ready, signal }) => {
  const child = logger.child({ queue: 'mail', pid: 'own' }, { msgPrefix: '[mail] ' })
  for (const level of ['trace', 'debug', 'info', 'warn', 'error', 'fatal']) logger[level]({ n: 1 }, 'at %s', level)
  child.info({ event: 'mine', level: 'mine', time: 'mine', text: 'mine' }, 'from a child')
  child.error(new Error('cannot send', { cause: new TypeError('no address') }))
  logger.info({ only: 'fields' })
  logger.info({ err: 'no error' }, 'with text as err')
  ready()
  await until('never', signal)
}`

test('what a job logs are lines of the error log, at their levels, with who says it and fields of their own', async () => {
  const server = startJob(talking, ['--log-level', 'debug'])
  await server.ready()
  // The last of them: what the arbiter writes may overtake what a worker writes.
  const withText = await saying(server, 'with text as err')
  const pid = server.workers().get(0)
  const who = { role: 'worker', slot: 0, age: 1, gen: 1, pid }
  expect(server.all('app.debug')).toMatchObject([
    { ...who, level: 'debug', msg: 'at trace', n: 1 },
    { ...who, level: 'debug', msg: 'at debug', n: 1 },
  ])
  expect(server.all('app.warning')).toMatchObject([{ ...who, level: 'warning', msg: 'at warn' }])
  expect(server.all('app.critical')).toMatchObject([{ ...who, level: 'critical', msg: 'at fatal' }])
  // What is in the way of a field of the line has a name of its own.
  expect(await saying(server, '[mail] from a child')).toMatchObject({
    ...who,
    queue: 'mail',
    'fact.pid': 'own',
    'fact.event': 'mine',
    'fact.text': 'mine',
    level: 'info',
  })
  const [, thrown] = server.all('app.error')
  expect(thrown).toMatchObject({
    ...who,
    msg: 'cannot send',
    queue: 'mail',
    err: { type: 'Error', message: 'cannot send', stack: expect.stringContaining('consumer.mjs'), cause: { type: 'TypeError' } },
  })
  expect(server.all('app.info', { only: 'fields' })).toMatchObject([{ ...who, msg: '' }])
  expect(withText).toMatchObject({ 'fact.err': 'no error' })
})

test('the level of the log counts for what a job logs too, also when it is changed meanwhile', async () => {
  const app = `${waiting}
    export default async ({ logger, ready, signal }) => {
      const child = logger.child({ a: 1 })
      child.debug('too early')
      ready()
      // The order and the words of the job are on different ways.
      while (!signal.aborted) {
        child.debug('in time')
        await new Promise((resolve) => setTimeout(resolve, 20))
      }
    }`
  const server = startJob(app)
  await server.ready()
  const client = await control(server)
  await client.data('loglevel debug')
  await server.until('app.debug', { text: 'in time' })
  expect(new Set(said(server, 'app.debug'))).toEqual(new Set(['in time']))
})

test('a job calls dirty apps, and what it was saying last is in the log when it ends', async () => {
  const app = `${waiting}
    export default async ({ dirty, logger, ready, signal, track }) => {
      const sums = dirty('sums')
      logger.info(String(await track(sums.add(2, 3), 'add')))
      ready()
      await until('never', signal)
      logger.info('last words')
    }`
  const sums = `import { DirtyApp } from 'monoceros/dirty'\nexport class Sums extends DirtyApp { add(a, b) { return a + b } }`
  const server = startJob(app, ['--dirty-app', 'sums=./sums.mjs:Sums', '--dirty-workers', '1'], { ...packageFiles, 'sums.mjs': sums })
  await server.ready()
  await saying(server, '5')
  await server.stop()
  expect(said(server)).toEqual(['5', 'last words'])
})

test('a label is shown on one line, and what is no job cannot be told from one by it', async () => {
  const app = `${waiting}
    export default async ({ ready, signal, track }) => {
      for (const label of ['GET /a?b=1', 'two\\nlines', 'Größe', '日本', '', undefined, 'x'.repeat(400)]) void track(until('never', signal), label)
      ready()
      await until('never', signal)
    }`
  const server = startJob(app)
  await server.ready()
  const client = await control(server)
  const { requests } = await client.data('show requests')
  const paths = (requests as { method: string; path: string }[]).map(({ method, path }) => `${method} ${path.slice(0, 20)}`)
  expect(paths.sort()).toEqual(
    ['JOB GET /a·b=1', 'JOB two·lines', 'JOB Größe', 'JOB ··', 'JOB job', 'JOB job', `JOB ${'x'.repeat(20)}`].sort(),
  )
})
