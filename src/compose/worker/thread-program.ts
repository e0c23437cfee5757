/** The user's program inside a thread: imported, started, given its servers, and told to end. */
import type { Server as HttpServer } from 'node:http'
import type { Server } from 'node:net'
import { setImmediate as nextTurn } from 'node:timers/promises'
import { type Adopted, adopt } from '../../app/adopt.ts'
import { installFastResponse } from '../../app/fast-response.ts'
import { findApp } from '../../app/find.ts'
import { holdSignals } from '../../app/held-signals.ts'
import { installListenTrap, type TrappedListen } from '../../app/listen-trap.ts'
import { importApp } from '../../app/load.ts'
import { neverServes } from '../../app/never-serves.ts'
import { parseAppSpec } from '../../app/spec.ts'
import { MonocerosError, problemOf, stackOf } from '../../base/errors.ts'
import type { OpenAnswer, ServerFacts, ShownAddress, StepAnswer, ThreadOrders } from '../../lanes/thread-control.ts'
import { listenVirtually } from '../../os/http-internals.ts'
import { refuseProcessCalls } from '../../thread/refusals.ts'
import { factsOf, requireHttp } from '../../thread/server.ts'
import { deferred, within } from '../deferred.ts'

/** The main thread's side as it is seen from here: every call is answered later. */
export interface HostCalls {
  log(event: string, facts: Readonly<Record<string, unknown>>, stack: string | null): Promise<void>
  addressOf(door: number): Promise<ShownAddress>
  listen(
    wish: TrappedListen['wish'],
    server: ServerFacts,
  ): Promise<{ ok: true; door: number; address: ShownAddress } | { ok: false; problem: string }>
  closed(door: number): Promise<void>
}

export interface ThreadProgram {
  open(host: HostCalls): Promise<OpenAnswer>
  shutDown(patienceMs: number): Promise<StepAnswer>
  serverOf(door: number): HttpServer | undefined
}

/** How long the loop of a program that exported nothing must have been empty before it counts as over. */
const overLookMs = 200

