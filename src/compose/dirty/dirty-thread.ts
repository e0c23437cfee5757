/** The whole life inside a thread of a dirty worker: it loads one app, and runs its calls one at a time. */
import { AsyncLocalStorage } from 'node:async_hooks'
import { threadId } from 'node:worker_threads'
import * as Comlink from 'comlink'
import { findApp } from '../../app/find.ts'
import { importApp, type ModuleNamespace } from '../../app/load.ts'
import { parseDirtySpec } from '../../base/dirty-spec.ts'
import { MonocerosError, problemOf } from '../../base/errors.ts'
import { reservedNames, setCallSource } from '../../dirty-client/dirty.ts'
import { openDoor } from '../../dirty-thread/door.ts'
import { type AppInstance, type CallContext, createRunner } from '../../dirty-thread/run-calls.ts'
import type { DirtyAppFacts } from '../../ipc/messages.ts'
import { nowMs } from '../../ipc/pulse.ts'
import type { DirtyControl, DirtyLookAnswer, DirtyOpenAnswer, DirtyTask } from '../../lanes/dirty-control.ts'
import { dirtyPageIn } from '../../lanes/dirty-page.ts'
import { vitalsIn } from '../../lanes/lane-memory.ts'
import type { StepAnswer } from '../../lanes/thread-control.ts'
import { startVitals } from '../../thread/vitals.ts'
import type { FromThread, ToThread } from '../../wire/port-messages.ts'
import { withTrace } from '../../wire/trace-context.ts'
import { within } from '../deferred.ts'

interface AppClass {
  new (): AppInstance & { init?(): unknown; close?(): unknown }
  readonly workers?: number | null
  readonly threads?: number | null
  readonly stashes?: readonly string[]
}

/** Never settles: the thread is ended from outside, or ends itself. */
export function runDirtyThread({ words, control, vitals, page, orders }: DirtyTask): Promise<never> {
  startVitals(vitalsIn(vitals), nowMs)
  const context = new AsyncLocalStorage<CallContext>()
  const idle = new AbortController()
  setCallSource({ lease: () => context.getStore()?.lease ?? null, signal: () => context.getStore()?.signal ?? idle.signal })
  let app: InstanceType<AppClass> | null = null

  const tell = (message: FromThread) => words.postMessage(message)

  async function takeCalls(instance: AppInstance): Promise<void> {
    const { app: appName, path, frameMaxBytes, timeoutMs, isCounted } = orders
    const runner = createRunner({
      app: instance,
      appName,
      page: dirtyPageIn(page),
      timeoutMs,
      nowMs,
      within: (call, run) => context.run(call, () => withTrace(call.trace, run)),
      wrap: (endpoint) => Comlink.wrap(endpoint),
    })
    const door = openDoor(frameMaxBytes, {
      ...runner,
      onOver: (lease) => tell({ type: 'over', lease }),
      onDone: () => isCounted && tell({ type: 'done' }),
    })
    words.on('message', (message: ToThread) => {
      if (message.type === 'end') door.endCall(message.lease, message.call, message.why)
      else if (message.type === 'revoke') door.revoke(message.lease)
      else void door.leave().then(() => tell({ type: 'quiet' }))
    })
    await door.listen(path)
  }

  const exposed: DirtyControl = {
    async look() {
      try {
        return { ok: true, ...wishesOf(orders.spec, await loadClass(orders.spec)) } satisfies DirtyLookAnswer
      } catch (error) {
        return failed(orders.spec, error)
      }
    },
    async open() {
      // Not as a call of Comlink: the port of one that is never received would hold the process that waits for it.
      tell({ type: 'hello', threadId })
      const startedMs = performance.now()
      try {
        const App = await loadClass(orders.spec)
        app = new App()
        await app.init?.()
        await takeCalls(app)
        return { ok: true, loadMs: Math.round(performance.now() - startedMs) } satisfies DirtyOpenAnswer
      } catch (error) {
        return failed(orders.spec, error)
      }
    },
    async shutDown(patienceMs) {
      try {
        await within(patienceMs, Promise.resolve(app?.close?.()))
        return { ok: true }
      } catch (error) {
        return failed(orders.spec, error)
      }
    },
  }
  Comlink.expose(exposed, control as unknown as Comlink.Endpoint)
  return new Promise(() => undefined)
}

/** @throws MON_APP_NOT_FOUND, MON_APP_IMPORT, MON_DIRTY_LOAD, MON_DIRTY_RESERVED */
async function loadClass(text: string): Promise<AppClass> {
  const parsed = parseDirtySpec(text)
  if (!parsed.ok) throw new MonocerosError('MON_DIRTY_LOAD', { spec: text, problem: parsed.problem })
  const { module, className } = parsed.spec
  const found = await findApp(module, process.cwd())
  if (!found.ok) throw found.error
  const namespace = await importApp(found.file, { cwd: process.cwd(), spec: text })
  const value = exportOf(namespace, className)
  if (typeof value !== 'function') {
    const names = Object.keys(namespace).join(', ') || 'nothing'
    throw new MonocerosError('MON_DIRTY_LOAD', { spec: text, problem: `there is no class ${className} (exported: ${names})` })
  }
  refuseReserved(text, value as unknown as AppClass)
  return value as unknown as AppClass
}

/** @throws MON_DIRTY_LOAD when the class says what makes no sense */
function wishesOf(spec: string, { workers, threads, stashes }: AppClass): Omit<DirtyAppFacts, 'name'> {
  const refuse = (problem: string) => new MonocerosError('MON_DIRTY_LOAD', { spec, problem })
  for (const [name, count] of Object.entries({ workers, threads })) {
    if (count != null && !(Number.isInteger(count) && count >= 1))
      throw refuse(`static ${name} = ${count}: it is a whole number from 1, or null`)
  }
  if (stashes != null && !(Array.isArray(stashes) && stashes.every((table) => typeof table === 'string')))
    throw refuse('static stashes is a list of names')
  return { workers: workers ?? null, threads: threads ?? null, stashes: stashes ?? [] }
}

function exportOf(namespace: ModuleNamespace, name: string): unknown {
  const inner = namespace['default'] as Record<string, unknown> | undefined
  return namespace[name] ?? (typeof inner === 'object' || typeof inner === 'function' ? inner?.[name] : undefined)
}

/** `init`, `close` and what begins with an underscore are the app's own affair; the rest would be called and never reached. */
function refuseReserved(spec: string, App: AppClass): void {
  const own = new Set(['constructor', 'init', 'close'])
  for (let level = App.prototype as object | null; level !== null && level !== Object.prototype; level = Object.getPrototypeOf(level)) {
    const action = reservedNames.find((name) => !own.has(name) && Object.hasOwn(level as object, name))
    if (action !== undefined) throw new MonocerosError('MON_DIRTY_RESERVED', { spec, action })
  }
}

function failed(spec: string, error: unknown): Extract<StepAnswer, { ok: false }> {
  const named = error instanceof MonocerosError ? error : new MonocerosError('MON_DIRTY_LOAD', { spec, problem: problemOf(error) }, error)
  return { ok: false, exitCode: named.exitCode, error: named.toData() }
}
