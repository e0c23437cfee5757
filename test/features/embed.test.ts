import { expect, test } from 'vitest'
import { quietEnd, runHost, startEvaluated, startHost } from '../support/host.ts'

const app = `export default (req, res) => res.end(JSON.stringify({ pid: process.pid, title: process.title }))`
const bind = `workers: 1, bind: ['127.0.0.1:0']`

test('a supervisor serves inside a program, which stays as it was: silent, its signals, title and directory its own', async () => {
  const run = await runHost(
    `
    const before = { cwd: process.cwd(), title: process.title, events: process.eventNames().map(String).sort() }
    const supervisor = createSupervisor({ app: './app.mjs', workers: 2, bind: ['127.0.0.1:0'] })
    tell('idle', { addresses: supervisor.addresses })
    await supervisor.start()
    tell('served', { workers: new Set([await get(supervisor.addresses[0]), await get(supervisor.addresses[0])]).size, addresses: supervisor.addresses })
    const now = { cwd: process.cwd(), title: process.title, events: process.eventNames().map(String).sort() }
    tell('same', { before, now })
    tell('stopped', await supervisor.stop())
    tell('left', { resources: process.getActiveResourcesInfo().filter((one) => one === 'Timeout') })
  `,
    { 'app.mjs': app },
  )
  expect(run).toMatchObject(quietEnd)
  expect(run.told('idle')).toEqual([{ addresses: [] }])
  expect(run.told('served')[0]).toMatchObject({ addresses: [expect.stringMatching(/^127\.0\.0\.1:\d+$/)] })
  const [same] = run.told('same')
  expect(same?.['now']).toEqual(same?.['before'])
  expect(run.told('stopped')).toEqual([{ exitCode: 0, problem: null }])
  expect(run.told('left')).toEqual([{ resources: [] }])
})

test('a reload answers with its outcome, and one that fails is rolled back with the options that it brought', async () => {
  const run = await runHost(
    `
    import { writeFileSync } from 'node:fs'
    const supervisor = createSupervisor({ app: './app.mjs', ${bind} })
    await supervisor.start()
    const [address] = supervisor.addresses
    tell('says', { text: await get(address) })
    writeFileSync('app.mjs', "export default (req, res) => res.end('new')")
    tell('outcome', await supervisor.reload())
    tell('says', { text: await get(address) })
    writeFileSync('app.mjs', "throw new Error('broken')")
    tell('outcome', await supervisor.reload())
    tell('outcome', await supervisor.reload({ app: './none.mjs' }))
    tell('outcome', await supervisor.reload({ workers: -1 }))
    writeFileSync('app.mjs', "export default (req, res) => res.end('newest')")
    tell('outcome', await supervisor.reload({ workers: 2 }))
    tell('outcome', await supervisor.reload())
    tell('says', { text: await get(address), workers: supervisor.snapshot().workersWanted })
    await supervisor.stop()
  `,
    { 'app.mjs': `export default (req, res) => res.end('old')` },
  )
  expect(run).toMatchObject(quietEnd)
  expect(run.told('outcome')).toMatchObject([
    { ok: true, generation: 2 },
    { ok: false, problem: expect.stringContaining('broken') },
    { ok: false, problem: expect.stringContaining('none.mjs') },
    { ok: false, problem: expect.stringContaining('workers') },
    { ok: true },
    { ok: true },
  ])
  expect(run.told('says')).toEqual([{ text: 'old' }, { text: 'new' }, { text: 'newest', workers: 2 }])
})

test('several supervisors live in one process and know nothing of each other', async () => {
  const run = await runHost(
    `
    const make = (word) => createSupervisor({ app: './app.mjs:create("' + word + '")', ${bind} })
    const [one, other] = [make('one'), make('other')]
    await Promise.all([one.start(), other.start()])
    await one.reload()
    tell('says', { texts: [await get(one.addresses[0]), await get(other.addresses[0])] })
    tell('seen', { generations: [one.snapshot().generation, other.snapshot().generation] })
    await one.stop()
    tell('says', { texts: [await get(other.addresses[0])] })
    await other.stop()
  `,
    { 'app.mjs': `export const create = (word) => (req, res) => res.end(word)` },
  )
  expect(run).toMatchObject(quietEnd)
  expect(run.told('says')).toEqual([{ texts: ['one', 'other'] }, { texts: ['other'] }])
  expect(run.told('seen')).toEqual([{ generations: [2, 1] }])
})

