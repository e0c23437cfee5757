/** `createSupervisor`: the server as a part of a program. Light, since workers load this file too: the arbiter comes at the start. */
import { MonocerosError, problemOf } from '../../base/errors.ts'
import type { DirtyProxy } from '../../dirty-client/dirty.ts'
import type { Snapshot } from '../../ipc/snapshot.ts'
import type { ReloadOutcome } from '../arbiter/arbiter-news.ts'
import type { EmbeddedArbiter, Scale, Scaled } from './embedded-arbiter.ts'
import { createEventHub, type SupervisorEvent, type SupervisorEventName, type SupervisorEvents } from './events.ts'
import { findImages } from './images.ts'
import type { OptionsOf, SupervisorOptions } from './options.ts'
import { workerRuntime } from './runtime.ts'

/** An XState inspector: a function, or an observer, as the option `inspect` of its actors takes it. */
export type Inspector = ((inspected: never) => void) | { next?(inspected: never): void }

/** How `stop` and `close` end what runs. */
export interface StopOptions {
  /** What is under way may take this long, in milliseconds, from 0; then everything is killed. Without it `graceful_timeout` holds. */
  readonly graceMs?: number
}

/** A server inside this program, as `createSupervisor` makes it. */
export interface Supervisor extends AsyncIterable<SupervisorEvent>, AsyncDisposable {
  /**
   * Binds, starts the workers and the dirty pool, and settles when all of them are ready. Once it has failed nothing is left.
   *
   * @throws MonocerosError MON_CONFIG_* for bad options, MON_APP_* when the app cannot be loaded, MON_LISTENER_*, MON_BOOT_FAILED,
   * MON_EMBED_BUNDLED, MON_EMBED_STATE when it was started before
   */
  start(): Promise<void>
  /** Where it serves, port 0 replaced by the port that it became; empty until then. */
  readonly addresses: readonly string[]
  /** URL of the dashboard with its token, where the setting `dashboard` is given. */
  readonly dashboard: string | null
  /**
   * Loads app and configuration again and replaces the workers, each ready before its elder drains. Nothing is lost; what
   * does not get ready is rolled back.
   *
   * @param changes options that are other than before, from now on; forgotten when the reload is rolled back
   * @returns the outcome, with the reason when it was rolled back
   * @throws MonocerosError MON_EMBED_STATE unless it runs
   */
  reload(changes?: Partial<SupervisorOptions>): Promise<ReloadOutcome>
  /**
   * Changes how many processes are wanted, until the next reload. Workers that are too many finish their requests first.
   *
   * @returns how many are wanted now
   * @throws MonocerosError MON_EMBED_STATE, MON_CONTROL_NO_DIRTY
   */
  scale(wanted: Scale): Promise<Scaled>
  /**
   * Lets every worker finish what it has begun and end. The supervisor, its listening sockets and its dirty pool stay: who
   * connects meanwhile waits in the kernel's queue, until `scale` brings workers back or `stop` ends it all.
   */
  drain(): Promise<void>
  /** Ends everything: workers first, then the dirty pool. Settles when no process of it is left; one that never ran has none. */
  stop(options?: StopOptions): Promise<SupervisorEvents['stopped']>
  /** All actors and counters at this moment, as plain data. @throws MonocerosError MON_EMBED_STATE unless it runs */
  snapshot(): Snapshot
  /**
   * Calls back for each event of that name. In the middle of a step of a chart: a listener that throws ends with an
   * error in the log, and is not called again.
   *
   * @returns what ends it
   */
  on<Name extends SupervisorEventName>(name: Name, listener: (facts: SupervisorEvents[Name]) => void): () => void
  /** Lets an XState inspector look into the charts of the arbiter, from now on. @returns what ends it */
  inspect(inspector: Inspector): () => void
  /** The client of its dirty pool, as of `monoceros/dirty`. @throws MonocerosError MON_EMBED_STATE unless it runs, DirtyError MON_DIRTY_NO_SOCKET when it has none */
  dirty<App>(app: string): DirtyProxy<App>
  /** Path of the socket of its dirty pool, for `dirty(app, { socket })` in any process of the same user. @throws as `dirty` */
  readonly dirtySocket: string
}

/**
 * A server inside this program: the same arbiter, workers, pools and charts as from the command line. It installs no signal
 * handlers, never ends this process, and prints nothing unless it is given a logger. Several may live side by side.
 *
 * @param options every setting, the hooks of the arbiter, `app`, `config` and `logger`; they are checked by `start`
 * @example
 * // service.ts
 * import { createSupervisor } from 'monoceros'
 *
 * const supervisor = createSupervisor({ app: './server.ts', workers: 2, bind: ['127.0.0.1:0'] })
 * supervisor.on('autopsy', (found) => console.error('a worker was stuck', found))
 * await supervisor.start()
 * const answer = await fetch(`http://${supervisor.addresses[0]}/`)
 * if (answer.status !== 200) throw new Error(`the app answered ${answer.status}`)
 * await supervisor.stop()
 */
