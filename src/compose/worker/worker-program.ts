/** The user's program inside a worker: found, imported, started, opened, and told to end. */
import type { Server } from 'node:net'
import { resolve } from 'node:path'
import { type Adopted, adopt } from '../../app/adopt.ts'
import { installFastResponse } from '../../app/fast-response.ts'
import { findApp } from '../../app/find.ts'
import { holdSignals } from '../../app/held-signals.ts'
import { installListenTrap, type TrappedListen } from '../../app/listen-trap.ts'
import { importApp, importPart } from '../../app/load.ts'
import { neverServes } from '../../app/never-serves.ts'
import { parseAppSpec } from '../../app/spec.ts'
import { parseAddress } from '../../base/address.ts'
import { MonocerosError, problemOf } from '../../base/errors.ts'
import type { Question, QuestionAnswer } from '../../ipc/questions.ts'
import type { Wishes } from '../../worker/wishes.ts'
import { asyncClass, syncClass, type WorkerClass } from '../../worker/worker-class.ts'
import { deferred, within } from '../deferred.ts'
import { answerAppMetrics } from './app-metrics-answer.ts'
import type { WorkerScope } from './worker-scope.ts'
import { prepareWorker } from './worker-setup.ts'
import type { Traffic } from './worker-traffic.ts'

export interface Program {
  load(): Promise<void>
  startUp(): Promise<void>
  /** Settles when its main server is open, or when it said `ready` in PM2's way. */
  open(): Promise<void>
  /** It was told to stop at once. */
  interrupt(): void
  shutDown(patienceMs: number): Promise<void>
  /** Runs the last hook, unless it has been begun. */
  exit(): Promise<void>
  /** What only its main thread knows. */
  answer?(question: Question): Promise<QuestionAnswer>
  /** Something in the process can only be ended with it. */
  readonly isStuck?: boolean
}