test('scale changes how many workers there are; a drained supervisor stays, and who connects waits for its next worker', async () => {
  const run = await runHost(
    `
    const supervisor = createSupervisor({ app: './app.mjs', ${bind} })
    await supervisor.start()
    tell('wanted', await supervisor.scale({ workers: 3 }))
    while (supervisor.snapshot().workers.filter(({ state }) => state === 'ready').length < 3) await new Promise(setImmediate)
    await supervisor.drain()
    tell('drained', { workers: supervisor.snapshot().workers.length })
    const waiting = get(supervisor.addresses[0])
    await supervisor.scale({ workers: 1 })
    tell('answered', JSON.parse(await waiting))
    tell('refused', { codes: [await failing(supervisor.scale({ workers: 1.5 })), await failing(supervisor.scale({ dirtyWorkers: 2 }))] })
    await supervisor.stop()
    tell('refused', { codes: [await failing(supervisor.scale({ workers: 1 })), await failing(supervisor.reload()), await failing(supervisor.start())] })
  `,
    { 'app.mjs': app },
  )
  expect(run).toMatchObject(quietEnd)
  expect(run.told('wanted')).toEqual([{ workers: 3, dirtyWorkers: 0 }])
  expect(run.told('drained')).toEqual([{ workers: 0 }])
  expect(run.told('answered')).toMatchObject([{ pid: expect.any(Number) }])
  expect(run.told('refused')).toEqual([
    { codes: ['MON_CONFIG_INVALID', 'MON_CONTROL_NO_DIRTY'] },
    { codes: ['MON_EMBED_STATE', 'MON_EMBED_STATE', 'MON_EMBED_STATE'] },
  ])
})

test('a drain ends what was there when it began, whatever is wanted meanwhile', async () => {
  const run = await runHost(
    `
    const supervisor = createSupervisor({ app: './app.mjs', ${bind} })
    await supervisor.start()
    const reloaded = supervisor.reload()
    await new Promise((resolve) => supervisor.on('transition', ({ to }) => to === 'ready.reloading.rolling' && resolve()))
    const drained = supervisor.drain()
    tell('during a reload', { ...(await reloaded), drained: await drained.then(() => true), wanted: supervisor.snapshot().workersWanted })
    await supervisor.scale({ workers: 1 })
    await new Promise((resolve) => supervisor.on('worker:ready', resolve))
    const slow = get(supervisor.addresses[0], '/slow')
    while (supervisor.snapshot().workers.at(-1)?.counters?.active !== 1) await new Promise(setImmediate)
    const again = supervisor.drain()
    await supervisor.scale({ workers: 1 })
    await again
    tell('during a scale', { slow: await slow, wanted: supervisor.snapshot().workersWanted })
    await supervisor.stop()
  `,
    { 'app.mjs': `export default (req, res) => setTimeout(() => res.end('late'), req.url === '/slow' ? 300 : 0)` },
  )
  expect(run).toMatchObject(quietEnd)
  expect(run.told('during a reload')).toEqual([{ ok: true, generation: 2, drained: true, wanted: 0 }])
  expect(run.told('during a scale')).toEqual([{ slow: 'late', wanted: 1 }])
})

test('a stop lets a request finish, and with a grace of its own kills what takes longer', async () => {
  const run = await runHost(
    `
    const supervisor = createSupervisor({ app: './app.mjs', ${bind} })
    await supervisor.start()
    const begun = new Promise((resolve) => supervisor.on('worker:exit', resolve))
    const hanging = fetch('http://' + supervisor.addresses[0]).then((answer) => answer.text())
    hanging.catch(() => undefined)
    while (supervisor.snapshot().workers[0].counters?.active !== 1) await new Promise(setImmediate)
    const stopped = supervisor.stop({ graceMs: 200 })
    tell('end', { ...(await begun), request: await hanging.then(() => 'answered', () => 'cut') })
    tell('stopped', await stopped)
    tell('again', await supervisor.stop())
  `,
    { 'app.mjs': 'export default (req, res) => res.flushHeaders()' },
  )
  expect(run).toMatchObject(quietEnd)
  expect(run.told('end')).toMatchObject([{ signal: 'SIGKILL', request: 'cut' }])
  expect(run.told('stopped')).toEqual([{ exitCode: 0, problem: null }])
  expect(run.told('again')).toEqual([{ exitCode: 0, problem: null }])
})

