/** The events of DESIGN section 8 as monoceros has them: how each is made, and which log events prove that it happened. */
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { pathToFileURL } from 'node:url'
import { ask } from '../../test/support/client.ts'
import { type Running, root, startShared } from '../../test/support/harness.ts'
import type { Service, Trial } from './trial.ts'
import type { Permit } from './verdict.ts'

interface MonocerosEvent {
  readonly name: string
  readonly args?: readonly string[]
  readonly isEnd?: boolean
  happen(server: Running): Promise<Permit>
}

const workers = 4
const appFile = 'app.mjs'
const soundApp = `import ${JSON.stringify(pathToFileURL(join(root, 'bench/ledger/app.js')).href)}\n`
const nothingDied: Permit = { victims: new Map(), endsAtMs: null }

/** A new generation serves, and the old one is gone. */
async function reload(server: Running): Promise<void> {
  const before = server.lines.length
  const gone = server.all('worker.gone').length
  server.signal('SIGHUP')
  await server.until('reload.done', undefined, { after: before })
  await server.untilCount('worker.gone', gone + workers)
}

async function killOne(server: Running): Promise<readonly [number, number]> {
  const before = server.lines.length
  const [slot, pid] = [...server.workers()][0] ?? [0, 0]
  const diedAtMs = Date.now()
  process.kill(pid, 'SIGKILL')
  await server.until('worker.died', { slot }, { after: before })
  await server.until('worker.ready', { slot }, { after: before })
  return [pid, diedAtMs]
}

export const monocerosEvents: readonly MonocerosEvent[] = [
  {
    name: 'HUP',
    async happen(server) {
      await reload(server)
      return nothingDied
    },
  },
  {
    name: 'SIGKILL of a worker',
    async happen(server) {
      return { victims: new Map([await killOne(server)]), endsAtMs: null }
    },
  },
  {
    name: 'TERM',
    isEnd: true,
    async happen(server) {
      const endsAtMs = Date.now()
      const exit = await server.stop()
      if (exit.code !== 0) throw new Error(`TERM: exit code ${exit.code ?? exit.signal}`)
      if (server.all('worker.drained').length !== workers) throw new Error('TERM: a worker did not drain')
      return { victims: new Map(), endsAtMs }
    },
  },
]

export function monocerosTrial(event: MonocerosEvent): Trial {
  return { subject: 'monoceros', event: event.name, start: () => startService(event) }
}

async function startService(event: MonocerosEvent): Promise<Service> {
  const { running, close } = startShared({
    args: [appFile, '-w', String(workers), '-b', '127.0.0.1:0', ...(event.args ?? [])],
    files: { [appFile]: soundApp },
  })
  try {
    await running.ready()
    await running.untilCount('worker.ready', workers)
  } catch (error) {
    await close()
    throw error
  }
  return {
    port: running.port(),
    folder: running.folder,
    happen: () => event.happen(running),
    async close() {
      const problems = event.isEnd ? [] : await unhealthy(running)
      await close().catch((error: Error) => problems.push(error.message))
      return problems
    },
  }
}

/** Still serves, with as many workers as it should, and ends with 0 when it is told to. */
async function unhealthy(server: Running): Promise<string[]> {
  const problems: string[] = []
  const answer = await ask({ port: server.port(), path: '/page' }).catch((error: Error) => error.message)
  if (typeof answer === 'string' || answer.status !== 200) problems.push(`it does not serve any more: ${JSON.stringify(answer)}`)
  if (server.workers().size !== workers) problems.push(`${server.workers().size} workers instead of ${workers}`)
  const exit = await server.stop()
  if (exit.code !== 0) problems.push(`TERM afterwards: exit code ${exit.code ?? exit.signal}`)
  for (const event of ['chart.failed', 'arbiter.uncaught', 'worker.grace-over', 'worker.drain-failed', 'worker.door-problem']) {
    if (server.all(event).length > 0) problems.push(`${event} was logged`)
  }
  return problems
}

/** Overwrites the app, as a deploy does. */
export const deploy = (server: Running, text: string) => writeFileSync(join(server.folder, appFile), text)
