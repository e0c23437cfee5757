/** The events of DESIGN section 8 as monoceros has them: how each is made, and which log events prove that it happened. */
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { pathToFileURL } from 'node:url'
import { ask } from '../../test/support/client.ts'
import { type Running, root, startShared } from '../../test/support/harness.ts'
import type { Service, Trial } from './trial.ts'
import type { Permit } from './verdict.ts'

export interface MonocerosEvent {
  readonly name: string
  readonly args?: readonly string[]
  readonly isEnd?: boolean
  /** As many as the class has, unless it says otherwise. */
  readonly workers?: number
  /** Without `bind`: the arbiter binds what the program listens to, and lends it by handle. */
  readonly isBoundByProgram?: boolean
  happen(server: Running, workers: number): Promise<Permit>
}

/** How monoceros runs the app: which rows there are is up to whoever asks. */
export interface Layout {
  readonly subject: string
  readonly workers: number
  readonly args: readonly string[]
  /** At the top of the config file. */
  readonly config: string
}

export const workers = 4
export const asyncLayout: Layout = { subject: 'monoceros', workers, args: [], config: '' }
export const appFile = 'app.mjs'
const configFile = 'monoceros.config.mjs'
export const soundApp = `import ${JSON.stringify(pathToFileURL(join(root, 'bench/ledger/app.js')).href)}\n`
export const nothingDied: Permit = { victims: new Map(), endsAtMs: null }

/** A new generation serves, and the old one is gone. */
async function reload(server: Running, workers: number): Promise<void> {
  const before = server.lines.length
  const gone = server.all('worker.gone').length
  server.signal('SIGHUP')
  await server.until('reload.done', undefined, { after: before })
  await server.untilCount('worker.gone', gone + workers)
}

/** A deploy that cannot succeed is rolled back: the old generation serves on. */
async function failToReload(server: Running, broken: Readonly<Record<string, string>>, expected: readonly string[]): Promise<Permit> {
  const before = server.lines.length
  for (const [name, text] of Object.entries(broken)) writeFileSync(join(server.folder, name), text)
  server.signal('SIGHUP')
  for (const event of [...expected, 'reload.rolled-back']) await server.until(event, undefined, { after: before })
  if (server.all('reload.done').length > 0) throw new Error('a broken reload was committed')
  if (server.all('worker.gone', { gen: 1 }).length > 0) throw new Error('a worker of the old generation was stopped')
  return nothingDied
}

async function killOne(server: Running): Promise<Permit> {
  const before = server.lines.length
  const [slot, pid] = [...server.workers()][0] ?? [0, 0]
  const diedAtMs = Date.now()
  process.kill(pid, 'SIGKILL')
  await server.until('worker.died', { slot }, { after: before })
  await server.until('worker.ready', { slot }, { after: before })
  return { victims: new Map([[pid, diedAtMs]]), endsAtMs: null }
}

/** One worker never comes back from a call; its watchdog tells, and the arbiter kills it. */
async function blockOne(server: Running): Promise<Permit> {
  const before = server.lines.length
  const blocked = ask({ port: server.port(), path: '/block' }).catch(() => null)
  const timeout = await server.until('worker.timeout', undefined, { after: before })
  await server.until('worker.autopsy', { slot: timeout.slot }, { after: before })
  await server.until('worker.died', { slot: timeout.slot }, { after: before })
  await server.until('worker.ready', { slot: timeout.slot }, { after: before })
  if ((await blocked) !== null) throw new Error('the blocked worker answered')
  return { victims: new Map([[timeout.childPid ?? 0, Date.parse(String(timeout['time']))]]), endsAtMs: null }
}

/** One signal after the other: the kernel merges two of a kind that have not been taken yet. */
async function scale(server: Running, signal: 'SIGTTIN' | 'SIGTTOU', times: number): Promise<void> {
  for (let n = 0; n < times; n++) {
    const before = server.lines.length
    server.signal(signal)
    await server.until('arbiter.scaled', undefined, { after: before })
  }
}