test('listeners, loops and inspectors hear what happens, and one that throws harms nothing', async () => {
  const run = await runHost(
    `
    const supervisor = createSupervisor({ app: './app.mjs', ${bind} })
    const seen = { listened: [], inspected: new Set(), looped: new Set() }
    supervisor.on('transition', () => { throw new Error('mine') })
    supervisor.on('transition', (step) => seen.listened.push(step.actor + ' ' + step.to))
    supervisor.on('worker:exit', ({ cause, signal }) => tell('exit', { cause, signal }))
    const end = supervisor.on('worker:ready', ({ slot, pid }) => tell('ready', { slot, hasPid: pid > 0 }))
    supervisor.inspect(() => { throw new Error('mine too') })
    supervisor.inspect({ next: (event) => seen.inspected.add(event.type) })
    const again = () => {
      seen.again = (seen.again ?? 0) + 1
      endAgain()
      endAgain = supervisor.on('worker:ready', () => again())
    }
    let endAgain = supervisor.on('worker:ready', () => again())
    supervisor.on('ready', async () => { throw new Error('mine, later') })
    tell('event', { code: await failing((async () => supervisor.on('exit', () => undefined))()) })
    const loop = (async () => {
      for await (const event of supervisor) seen.looped.add(event.type)
    })()
    const left = (async () => {
      for await (const event of supervisor) if (event.type === 'ready') return event.facts
    })()
    await supervisor.start()
    end()
    process.kill(supervisor.snapshot().workers[0].pid, 'SIGKILL')
    await new Promise((resolve) => supervisor.on('worker:ready', resolve))
    tell('left', await left)
    await supervisor.stop()
    await loop
    tell('seen', { steps: seen.listened.length > 10, ended: seen.listened.includes('arbiter stopped'), inspected: [...seen.inspected].sort(), looped: [...seen.looped].sort(), again: seen.again })
  `,
    { 'app.mjs': app },
  )
  expect(run).toMatchObject(quietEnd)
  expect(run.told('ready')).toEqual([{ slot: 0, hasPid: true }])
  expect(run.told('exit')).toEqual([
    { cause: 'crashed', signal: 'SIGKILL' },
    { cause: 'stop', signal: null },
  ])
  expect(run.told('left')).toMatchObject([{ workers: 1 }])
  const [seen] = run.told('seen')
  expect(run.told('event')).toEqual([{ code: 'MON_EMBED_EVENT' }])
  expect(seen).toMatchObject({
    steps: true,
    ended: true,
    again: 2,
    looped: ['ready', 'stopped', 'transition', 'worker:exit', 'worker:ready'],
  })
  expect(seen?.['inspected']).toEqual(expect.arrayContaining(['@xstate.actor', '@xstate.event', '@xstate.microstep', '@xstate.snapshot']))
})

test('a worker whose loop is blocked is told of with its stack before it is replaced', async () => {
  const run = await runHost(
    `
    const supervisor = createSupervisor({ app: './app.mjs', timeout: 1, ${bind} })
    supervisor.on('autopsy', ({ where, stack, requests }) => tell('autopsy', { where, names: stack.some((frame) => frame.includes('stuckHere')), paths: requests.map(({ path }) => path) }))
    const exit = new Promise((resolve) => supervisor.on('worker:exit', ({ cause }) => resolve({ cause })))
    await supervisor.start()
    fetch('http://' + supervisor.addresses[0] + '/block').catch(() => undefined)
    tell('exit', await exit)
    await supervisor.stop()
  `,
    { 'app.mjs': 'function stuckHere() { for (;;); }\nexport default (req, res) => stuckHere()' },
  )
  expect(run).toMatchObject(quietEnd)
  expect(run.told('autopsy')).toEqual([{ where: 'javascript', names: true, paths: ['/block'] }])
  expect(run.told('exit')).toEqual([{ cause: 'silent' }])
})

