/** Pools of threads: what they promise as pools of processes do, and what follows from living in somebody else's process. */
import { expect, test } from 'vitest'
import { failure } from '../support/dirty.ts'
import { quietEnd, runHost } from '../support/host.ts'
import { type Actions, poolContract, poolStage } from '../support/pool-contract.ts'

poolContract('thread')

const work = `
import { threadId } from 'node:worker_threads'
export class Work {
  where() { return threadId }
  exit() { process.exit(1) }
  fill() { const all = []; for (;;) all.push(new Array(100_000).fill({})) }
  async long(signalled) { await new Promise((resolve) => setTimeout(resolve, 200)); return threadId }
  spin() { for (;;); }
  pid() { return process.pid }
}`
const files = { 'work.mjs': work, 'run/.keep': '' }
const make = (more = '') =>
  `await createPool({ apps: { work: './work.mjs:Work' }, workers: 2, isolation: 'thread', cancelGrace: 0.2, ${more} })`
/** Everything of the process that a guest has no business with. */
const look = `
const { readdirSync } = await import('node:fs')
process.env.XDG_RUNTIME_DIR = process.cwd() + '/run'
const sockets = () => readdirSync('run').filter((name) => name !== '.keep')
const look = () => ({
  title: process.title,
  signals: ['SIGTERM', 'SIGINT', 'SIGHUP', 'SIGUSR1', 'SIGUSR2', 'SIGCHLD'].map((name) => process.listenerCount(name)),
  uncaught: ['uncaughtException', 'unhandledRejection', 'uncaughtExceptionMonitor', 'exit'].map((name) => process.listenerCount(name)),
  priority: (process.getBuiltinModule('os')).getPriority(),
  cwd: process.cwd(),
})`

test('it is a good guest: no title, signal handler, niceness or output of its own, and nothing is left of it when it is closed', async () => {
  const run = await runHost(
    `${look}
    const before = look()
    const pool = ${make()}
    const jobs = pool.dirty('work')
    tell('pid', { is: (await jobs.pid()) === process.pid, folders: sockets().length })
    await failing(jobs.exit())
    tell('lost', { code: await failing(jobs.exit()) })
    const during = look()
    // Also while replacements are under way.
    await pool.close()
    tell('looks', { before, during: { ...during, uncaught: during.uncaught.slice(0, 3) }, after: look(), left: sockets() })
  `,
    files,
  )
  // It ends by itself: no thread, socket or timer holds it.
  expect(run).toMatchObject(quietEnd)
  expect(run.told('pid')).toEqual([{ is: true, folders: 1 }])
  expect(run.told('lost')).toEqual([{ code: 'MON_DIRTY_WORKER_LOST' }])
  const [{ before, during, after, left }] = run.told('looks') as [Record<string, { uncaught: number[] }>]
  expect(after).toEqual(before)
  expect(during).toEqual({ ...before, uncaught: before!.uncaught.slice(0, 3) })
  expect(left).toEqual([])
})

test('it keeps its process until it is closed, and leaves no file where that ends without a word', async () => {
  const run = await runHost(
    `${look}
    const pool = ${make()}
    await pool.dirty('work').where()
    // Nothing else holds the process now; this timer does not.
    setTimeout(() => { tell('alive', { folders: sockets().length }); process.exit(0) }, 500).unref()
    process.on('exit', () => tell('left', { left: sockets() }))
  `,
    files,
  )
  expect(run.exit).toEqual({ code: 0, signal: null })
  expect(run.told('alive')).toEqual([{ folders: 1 }])
  expect(run.told('left')).toEqual([{ left: [] }])
})

test('a thread that is out of memory is replaced, and its call told so; the process lives on', async () => {
  const run = await runHost(
    `const pool = ${make('threadMemoryLimit: 48')}
    const jobs = pool.dirty('work')
    const error = await jobs.fill().catch((error) => error)
    tell('lost', { code: error.code, how: error.facts.how })
    tell('after', { threads: (await Promise.all([jobs.long(), jobs.long(), jobs.long()])).length })
    await pool.close()
  `,
    files,
  )
  expect(run).toMatchObject(quietEnd)
  expect(run.told('lost')).toEqual([{ code: 'MON_DIRTY_WORKER_LOST', how: 'out of memory' }])
  expect(run.told('after')).toEqual([{ threads: 3 }])
})

test('two pools of one process know nothing of each other, and one closes without the other', async () => {
  const run = await runHost(
    `const [one, two] = [${make()}, ${make()}]
    const [a, b] = [one.dirty('work'), two.dirty('work')]
    const spinning = a.spin().catch(({ code, facts }) => [code, facts.how])
    while (!(await one.counts()).some(({ leased }) => leased > 0)) await new Promise(setImmediate)
    await new Promise((resolve) => setTimeout(resolve, 50))
    const long = b.long()
    await one.close({ graceMs: 0 })
    // Each of these has a folder that is to go with the process; Node would warn of the eleventh listener.
    const many = await Promise.all(Array.from({ length: 11 }, async () => createPool({ apps: { work: './work.mjs:Work' }, workers: 1, isolation: 'thread' })))
    await Promise.all(many.map((pool) => pool.close()))
    tell('closed', { spun: await spinning, other: (await long) > 0, after: (await b.where()) > 0, late: await failing(a.where()) })
    await two.close()
  `,
    files,
  )
  expect(run).toMatchObject(quietEnd)
  expect(run.told('closed')).toEqual([
    { spun: ['MON_DIRTY_WORKER_LOST', 'terminated'], other: true, after: true, late: 'MON_DIRTY_CLOSING' },
  ])
})

test('calls that are aborted take none of the others with them', async () => {
  const pool = await poolStage('thread').make({ workers: 2, cancelGrace: 0.2 })
  try {
    const app = pool.dirty('jobs') as Actions
    const controller = new AbortController()
    const aborted = Array.from({ length: 6 }, () => failure(app.with({ signal: controller.signal }).spin()))
    const others = Array.from({ length: 20 }, (_, index) => app.echo(index))
    controller.abort()
    expect((await Promise.all(aborted)).map(({ code }) => code)).toEqual(aborted.map(() => 'MON_DIRTY_CANCELLED'))
    expect(await Promise.all(others)).toEqual(others.map((_, index) => index))
  } finally {
    await pool.close()
  }
})

test('a thread that has had its calls is replaced', async () => {
  const pool = await poolStage('thread').make({ maxCalls: 5 })
  try {
    const app = pool.dirty('jobs') as Actions
    const threads = new Set<string>()
    while (threads.size < 3) threads.add(await app.where())
  } finally {
    await pool.close()
  }
})

test('what only processes can do is refused in one sentence, and what is switched off is not', async () => {
  const { make: pool } = poolStage('thread')
  const error = await failure(pool({ memoryLimit: 512, nice: 5, spares: 2, dashboard: '127.0.0.1:0' }))
  expect([error.code, error.facts.source]).toEqual(['MON_CONFIG_CONFLICT', 'createPool'])
  for (const name of ['memoryLimit', 'nice', 'spares', 'dashboard']) expect(error.facts.problem).toContain(name)
  await (await pool({ memoryLimit: 0, nice: 0, spares: 0 })).close()
  expect((await failure(pool({ isolation: 'fibre' as 'thread' }))).code).toBe('MON_CONFIG_INVALID')
})
