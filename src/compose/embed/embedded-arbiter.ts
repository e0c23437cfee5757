/** An arbiter inside somebody else's process: what `createSupervisor` loads when it is started. */

import type { SnapshotFrom } from 'xstate'
import { rowsOf } from '../../../machines/arbiter-rules.ts'
import { type ErrorData, MonocerosError } from '../../base/errors.ts'
import { statePath } from '../../base/state-path.ts'
import type { ResolvedConfig } from '../../config/chain.ts'
import { type DirtyProxy, dirty, forgetSession } from '../../dirty-client/dirty.ts'
import { dirtyError } from '../../dirty-client/errors.ts'
import type { Snapshot } from '../../ipc/snapshot.ts'
import { socketVariable } from '../../wire/socket-path.ts'
import { type ArbiterEntry, type BootedArbiter, bootArbiter } from '../arbiter/arbiter.ts'
import type { Haste } from '../arbiter/arbiter-end.ts'
import type { NewsName, ReloadOutcome } from '../arbiter/arbiter-news.ts'
import type { ArbiterActor, ArbiterScope } from '../arbiter/arbiter-scope.ts'
import { snapshotOf } from '../arbiter/arbiter-snapshot.ts'
import { reloadOutcome } from '../arbiter/reload-outcome.ts'
import { scaleDirty } from '../control/control-orders.ts'
import type { EventHub } from './events.ts'
import { embeddingHost } from './host.ts'
import type { Images } from './images.ts'
import type { EmbedLogger } from './logger.ts'

export interface EmbeddedArbiter {
  /** Settles when its workers are ready. @throws why they are not, when nothing of it is left */
  readonly ready: Promise<void>
  /** Settles when nothing of it is left. */
  readonly stopped: Promise<{ readonly exitCode: number; readonly problem: string | null }>
  readonly addresses: readonly string[]
  readonly dashboard: string | null
  /** @throws MON_DIRTY_NO_SOCKET when it has no dirty pool */
  dirty<App>(app: string): DirtyProxy<App>
  /** @throws the same */
  readonly dirtySocket: string
  snapshot(): Snapshot
  reload(): Promise<ReloadOutcome>
  scale(wanted: Scale): Promise<Scaled>
  /** Settles when no worker is left; the supervisor stays. */
  drain(): Promise<void>
  stop(graceMs: number | null): void
}

/** How many processes are wanted; what is left out stays. */
export interface Scale {
  /** Worker processes, from 0. */
  readonly workers?: number
  /** Processes of the dirty pool, from 1; never fewer than its apps need. */
  readonly dirtyWorkers?: number
}

/** How many processes are wanted now. */
export type Scaled = Required<Scale>

export interface EmbeddedOptions {
  readonly images: Images
  readonly config: ResolvedConfig
  readonly logger: EmbedLogger | undefined
  /** The Node that runs the workers. */
  readonly execPath: string
  readonly hub: EventHub
  inspect(inspected: unknown): void
  readConfig(): Promise<ResolvedConfig>
}

const newsNames: readonly NewsName[] = ['ready', 'worker:ready', 'worker:exit', 'autopsy', 'reload', 'boot:failed']

export async function startEmbedded({
  images,
  config,
  logger,
  execPath,
  hub,
  inspect,
  readConfig,
}: EmbeddedOptions): Promise<EmbeddedArbiter> {
  const errorlog = logger !== undefined || config.origins.errorlog === 'default' ? null : config.settings.errorlog
  const entry: ArbiterEntry = { ...images, readConfig }
  const { scope, run } = await bootArbiter(config, entry, embeddingHost({ logger, errorlog, execPath, inspect }))
  for (const name of newsNames) scope.news.on(name, (facts) => hub.tell(name, facts))
  scope.history.subscribe(({ step }) => hub.tell('transition', step))
  hub.log = (event, facts, error) => scope.log.event(event, facts, error)
  return joined(scope, run)
}

