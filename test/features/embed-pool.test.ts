import { expect, test } from 'vitest'
import { quietEnd, runHost } from '../support/host.ts'

const jobs = `
export class Jobs {
  pid() { return process.pid }
  word() { return 'WORD' }
  async slow(ms) { await new Promise((resolve) => setTimeout(resolve, ms)); return process.pid }
  end() { process.kill(process.pid, 'SIGKILL') }
}`
const make = `await createPool({ apps: { jobs: './jobs.mjs:Jobs' }, workers: 1 })`

test('a pool is a process tree without HTTP, that ends with its close', async () => {
  const run = await runHost(
    `
    const pool = ${make}
    const dirty = pool.dirty('jobs')
    tell('pids', { own: process.pid, job: await dirty.pid() })
    tell('end', { code: await failing(dirty.end()) })
    tell('after', { ok: (await dirty.pid()) > 0, counts: (await pool.counts()).map(({ app }) => app) })
    const slow = dirty.slow(300)
    while (!(await pool.counts()).some(({ leased }) => leased > 0)) await new Promise(setImmediate)
    const queued = failing(dirty.slow(300))
    while (!(await pool.counts()).some(({ queued }) => queued > 0)) await new Promise(setImmediate)
    await pool.close()
    tell('closed', { finished: (await slow) > 0, queued: await queued, code: await failing(dirty.pid()), counts: await failing(pool.counts()) })
  `,
    { 'jobs.mjs': jobs },
  )
  expect(run).toMatchObject(quietEnd)
  const [pids] = run.told('pids')
  expect(pids?.['job']).not.toBe(pids?.['own'])
  expect(run.told('end')).toEqual([{ code: 'MON_DIRTY_WORKER_LOST' }])
  expect(run.told('after')).toEqual([{ ok: true, counts: ['jobs'] }])
  expect(run.told('closed')).toEqual([
    { finished: true, queued: 'MON_DIRTY_CLOSING', code: 'MON_DIRTY_CLOSING', counts: 'MON_DIRTY_CLOSING' },
  ])
})

test('a reload of a pool loses no call, and takes the new code in', async () => {
  const run = await runHost(
    `
    import { writeFileSync, readFileSync } from 'node:fs'
    const pool = ${make}
    const dirty = pool.dirty('jobs')
    let isDone = false
    const words = new Map()
    const call = async () => {
      while (!isDone) {
        const word = await dirty.word().catch((error) => error.code)
        words.set(word, (words.get(word) ?? 0) + 1)
      }
    }
    const callers = [call(), call(), call()]
    writeFileSync('jobs.mjs', readFileSync('jobs.mjs', 'utf8').replace('WORD', 'NEW'))
    tell('outcome', await pool.supervisor.reload())
    writeFileSync('jobs.mjs', 'throw new Error("broken")')
    tell('outcome', await pool.supervisor.reload())
    isDone = true
    await Promise.all(callers)
    tell('words', { words: [...words.keys()].sort(), last: await dirty.word() })
    await pool.close()
  `,
    { 'jobs.mjs': jobs },
  )
  expect(run).toMatchObject(quietEnd)
  expect(run.told('outcome')).toMatchObject([{ ok: true }, { ok: false, problem: expect.stringContaining('broken') }])
  expect(run.told('words')).toEqual([{ words: ['NEW', 'WORD'], last: 'NEW' }])
})