test('a start that fails says why, and leaves nothing', async () => {
  const run = await runHost(
    `
    import { createServer } from 'node:net'
    const taken = createServer().listen(0, '127.0.0.1')
    await new Promise((resolve) => taken.once('listening', resolve))
    const start = (options) => failing(createSupervisor({ app: './app.mjs', ${bind}, ...options }).start())
    tell('codes', {
      unknown: await start({ wrokers: 2 }),
      invalid: await start({ workers: 'many' }),
      none: await start({ app: undefined }),
      missing: await start({ app: './none.mjs' }),
      broken: await start({ app: './broken.mjs' }),
      exits: await start({ app: './exits.mjs' }),
      taken: await start({ bind: ['127.0.0.1:' + taken.address().port] }),
      hook: await start({ postFork() {} }),
      deaf: await start({ logger: { info() {} } }),
      unheard: await start({ accesslog: '-' }),
      beside: await start({ errorlog: './x.log', logger: { info() {}, debug() {}, warn() {}, error() {} } }),
      file: await start({ config: './none.config.js' }),
    })
    const early = createSupervisor({ app: './slow.mjs', ${bind} })
    const starting = failing(early.start())
    await early.stop()
    tell('early', { code: await starting })
    const never = createSupervisor({ app: './app.mjs', ${bind} })
    const loop = (async () => {
      for await (const { type } of never) tell('loop', { type })
    })()
    tell('never', await never.stop())
    await loop
    const dies = createSupervisor({ app: './exits.mjs', ${bind} })
    tell('dies', { problem: await dies.start().catch(({ facts }) => facts.problem) })
    taken.close()
  `,
    {
      'app.mjs': app,
      'broken.mjs': `throw new Error('broken')`,
      'exits.mjs': `process.exit(9)`,
      'slow.mjs': 'setInterval(() => undefined, 1_000)\nawait new Promise(() => undefined)',
    },
  )
  expect(run).toMatchObject(quietEnd)
  expect(run.told('codes')).toEqual([
    {
      unknown: 'MON_CONFIG_UNKNOWN',
      invalid: 'MON_CONFIG_INVALID',
      none: 'MON_APP_MISSING',
      missing: 'MON_APP_NOT_FOUND',
      broken: 'MON_APP_IMPORT',
      exits: 'MON_BOOT_FAILED',
      taken: 'MON_LISTENER_IN_USE',
      hook: 'MON_CONFIG_CONFLICT',
      deaf: 'MON_CONFIG_INVALID',
      unheard: 'MON_CONFIG_CONFLICT',
      beside: 'MON_CONFIG_CONFLICT',
      file: 'MON_CONFIG_FILE',
    },
  ])
  expect(run.told('early')).toEqual([{ code: 'MON_EMBED_STATE' }])
  expect(run.told('loop')).toEqual([{ type: 'stopped' }])
  expect(run.told('dies')).toEqual([{ problem: expect.stringContaining('code 9') }])
  expect(run.told('never')).toEqual([{ exitCode: 0, problem: null }])
})

test('a logger gets the lines of all processes, and what their apps print', async () => {
  const run = await runHost(
    `
    const lines = []
    const at = (level) => (facts, text) => lines.push({ level, text, ...facts })
    const logger = { level: 'info', debug: at('debug'), info: at('info'), warn: at('warn'), error: at('error') }
    const supervisor = createSupervisor({ app: './app.mjs', dirtyApps: ['./jobs.mjs:Jobs'], dirtyWorkers: 1, logger, ${bind} })
    await supervisor.start()
    await get(supervisor.addresses[0])
    await supervisor.dirty('jobs').talk()
    await supervisor.stop()
    const one = (match) => lines.find((line) => Object.entries(match).every(([name, value]) => line[name] === value))
    tell('lines', {
      arbiter: one({ event: 'arbiter.ready' })?.role,
      worker: one({ event: 'request.failed' })?.level,
      isOther: one({ event: 'request.failed' })?.processPid !== process.pid,
      printed: one({ event: 'app.output', text: 'printed' })?.stream,
      spoken: one({ event: 'app.output', text: 'spoken' })?.stream,
      debug: lines.filter(({ level }) => level === 'debug').length,
    })
  `,
    {
      'app.mjs': `export default (req) => { console.log('printed'); throw new Error('mine') }`,
      'jobs.mjs': `export class Jobs { talk() { console.error('spoken') } }`,
    },
  )
  expect(run).toMatchObject(quietEnd)
  expect(run.told('lines')).toEqual([{ arbiter: 'arbiter', worker: 'error', isOther: true, printed: 'stdout', spoken: 'stderr', debug: 0 }])
})