async function scaleUpAndDown(server: Running, workers: number): Promise<Permit> {
  const before = server.lines.length
  await scale(server, 'SIGTTIN', 2)
  for (const slot of [workers, workers + 1]) await server.until('worker.ready', { slot }, { after: before })
  await scale(server, 'SIGTTOU', 3)
  for (const slot of [workers - 1, workers, workers + 1]) await server.until('worker.gone', { slot }, { after: before })
  const shrunk = server.lines.length
  await scale(server, 'SIGTTIN', 1)
  await server.until('worker.ready', { slot: workers - 1 }, { after: shrunk })
  return nothingDied
}

/** Somebody else's TERM: the worker leaves by itself, and its slot is filled at once. */
async function stopOne(server: Running): Promise<Permit> {
  const before = server.lines.length
  const [slot, pid] = [...server.workers()][0] ?? [0, 0]
  process.kill(pid, 'SIGTERM')
  await server.until('worker.gone', { childPid: pid }, { after: before })
  await server.until('worker.ready', { slot }, { after: before })
  return nothingDied
}

/** Comes back when a reload has its first new worker, and is far from over. */
async function beginReload(server: Running): Promise<void> {
  const before = server.lines.length
  server.signal('SIGHUP')
  await server.until('worker.ready', undefined, { after: before })
}

async function reloadTwice(server: Running, workers: number): Promise<Permit> {
  await beginReload(server)
  await reload(server, workers)
  if (server.all('reload.done').length !== 1) throw new Error('the reload under way was not given up for the newer one')
  return nothingDied
}

async function killDuringReload(server: Running): Promise<Permit> {
  const old = [...server.workers().values()]
  await beginReload(server)
  const [pid = 0] = old.filter((each) => server.all('worker.gone', { childPid: each }).length === 0).slice(-1)
  const diedAtMs = Date.now()
  process.kill(pid, 'SIGKILL')
  await server.until('reload.done')
  for (const each of old) await server.until(each === pid ? 'worker.died' : 'worker.gone', { childPid: each })
  return { victims: new Map([[pid, diedAtMs]]), endsAtMs: null }
}

async function killArbiter(server: Running, workers: number): Promise<Permit> {
  const endsAtMs = Date.now()
  server.signal('SIGKILL')
  // Its workers hold its stderr: this comes when the last of them is gone.
  const exit = await server.exited
  if (exit.signal !== 'SIGKILL') throw new Error(`the arbiter ended by itself: ${exit.code}`)
  if (server.all('worker.orphaned').length < workers) throw new Error('a worker did not see that it was orphaned')
  return { victims: new Map(), endsAtMs }
}

async function stop(server: Running, workers: number): Promise<Permit> {
  const endsAtMs = Date.now()
  const exit = await server.stop()
  if (exit.code !== 0) throw new Error(`exit code ${exit.code ?? exit.signal}`)
  // Not worker.drained: on a busy machine a process is seen to have ended before its last word has been read.
  if (server.all('worker.draining').length < workers) throw new Error('a worker was not drained')
  if (server.all('worker.died').length + server.all('worker.grace-over').length > 0) throw new Error('a worker was not let finish')
  return { victims: new Map(), endsAtMs }
}

const hangs = 'Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0)\n'

export const monocerosEvents: readonly MonocerosEvent[] = [
  {
    name: 'HUP',
    async happen(server, workers) {
      await reload(server, workers)
      return nothingDied
    },
  },
  {
    name: 'HUP with broken config',
    happen: (server) => failToReload(server, { [configFile]: 'export default { workers: ' }, []),
  },
  {
    name: 'HUP with broken app',
    happen: (server) => failToReload(server, { [appFile]: "throw new Error('a broken deploy')\n" }, ['worker.cannot-boot']),
  },
  {
    name: 'HUP with an app that hangs at import',
    happen: (server) => failToReload(server, { [appFile]: hangs, [configFile]: 'export const bootTimeout = 1\n' }, ['worker.boot-timeout']),
  },
  { name: 'TTIN, TTOU', happen: scaleUpAndDown },
  {
    name: 'max_requests',
    args: ['--max-requests', '150', '--max-requests-jitter', '50'],
    async happen(server, workers) {
      await server.untilCount('worker.recycle', 3 * workers)
      await server.untilCount('worker.gone', 2 * workers)
      return nothingDied
    },
  },
  { name: 'SIGKILL of a worker', happen: killOne },
  { name: 'blocked worker, killed by timeout', args: ['--timeout', '2'], happen: blockOne },
  { name: 'SIGKILL of the arbiter', isEnd: true, happen: killArbiter },
  { name: 'TERM', isEnd: true, happen: stop },
]