test('the supervisor of a pool takes the names of a pool, counts in whole numbers, and tells of its processes', async () => {
  const run = await runHost(
    `
    const pool = ${make}
    const { supervisor } = pool
    supervisor.on('worker:exit', ({ role, cause }) => tell('exit', { role, cause }))
    await failing(pool.dirty('jobs').end())
    const two = Array.from({ length: 2 }, () => supervisor.scale({ dirtyWorkers: 2 }))
    tell('scaled', { counts: [...(await Promise.all(two)), await supervisor.scale({ dirtyWorkers: 2 })].map(({ dirtyWorkers }) => dirtyWorkers) })
    tell('reloaded', await supervisor.reload({ workers: 1 }))
    tell('refused', { codes: [await failing(supervisor.reload({ wrokers: 1 })), await failing(supervisor.scale({ workers: 1 }))] })
    const reloading = supervisor.reload()
    await pool.close()
    tell('cut', await reloading)
  `,
    { 'jobs.mjs': jobs },
  )
  expect(run).toMatchObject(quietEnd)
  expect(run.told('exit')[0]).toEqual({ role: 'dirty-worker', cause: 'crashed' })
  expect(run.told('exit').at(-1)).toEqual({ role: 'dirty-arbiter', cause: 'stop' })
  expect(run.told('scaled')).toEqual([{ counts: [2, 2, 2] }])
  expect(run.told('reloaded')).toEqual([{ ok: true, generation: 2 }])
  expect(run.told('refused')).toEqual([{ codes: ['MON_CONFIG_UNKNOWN', 'MON_APP_MISSING'] }])
  expect(run.told('cut')).toMatchObject([{ ok: false }])
})

test('a pool that cannot be made says why under the names that were given, and leaves nothing', async () => {
  const run = await runHost(
    `
    const make = (options) => createPool({ apps: { jobs: './jobs.mjs:Jobs' }, ...options }).then(
      (pool) => pool.close().then(() => 'made'),
      ({ code, facts }) => [code, facts.setting ?? facts.spec, facts.hint ?? ''].join(' ').trim(),
    )
    tell('codes', {
      unknown: await make({ wrokers: 1 }),
      http: await make({ bind: ['127.0.0.1:0'] }),
      negative: await make({ workers: -1 }),
      none: await make({ apps: {} }),
      missing: await make({ apps: { jobs: './none.mjs:Jobs' } }),
      noClass: await make({ apps: ['./jobs.mjs:Nobs'] }),
      noSpec: await make({ apps: { jobs: './jobs.mjs' } }),
    })
  `,
    { 'jobs.mjs': jobs },
  )
  expect(run).toMatchObject(quietEnd)
  expect(run.told('codes')).toEqual([
    {
      unknown: 'MON_CONFIG_UNKNOWN wrokers  (did you mean workers?)',
      http: expect.stringMatching(/^MON_CONFIG_UNKNOWN bind/),
      negative: 'MON_CONFIG_INVALID workers',
      none: 'MON_CONFIG_INVALID apps',
      missing: 'MON_APP_NOT_FOUND ./none.mjs',
      noClass: 'MON_DIRTY_LOAD ./jobs.mjs:Nobs',
      noSpec: 'MON_CONFIG_INVALID apps',
    },
  ])
})

test('what looks at a server looks at a pool: dashboard, metrics, control socket, events', async () => {
  const run = await runHost(
    `
    const pool = await createPool({
      apps: { jobs: './jobs.mjs:Jobs' }, workers: 1, name: 'shop',
      dashboard: '127.0.0.1:0', metricsBind: '127.0.0.1:0', controlSocket: './pool.ctl',
    })
    await pool.dirty('jobs').pid()
    const { supervisor } = pool
    const page = await fetch(supervisor.dashboard.replace(/#.*/, ''))
    const { connect } = await import('node:net')
    const socket = connect('./pool.ctl')
    await new Promise((resolve, reject) => socket.once('connect', resolve).once('error', reject))
    socket.destroy()
    const steps = []
    supervisor.on('transition', ({ role, to }) => steps.push(role + ' ' + to))
    while (supervisor.snapshot().dirtyApps.length === 0) await new Promise((resolve) => setTimeout(resolve, 20))
    const { name, dirtyApps, dirtyWorkers } = supervisor.snapshot()
    await pool.close()
    tell('seen', { page: page.status, name, app: dirtyApps[0].app, workers: dirtyWorkers.length, stopped: steps.includes('arbiter stopped') })
  `,
    { 'jobs.mjs': jobs },
  )
  expect(run).toMatchObject(quietEnd)
  expect(run.told('seen')).toEqual([{ page: 200, name: 'shop', app: 'jobs', workers: 1, stopped: true }])
})