test('a logger that throws costs lines, and nothing else', async () => {
  const run = await runHost(
    `
    const fail = () => { throw new Error('full') }
    const logger = { debug: fail, info: fail, warn: fail, error: fail }
    const supervisor = createSupervisor({ app: './app.mjs', logger, ${bind} })
    await supervisor.start()
    tell('says', { ok: (await get(supervisor.addresses[0])).length > 0 })
    await supervisor.stop()
  `,
    { 'app.mjs': `console.log('printed')\n${app}` },
  )
  expect(run).toMatchObject(quietEnd)
  expect(run.told('says')).toEqual([{ ok: true }])
})

test('a reload says which settings only a start can change', async () => {
  const run = await runHost(
    `
    const supervisor = createSupervisor({ app: './app.mjs', ${bind} })
    await supervisor.start()
    tell('outcome', await supervisor.reload({ dashboard: '127.0.0.1:0' }))
    await supervisor.stop()
  `,
    { 'app.mjs': app },
  )
  expect(run).toMatchObject(quietEnd)
  expect(run.told('outcome')).toEqual([{ ok: true, generation: 2, needsRestart: ['dashboard'] }])
})

test('a program that stood still does not take its workers for frozen', async () => {
  const run = await runHost(
    `
    const supervisor = createSupervisor({ app: './app.mjs', timeout: 1, ${bind} })
    supervisor.on('worker:exit', ({ cause }) => tell('exit', { cause }))
    await supervisor.start()
    Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 4_000)
    tell('says', { ok: (await get(supervisor.addresses[0])).length > 0 })
    await supervisor.stop()
  `,
    { 'app.mjs': app },
  )
  expect(run).toMatchObject(quietEnd)
  expect(run.told('says')).toEqual([{ ok: true }])
  expect(run.told('exit')).toEqual([{ cause: 'stop' }])
})

test('a program that is killed, or ends without a word, leaves no process behind', async () => {
  const files = { 'app.mjs': app, 'jobs.mjs': 'export class Jobs { pid() { return process.pid } }' }
  const program = (last: string) => `
    const supervisor = createSupervisor({ app: './app.mjs', dirtyApps: ['./jobs.mjs:Jobs'], dirtyWorkers: 1, ${bind} })
    await supervisor.start()
    tell('pids', { worker: JSON.parse(await get(supervisor.addresses[0])).pid, dirty: await supervisor.dirty('jobs').pid() })
    ${last}
  `
  const [killed, exits] = [startHost(program(''), files), startHost(program('process.exit(3)'), files)]
  await killed.until('pids')
  killed.signal('SIGKILL')
  expect(await exits.exited).toEqual({ code: 3, signal: null })
  expect(await killed.exited).toEqual({ code: null, signal: 'SIGKILL' })
})

test('a program that was given to Node in words, under a debugger, has workers of its own for all that', async () => {
  const host = startEvaluated(
    ['--inspect=127.0.0.1:0', '--stack-trace-limit=25'],
    `
    const supervisor = createSupervisor({ app: './app.mjs', ${bind} })
    await supervisor.start()
    tell('says', { options: JSON.parse(await get(supervisor.addresses[0])) })
    await supervisor.stop()
  `,
    { 'app.mjs': `export default (req, res) => res.end(JSON.stringify(process.execArgv))` },
  )
  expect(await host.exited).toEqual({ code: 0, signal: null })
  expect(host.all('says').map(({ options }) => options)).toEqual([['--stack-trace-limit=25']])
})