function joined(scope: ArbiterScope, run: BootedArbiter['run']): EmbeddedArbiter {
  let hearHaste: ((haste: Haste) => void) | null = null
  let isForced = false
  let lastFailure: ErrorData | null = null
  scope.news.on('boot:failed', (error) => {
    lastFailure = error
  })
  let lastEnd: string | null = null
  /** Of the dirty pool, once somebody here wants to call it. */
  let knownSocket: string | null = null
  scope.news.on('worker:exit', ({ problem }) => {
    lastEnd = problem
  })
  const started = new Promise<void>((resolve) => {
    const end = scope.news.on('ready', () => {
      end()
      resolve()
    })
  })

  const ended = run({
    beforeStart: () => undefined,
    onHaste(listener) {
      hearHaste = listener
      if (isForced) listener('forced')
    },
  })
  const actor = () => scope.actor as ArbiterActor
  const stopped = ended.then((exitCode) => ({ exitCode, problem: exitCode === 0 ? null : (actor().getSnapshot().output?.reason ?? null) }))
  const ready = Promise.race([started, stopped]).then((outcome) => {
    if (outcome === undefined) return
    if (outcome.problem === null) throw refused('stopped', 'start')
    // An address that was taken for a while is not what it failed of in the end.
    const isStale = lastFailure?.code.startsWith('MON_LISTENER') === true && lastFailure.text !== outcome.problem
    throw lastFailure === null || isStale
      ? new MonocerosError('MON_BOOT_FAILED', { problem: lastEnd ?? outcome.problem })
      : MonocerosError.fromData(lastFailure)
  })
  void stopped.then(() => knownSocket !== null && forgetSession(knownSocket))
  ready.catch(() => undefined) // whoever starts it hears of it

  /** @throws MON_EMBED_STATE */
  function send(order: Parameters<ArbiterActor['send']>[0], name: string): void {
    const snapshot = actor().getSnapshot()
    if (snapshot.status !== 'active' || !snapshot.can(order)) {
      throw refused(snapshot.status === 'active' ? statePath(snapshot.value) : 'stopped', name)
    }
    scope.recorder.because(`${name}()`, () => actor().send(order))
  }

  function force(): void {
    isForced = true
    const snapshot = actor().getSnapshot()
    if (snapshot.can({ type: 'force' })) scope.recorder.because('stop()', () => actor().send({ type: 'force' }))
    hearHaste?.('forced')
  }

  function dirtySocket(): string {
    const socket = scope.dirty?.env[socketVariable]
    if (socket === undefined) throw dirtyError('MON_DIRTY_NO_SOCKET', {})
    knownSocket = socket
    return socket
  }

  return {
    ready,
    stopped,
    get addresses() {
      return scope.addresses()
    },
    get dashboard() {
      return scope.dashboardUrl
    },
    dirty: <App>(app: string) => dirty<App>(app, { socket: dirtySocket() }),
    get dirtySocket() {
      return dirtySocket()
    },
    snapshot: () => snapshotOf(scope),
    reload() {
      send({ type: 'reload' }, 'reload')
      return reloadOutcome(scope)
    },
    async scale({ workers, dirtyWorkers }) {
      refuseCount('workers', workers, 0)
      refuseCount('dirtyWorkers', dirtyWorkers, 1)
      if (workers !== undefined) {
        if (workers > 0 && scope.current.config.settings.app === null) throw new MonocerosError('MON_APP_MISSING')
        send({ type: 'scale', to: workers }, 'scale')
      }
      if (dirtyWorkers === undefined) return { workers: scope.workersWanted, dirtyWorkers: snapshotOf(scope).dirtyWorkersWanted }
      if (!actor().getSnapshot().can({ type: 'reload' })) throw refused('ending', 'scale')
      const { total } = await scaleDirty(scope, { to: dirtyWorkers })
      return { workers: scope.workersWanted, dirtyWorkers: total }
    },
    async drain() {
      send({ type: 'scale', to: 0 }, 'drain')
      const present = rowsOf(actor().getSnapshot().context).map(({ age }) => age)
      await new Promise<void>((resolve) => {
        const look = ({ status, context }: SnapshotFrom<ArbiterActor>) => {
          if (status === 'active' && present.some((age) => context.workers[age] !== undefined)) return
          watching.unsubscribe()
          resolve()
        }
        const watching = actor().subscribe(look)
        look(actor().getSnapshot())
      })
    },
    stop(graceMs) {
      const order = { type: 'stop', reason: 'stop()', isQuick: false } as const
      if (actor().getSnapshot().can(order)) scope.recorder.because('stop()', () => actor().send(order))
      if (graceMs === null) return
      const timer = setTimeout(force, Math.min(graceMs, 2 ** 31 - 1))
      void stopped.then(() => clearTimeout(timer))
    },
  }
}

const refused = (state: string, order: string) => new MonocerosError('MON_EMBED_STATE', { what: 'supervisor', state, order })

function refuseCount(name: keyof Scale, count: number | undefined, least: number): void {
  if (count === undefined || (Number.isInteger(count) && count >= least)) return
  throw new MonocerosError('MON_CONFIG_INVALID', {
    source: 'scale',
    setting: name,
    value: String(count),
    problem: Number.isInteger(count) ? 'too small' : 'not a whole number',
    allowed: `a whole number from ${least}`,
  })
}