export function createProgram(scope: WorkerScope, traffic: Traffic, wishes: Wishes, onImport: () => void): Program {
  const { boot, settings, log, pulse, channel } = scope
  const spec = settings.app ?? ''
  let adopted: Adopted = { kind: 'none' }
  let mainServer: Server | null = null
  const opened = deferred()
  const over = deferred<never>()
  let interrupted: Promise<void> | undefined
  let hasExited = false
  const heldSignals = holdSignals(['SIGTERM', 'SIGINT'], (error, signal) =>
    log.event('app.signal-handler-failed', { signal, problem: problemOf(error) }, error),
  )

  /** The first listen decides the address, unless `bind` was given; later ones are shared in the same way. */
  async function onListen(listen: TrappedListen): Promise<void> {
    const isMain = mainServer === null
    if (isMain) mainServer = listen.server
    try {
      if (isMain && boot.isBindGiven) {
        // Every worker's program asks the same: one line is enough.
        if (boot.slot === 0)
          log.event('config.bind-wins', { asked: wishText(listen), bind: boot.listeners.map((listener) => listener.address).join(' ') })
        await traffic.openAt(listen.server, given())
      } else {
        const granted = await wishes.bind(listen.wish)
        if (listen.isCancelled()) (granted.handle as { close(): void }).close()
        else await traffic.openAt(listen.server, [granted])
      }
      if (isMain) opened.resolve()
    } catch (error) {
      if (isMain) opened.reject(error)
      else listen.fail(Object.assign(new Error(problemOf(error)), { code: 'EADDRINUSE', syscall: 'listen' }))
    }
  }

  const given = () => boot.listeners.map((listener) => ({ listener }))

  /** The loop is empty and nothing of ours is under way: this program will never serve. */
  const onNothingLeft = () => {
    if (mainServer === null) over.reject(neverServes(spec, 'came-to-its-end'))
  }

  /** PM2's habit: a program that sends `ready` to its parent is ready, whether it listens or not. */
  function hearReady(): void {
    process.send = ((message: unknown) => {
      if (message === 'ready') opened.resolve()
      return true
    }) as NonNullable<typeof process.send>
  }

  async function load(): Promise<void> {
    const startedMs = performance.now()
    await prepareWorker(scope)
    traffic.serveAs(await classOf(settings.workerClass))
    pulse.setPhase('importing the app')
    const parsed = parseAppSpec(spec)
    if (!parsed.ok) throw parsed.error
    const found = await findApp(parsed.spec.module, process.cwd())
    if (!found.ok) throw found.error
    hearReady()
    installListenTrap((listen) => void onListen(listen))
    const putResponseBack = settings.fastResponse ? installFastResponse() : undefined
    onImport()
    process.once('beforeExit', onNothingLeft)
    const namespace = await importApp(found.file, { cwd: process.cwd(), spec })
    adopted = await adopt(namespace, parsed.spec, {
      file: found.file,
      ...(putResponseBack === undefined ? {} : { putResponseBack }),
      onError: (error, req) =>
        log.event('request.failed', { method: req.method, path: req.url?.split('?', 1)[0], problem: problemOf(error) }, error),
    })
    const kind = adopted.kind === 'none' && mainServer !== null ? 'program' : adopted.kind
    channel.send({ type: 'loaded', kind, loadMs: Math.round(performance.now() - startedMs) })
  }

  async function startUp(): Promise<void> {
    pulse.setPhase('running onStartup')
    try {
      await adopted.onStartup?.({ ...scope.facts(), name: boot.name })
    } catch (error) {
      throw new MonocerosError('MON_APP_STARTUP', { spec, problem: problemOf(error) }, error)
    }
    await scope.runHook('postWorkerInit')
  }

  async function open(): Promise<void> {
    pulse.setPhase('opening')
    if (mainServer !== null || adopted.kind === 'none') return opened.promise
    mainServer = adopted.server as Server
    if (boot.isBindGiven) return traffic.openAt(mainServer, given())
    const granted = []
    for (const text of settings.bind) {
      const address = parseAddress(text)
      if (address.ok) granted.push(await traffic.bind(address.address))
    }
    await traffic.openAt(mainServer, granted)
  }

  const interrupt = () => {
    interrupted ??= scope.runHook('workerInt')
  }
  const exit = async () => {
    if (hasExited) return
    hasExited = true
    await scope.runHook('workerExit')
  }

  async function shutDown(patienceMs: number): Promise<void> {
    pulse.setPhase('running onShutdown')
    const steps = async () => {
      await interrupted
      await adopted.onShutdown?.({ ...scope.facts(), name: boot.name })
      if (adopted.kind !== 'none') await adopted.close?.()
      await exit()
      // Last: many a program's own handler ends the process. One made for PM2 may know only INT, which is what PM2 sends.
      await heldSignals.release(heldSignals.has('SIGTERM') ? 'SIGTERM' : 'SIGINT')
    }
    await within(patienceMs, steps())
  }

  const answer = async (question: Question): Promise<QuestionAnswer> =>
    (await answerAppMetrics(question)) ?? { ok: false, problem: 'it runs in no thread' }

  const unlessOver = (step: () => Promise<void>) => () => Promise.race([step(), over.promise])
  return { load: unlessOver(load), startUp: unlessOver(startUp), open: unlessOver(open), interrupt, shutDown, exit, answer }
}

/** @throws MON_WORKER_CLASS */
async function classOf(name: string): Promise<WorkerClass> {
  if (['async', 'asgi', 'gevent', 'tornado'].includes(name)) return asyncClass
  if (name === 'sync') return syncClass
  let found: Partial<WorkerClass> | undefined
  try {
    const { workerClass, default: whole } = (await importPart(resolve(name))) as {
      workerClass?: typeof found
      default?: typeof found & { workerClass?: typeof found }
    }
    // What was compiled to CommonJS without a default export has become one.
    found = workerClass ?? whole?.workerClass ?? whole
  } catch (error) {
    throw new MonocerosError('MON_WORKER_CLASS', { spec: name, problem: problemOf(error) }, error)
  }
  if (typeof found?.create === 'function') return found as WorkerClass
  throw new MonocerosError('MON_WORKER_CLASS', { spec: name, problem: 'it exports no workerClass with a create(kit) function' })
}

function wishText({ wish }: TrappedListen): string {
  return wish.path === null ? `${wish.host ?? ''}:${wish.port}` : `unix:${wish.path}`
}