export function createSupervisor(options: SupervisorOptions): Supervisor {
  return superviseAs({ source: 'createSupervisor', options })
}

export function superviseAs(given: OptionsOf): Supervisor {
  const cwd = process.cwd()
  const hub = createEventHub()
  const inspectors = new Set<{ readonly hear: (inspected: never) => void }>()
  let current = given.options
  /** Of the reload under way. */
  let next = current
  let arbiter: EmbeddedArbiter | null = null
  let starting: Promise<EmbeddedArbiter> | null = null
  let isStopped = false
  /** Of one that has not run. */
  let outcome: SupervisorEvents['stopped'] = { exitCode: 0, problem: null }

  const refused = (state: string, order: string) => new MonocerosError('MON_EMBED_STATE', { what: 'supervisor', state, order })

  /** @throws MON_EMBED_STATE */
  function running(order: string): EmbeddedArbiter {
    if (arbiter !== null && !isStopped) return arbiter
    throw refused(isStopped ? 'stopped' : starting === null ? 'not started' : 'starting', order)
  }

  async function boot(): Promise<EmbeddedArbiter> {
    const images = findImages(import.meta.url)
    const execPath = await workerRuntime(current.execPath)
    const [{ resolveOptions }, { startEmbedded }] = await Promise.all([import('./options.ts'), import('./embedded-arbiter.ts')])
    const config = await resolveOptions(given, cwd, false)
    const inspect = (inspected: unknown) => {
      for (const inspector of [...inspectors]) {
        try {
          inspector.hear(inspected as never)
        } catch (error) {
          inspectors.delete(inspector)
          hub.log?.('news.failed', { name: 'inspect', problem: problemOf(error) }, error)
        }
      }
    }
    const readConfig = () => resolveOptions({ ...given, options: next }, cwd, true)
    arbiter = await startEmbedded({ images, config, logger: current.logger, execPath, hub, inspect, readConfig })
    return arbiter
  }

  async function stop({ graceMs }: StopOptions = {}): Promise<SupervisorEvents['stopped']> {
    if (graceMs !== undefined && !(graceMs >= 0)) throw new RangeError(`graceMs is a number of milliseconds from 0, and not ${graceMs}`)
    const booted = await starting?.catch(() => null)
    if (booted == null) {
      if (!isStopped) hub.tell('stopped', outcome)
      isStopped = true
      return outcome
    }
    booted.stop(graceMs ?? null)
    return booted.stopped
  }

  return {
    async start() {
      if (isStopped || starting !== null) throw refused(isStopped ? 'stopped' : 'started', 'start')
      starting = boot()
      const { ready, stopped } = await starting.catch((error: unknown) => {
        isStopped = true
        outcome = { exitCode: error instanceof MonocerosError ? error.exitCode : 1, problem: problemOf(error) }
        hub.tell('stopped', outcome)
        throw error
      })
      void stopped.then((facts) => {
        isStopped = true
        hub.tell('stopped', facts)
      })
      await ready
    },
    get addresses() {
      return arbiter?.addresses ?? []
    },
    get dashboard() {
      return arbiter?.dashboard ?? null
    },
    async reload(changes = {}) {
      const { reload } = running('reload')
      const fixed = (['logger', 'execPath'] as const).find((name) => name in changes)
      if (fixed !== undefined)
        throw new MonocerosError('MON_CONFIG_CONFLICT', { source: 'reload', problem: `${fixed} stays as it was at the start` })
      const wanted = { ...current, ...(given.named?.(changes) ?? changes) }
      next = wanted
      const outcome = await reload()
      if (outcome.ok) current = wanted
      else if (next === wanted) next = current
      return outcome
    },
    scale: async (wanted) => running('scale').scale(wanted),
    drain: async () => running('drain').drain(),
    stop,
    snapshot: () => running('snapshot').snapshot(),
    on: hub.on,
    inspect(inspector) {
      const one = { hear: typeof inspector === 'function' ? inspector : (inspected: never) => inspector.next?.(inspected) }
      inspectors.add(one)
      return () => void inspectors.delete(one)
    },
    dirty: <App>(app: string) => running('call').dirty<App>(app),
    get dirtySocket() {
      return running('call').dirtySocket
    },
    [Symbol.asyncIterator]: hub.iterate,
    async [Symbol.asyncDispose]() {
      await stop()
    },
  }
}