/** Beyond the list: what else happens to a service, and two things at a time. */
export const mixedEvents: readonly MonocerosEvent[] = [
  { name: 'TERM of a worker', happen: stopOne },
  { name: 'TERM of the only worker', workers: 1, happen: stopOne },
  { name: 'SIGKILL of the only worker', workers: 1, happen: killOne },
  {
    name: 'HUP of a program that listens by itself',
    isBoundByProgram: true,
    async happen(server, workers) {
      await reload(server, workers)
      return nothingDied
    },
  },
  { name: 'HUP during a HUP', happen: reloadTwice },
  { name: 'SIGKILL of a worker during a HUP', happen: killDuringReload },
  {
    name: 'SIGKILL of the arbiter during a HUP',
    isEnd: true,
    async happen(server, workers) {
      await beginReload(server)
      return killArbiter(server, workers)
    },
  },
  {
    name: 'TERM of every process, as systemd does',
    isEnd: true,
    async happen(server, workers) {
      for (const pid of server.workers().values()) process.kill(pid, 'SIGTERM')
      return stop(server, workers)
    },
  },
  {
    name: 'TERM during a HUP',
    isEnd: true,
    async happen(server, workers) {
      await beginReload(server)
      return stop(server, workers)
    },
  },
]

/** @param moreArgs options of monoceros on top, to see an event under other settings */
export function monocerosTrial(event: MonocerosEvent, moreArgs: readonly string[] = [], layout = asyncLayout): Trial {
  return { subject: layout.subject, event: event.name, isEnd: event.isEnd ?? false, start: () => startService(event, moreArgs, layout) }
}

async function startService(event: MonocerosEvent, moreArgs: readonly string[], layout: Layout): Promise<Service> {
  const bind = event.isBoundByProgram ? [] : ['-b', '127.0.0.1:0']
  const wanted = event.workers ?? layout.workers
  const { running, close } = startShared({
    args: [appFile, '-w', String(wanted), ...bind, ...layout.args, ...(event.args ?? []), ...moreArgs],
    files: { [appFile]: soundApp, [configFile]: layout.config === '' ? 'export default {}\n' : layout.config },
  })
  try {
    await running.ready()
    await running.untilCount('worker.ready', wanted)
  } catch (error) {
    await close()
    throw error
  }
  return {
    port: running.port(),
    folder: running.folder,
    happen: () => event.happen(running, wanted),
    async close() {
      const problems = event.isEnd ? [] : await unhealthy(running, wanted)
      await close().catch((error: Error) => problems.push(error.message))
      return problems
    },
  }
}

/** Still serves, with as many workers as it should, and ends with 0 when it is told to. */
async function unhealthy(server: Running, workersWanted: number): Promise<string[]> {
  const problems: string[] = []
  const answer = await ask({ port: server.port(), path: '/page' }).catch((error: Error) => error.message)
  if (typeof answer === 'string' || answer.status !== 200) problems.push(`it does not serve any more: ${JSON.stringify(answer)}`)
  if (server.workers().size !== workersWanted) problems.push(`${server.workers().size} workers instead of ${workersWanted}`)
  const exit = await server.stop()
  if (exit.code !== 0) problems.push(`TERM afterwards: exit code ${exit.code ?? exit.signal}`)
  for (const event of ['chart.failed', 'arbiter.uncaught', 'worker.grace-over', 'worker.drain-failed', 'worker.door-problem']) {
    if (server.all(event).length > 0) problems.push(`${event} was logged`)
  }
  return problems
}