export function createThreadProgram(orders: ThreadOrders): ThreadProgram {
  const { spec } = orders
  const servers: (HttpServer | undefined)[] = []
  /** The program has a server that listens, or says that it is ready without one. */
  const opened = deferred<'listens' | 'ready'>()
  let host: HostCalls
  let adopted: Adopted = { kind: 'none' }
  let listens = 0
  const context = () => ({ ...orders.facts, name: orders.name, thread: orders.lane, log: hookLogTo(host) })
  const heldSignals = holdSignals(['SIGTERM', 'SIGINT'], (error, signal) =>
    tell('app.signal-handler-failed', { signal, problem: problemOf(error) }, error),
  )

  function tell(event: string, facts: Readonly<Record<string, unknown>>, error?: unknown): void {
    void host.log(event, facts, stackOf(error) ?? null).catch(() => undefined) // the main thread is going
  }

  /** The server answers as one that listens; requests for its door are its own. */
  function openDoor(door: number, server: HttpServer, address: ShownAddress): void {
    servers[door] = server
    listenVirtually(server, {
      address,
      onClose() {
        servers[door] = undefined
        void host.closed(door).catch(() => undefined) // the main thread is going
      },
    })
  }

  async function onListen(listen: TrappedListen): Promise<void> {
    const isMain = listens++ === 0
    try {
      const server = requireHttp(listen.server, spec)
      // What a program tells its server right after listen() counts as what it told it before.
      await nextTurn()
      const answer = await host.listen(listen.wish, factsOf(server))
      if (!answer.ok) throw Object.assign(new Error(answer.problem), { code: 'EADDRINUSE', syscall: 'listen' })
      if (!listen.isCancelled()) openDoor(answer.door, server, answer.address)
      if (isMain) opened.resolve('listens')
    } catch (error) {
      if (isMain) opened.reject(error)
      else listen.fail(error as Error)
    }
  }

  async function load(): Promise<void> {
    const parsed = parseAppSpec(spec)
    if (!parsed.ok) throw parsed.error
    const found = await findApp(parsed.spec.module, process.cwd())
    if (!found.ok) throw found.error
    // PM2's habit: a program that sends `ready` to its parent is ready, whether it listens or not.
    process.send = ((message: unknown) => {
      if (message === 'ready') opened.resolve('ready')
      return true
    }) as NonNullable<typeof process.send>
    refuseProcessCalls()
    installListenTrap((listen) => void onListen(listen))
    const putResponseBack = orders.isFastResponse ? installFastResponse() : undefined
    const namespace = await importApp(found.file, { cwd: process.cwd(), spec })
    adopted = await adopt(namespace, parsed.spec, {
      file: found.file,
      ...(putResponseBack === undefined ? {} : { putResponseBack }),
      onError: (error, req) =>
        tell('request.failed', { method: req.method, path: req.url?.split('?', 1)[0], problem: problemOf(error) }, error),
    })
  }

  async function startUp(): Promise<void> {
    try {
      await adopted.onStartup?.(context())
    } catch (error) {
      throw new MonocerosError('MON_APP_STARTUP', { spec, problem: problemOf(error) }, error)
    }
  }

  /** What happens first serves: a listen() of the program, or what it exports. */
  async function serve(): Promise<{ kind: string; server: ServerFacts | null }> {
    if (listens > 0 || adopted.kind === 'none') {
      const stop =
        listens === 0
          ? watchForEnd(
              () => opened.reject(neverServes(spec, 'came-to-its-end')),
              () => listens > 0,
            )
          : () => undefined
      const how = await opened.promise.finally(stop)
      return { kind: adopted.kind === 'none' && how === 'listens' ? 'program' : adopted.kind, server: null }
    }
    const server = requireHttp(adopted.server as Server, spec)
    servers[0] = server
    void host.addressOf(0).then(
      (address) => openDoor(0, server, address),
      () => undefined,
    ) // the worker ends before it opened
    return { kind: adopted.kind, server: factsOf(server) }
  }

  return {
    serverOf: (door) => servers[door],
    async open(calls) {
      host = calls
      const startedMs = performance.now()
      try {
        await load()
        await startUp()
        const served = await serve()
        return { ok: true, ...served, loadMs: Math.round(performance.now() - startedMs) }
      } catch (error) {
        return failed(error)
      }
    },
    async shutDown(patienceMs) {
      const steps = async () => {
        await adopted.onShutdown?.(context())
        if (adopted.kind !== 'none') await adopted.close?.()
        // Last: many a program's own handler ends its process, which here is its thread.
        await heldSignals.release(heldSignals.has('SIGTERM') ? 'SIGTERM' : 'SIGINT')
      }
      try {
        await within(patienceMs, steps())
        return { ok: true }
      } catch (error) {
        return failed(error)
      }
    },
  }
}

function failed(error: unknown): Extract<StepAnswer, { ok: false }> {
  const named = error instanceof MonocerosError ? error : new MonocerosError('MON_BOOT_FAILED', { problem: problemOf(error) }, error)
  return { ok: false, exitCode: named.exitCode, error: named.toData() }
}

/** Nothing but our own ports holds the loop, and nobody has listened: this program will never serve. */
function watchForEnd(onEnd: () => void, isServing: () => boolean): () => void {
  let looks = 0
  const timer = setInterval(() => {
    const isEmpty = process.getActiveResourcesInfo().every((resource) => resource === 'MessagePort' || resource === 'Immediate')
    looks = isEmpty && !isServing() ? looks + 1 : 0
    if (looks === 2) onEnd()
  }, overLookMs).unref()
  return () => clearInterval(timer)
}

function hookLogTo(host: HostCalls) {
  const write = (level: string) => (text: string) => void host.log(`hook.${level}`, { text: String(text) }, null).catch(() => undefined) // the main thread is going
  return { debug: write('debug'), info: write('info'), warning: write('warning'), error: write('error') }
}
