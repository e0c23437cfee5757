/** The whole life inside the dirty arbiter: it keeps the dirty workers, and says who may call which. */
import { rmSync } from 'node:fs'
import { join } from 'node:path'
import { type ActorRefFrom, createActor, fromCallback, fromPromise } from 'xstate'
import { arbiterMachine, type LoadAnswer } from '../../machines/arbiter.ts'
import type { GenerationFacts } from '../../machines/arbiter-rules.ts'
import { type ChildOrder, type HandleInput, workerHandleMachine } from '../../machines/worker-handle.ts'
import { createRoster } from '../arbiter/roster.ts'
import { type Supervised, type Supervision, type SupervisionHost, supervise } from '../arbiter/supervision.ts'
import { parseDirtySpec } from '../base/dirty-spec.ts'
import { type ErrorCode, errorCodes } from '../base/error-codes.ts'
import { problemOf } from '../base/errors.ts'
import type { Settings } from '../config/settings.ts'
import { allocate, plan, workersMin } from '../dirty-arbiter/allocation.ts'
import { createBrokerServer } from '../dirty-arbiter/broker-server.ts'
import { createStash } from '../dirty-arbiter/stash.ts'
import { autopsyFacts } from '../ipc/autopsy-facts.ts'
import { channelToArbiter } from '../ipc/channel.ts'
import type { BootOrder, DirtyAppFacts, OrderToWorker } from '../ipc/messages.ts'
import { createPulse } from '../ipc/pulse.ts'
import { createErrorLog, type Log } from '../log/error-log.ts'
import type { EventName } from '../log/events.ts'
import { autoWorkers } from '../os/cgroup.ts'
import type { Signal } from '../os/signals.ts'
import { beatFd } from '../os/spawn.ts'
import { setTitle, titleRoom } from '../os/title.ts'
import { brokerSocket, socketVariable } from '../wire/socket-path.ts'
import { startVitals } from '../worker/vitals.ts'
import { askForBoot } from './ask-for-boot.ts'
import { type Deferred, deferred } from './deferred.ts'
import { guarded } from './guarded.ts'

export interface DirtyArbiterEntry {
  readonly workerPath: string
  readonly watchdogUrl: URL
  onSignal(listener: (signal: Signal) => void): void
}

const mib = 2 ** 20
const beatSlackMs = 2_000

interface Generation {
  readonly facts: GenerationFacts
  readonly settings: Settings
  readonly apps: NonNullable<BootOrder['dirty']>['apps']
  /** Settles when every app has said how many workers and threads it wants. */
  readonly known: Deferred<void>
}

export async function runDirtyArbiter(entry: DirtyArbiterEntry): Promise<void> {
  const channel = channelToArbiter(process)
  const boot = await askForBoot(channel)
  const folder = boot.dirty?.folder ?? ''
  const socketPath = join(folder, brokerSocket)
  const who = { role: 'dirty-arbiter' }
  const firstSettings = boot.settings as unknown as Settings
  const log = createErrorLog({ destination: firstSettings.errorlog, format: firstSettings.logFormat, level: firstSettings.loglevel, who })
  const pulse = createPulse()
  const roster = createRoster()
  const children = new Map<
    number,
    { supervision: Supervision; path: string; apps: readonly string[]; capacity: Map<string, number>; isReady: boolean }
  >()
  const appFacts = new Map<string, DirtyAppFacts>()
  const generations = new Map<number, Generation>()
  let current = addGeneration(firstSettings, boot.dirty?.apps ?? [])
  let pending: { settings: Settings; apps: Generation['apps'] } | null = null
  let wanted = current.facts.workers
  let hasParent = true

  const stash = createStash({ entriesMax: firstSettings.stashEntriesMax, bytesMax: firstSettings.stashBytesMax * mib }, () =>
    performance.now(),
  )
  const server = createBrokerServer({
    path: socketPath,
    welcome: () => ({ timeoutMs: current.settings.dirtyTimeout * 1_000, frameMaxBytes: current.settings.dirtyFrameMax * mib }),
    queueMax: firstSettings.dirtyQueueMax,
    stash,
    pathOf: (worker) => children.get(worker)?.path ?? '',
    revoke: (worker, lease) => children.get(worker)?.supervision.send({ type: 'revoke', lease }),
  })
  const { broker } = server

  function addGeneration(settings: Settings, apps: Generation['apps']): Generation {
    const generation: Generation = {
      facts: {
        generation: generations.size + 1,
        workers: settings.dirtyWorkers === 'auto' ? autoWorkers() : settings.dirtyWorkers,
        unavailableMax: 0,
        bootTimeoutMs: settings.bootTimeout * 1_000,
        graceMs: settings.dirtyGracefulTimeout * 1_000,
      },
      settings,
      apps,
      known: deferred(),
    }
    generations.set(generation.facts.generation, generation)
    return generation
  }

  const plansOf = ({ apps }: Generation) =>
    plan(
      apps.map(({ name, spec }) => {
        const parsed = parseDirtySpec(spec)
        return { name, spec, workers: parsed.ok ? parsed.spec.workers : null }
      }),
      appFacts,
    )
  const isKnown = ({ apps }: Generation) => apps.every(({ name }) => appFacts.has(name))

  /** Until the classes have been asked, the first worker has all of them. */
  function appsFor(generation: Generation, slot: number): Generation['apps'] {
    if (!isKnown(generation)) return generation.apps
    return allocate(plansOf(generation), Math.max(wanted, generation.facts.workers, slot + 1))[slot] ?? []
  }

  const logOf = ({ input }: Supervised): Log => log.child({ slot: input.slot, age: input.age, gen: input.generation })

  const host: SupervisionHost = {
    entryPath: entry.workerPath,
    args: ['dirty-worker', titleRoom],
    roster,
    async beforeSpawn({ slot, generation }) {
      const of = generations.get(generation)
      if (of === undefined || isKnown(of) || slot === 0) return
      await of.known.promise
    },
    spawnFacts({ slot, age, generation }) {
      const of = generations.get(generation) ?? current
      const apps = appsFor(of, slot)
      const threads = Object.fromEntries(apps.map(({ name }) => [name, appFacts.get(name)?.threads ?? of.settings.dirtyThreads]))
      return {
        boot: {
          ...boot,
          slot,
          age,
          generation,
          arbiterPid: process.pid,
          settings: of.settings as unknown as Record<string, unknown>,
          listeners: [],
          dirty: { folder, apps: apps.map(({ name, spec }) => ({ name, spec })) },
          dirtyThreads: threads,
        },
        fds: [],
        env: { ...process.env, [socketVariable]: socketPath },
        cwd: process.cwd(),
        frozenMs: of.settings.timeout === 0 ? 0 : of.settings.timeout * 1_000 + beatSlackMs,
      }
    },
    onBooting(child) {
      logOf(child).event('worker.booting', { childPid: child.pid })
      const present = children.get(child.input.age)
      if (present !== undefined) present.path = join(folder, `worker-${child.input.slot}-${child.pid}.sock`)
    },
    onLoaded: (child, kind, loadMs) => logOf(child).event('worker.loaded', { childPid: child.pid, kind, loadMs }),
    onFailed(child, error) {
      logOf(child).event('worker.cannot-boot', {
        childPid: child.pid,
        problem: error.text,
        code: error.code,
        ...(Object.hasOwn(errorCodes, error.code) ? { advice: errorCodes[error.code as ErrorCode].advice } : {}),
        ...(error.stack ? { stack: error.stack.split('\n') } : {}),
      })
      channel.send({ type: 'failed', exitCode: errorCodes[error.code as ErrorCode]?.exit ?? 3, error })
    },
    onBlocked: (child, blockedMs, autopsy) =>
      logOf(child).event('worker.blocked', { childPid: child.pid, ...(autopsy === null ? {} : autopsyFacts(autopsy)), blockedMs }),
    onAutopsy: (child, autopsy) => logOf(child).event('worker.autopsy', { childPid: child.pid, ...autopsyFacts(autopsy) }),
    onThreads: () => undefined,
    onDoorWanted: () => undefined,
    onReady(child) {
      const present = children.get(child.input.age)
      if (present === undefined) return
      present.isReady = true
      for (const [app, count] of present.capacity) broker.setCapacity(child.input.age, app, count)
    },
    onDirty(child, fact) {
      const present = children.get(child.input.age)
      if (fact.type === 'lease.over') broker.release(fact.lease)
      else if (fact.type === 'capacity' && present !== undefined) {
        present.capacity.set(fact.app, fact.count)
        if (present.isReady) broker.setCapacity(child.input.age, fact.app, fact.count)
      } else if (fact.type === 'apps') learn(fact.apps)
    },
    onGone(child) {
      children.delete(child.input.age)
      broker.loseWorker(child.input.age)
    },
  }

  function learn(apps: readonly DirtyAppFacts[]): void {
    for (const app of apps) {
      appFacts.set(app.name, app)
      for (const table of app.stashes) stash.ensure(table)
    }
    for (const generation of generations.values()) if (isKnown(generation)) generation.known.resolve()
  }

  const handles = workerHandleMachine.provide({
    actors: {
      childProcess: fromCallback<ChildOrder, HandleInput>(({ input, receive, sendBack }) => {
        const supervision = supervise(input, host, sendBack)
        const of = generations.get(input.generation) ?? current
        children.set(input.age, { supervision, path: '', apps: of.apps.map(({ name }) => name), capacity: new Map(), isReady: false })
        receive((order) => {
          // First: no call is sent to a worker that has begun to leave.
          if (order.type === 'drain') broker.retireWorker(input.age)
          supervision.obey(order)
        })
      }),
    },
    actions: guarded(
      { log },
      {
        note: ({ context: { slot, age, generation, pid } }, { event, facts }) =>
          log.child({ slot, age, gen: generation }).event(event as EventName, { childPid: pid, ...facts }),
      },
    ),
  })

  const chart = arbiterMachine.provide({
    actors: {
      prepare: fromPromise(() => server.listen()),
      loadConfig: fromPromise<LoadAnswer>(async () => {
        if (pending === null) return { ok: false, problem: 'there is nothing new' }
        const next = addGeneration(pending.settings, pending.apps)
        pending = null
        broker.setApps([...new Set([...current.apps, ...next.apps].map(({ name }) => name))])
        if (isKnown(next)) next.known.resolve()
        return { ok: true, candidate: { ...next.facts, opens: [], closes: [] } }
      }),
      workerHandle: handles,
    },
    actions: guarded(
      { log },
      {
        note: (_, { event, facts }) => log.event(event as EventName, facts),
        letGo: (_, { age }) =>
          roster
            .rows()
            .find((row) => row.age === age)
            ?.letGo(),
        announceReady() {
          showPhase(null)
          pulse.setPhase('serving')
          channel.send({ type: 'ready', readyMs: Math.round(performance.now()) })
        },
        announceScale(_, { from, to }) {
          wanted = to
          log.event('arbiter.scaled', { from, to })
        },
        announceCommit(_, { generation, workers }) {
          current = generations.get(generation) ?? current
          wanted = workers
          for (const old of generations.keys()) if (old !== generation) generations.delete(old)
          broker.setApps(current.apps.map(({ name }) => name))
          log.event('reload.done', { generation })
          channel.send({ type: 'reloaded', problem: null })
        },
        announceRollback(_, { problem }) {
          broker.setApps(current.apps.map(({ name }) => name))
          log.event('reload.rolled-back', { problem })
          channel.send({ type: 'reloaded', problem })
        },
      },
    ),
  })

  function showPhase(phase: string | null): void {
    setTitle(`monoceros: dirty-arbiter [${boot.name}]${phase === null ? '' : ` (${phase})`}`)
  }

  broker.setApps(current.apps.map(({ name }) => name))
  showPhase('booting')
  const actor: ActorRefFrom<typeof arbiterMachine> = createActor(chart, { input: { first: current.facts, listeners: [] } })
  const leave = async (exitCode: number) => {
    server.close()
    roster.stop()
    channel.send({ type: 'drained', tookMs: 0, cutRequests: 0, counters: roster.totals() })
    // Its arbiter would do it, and is gone.
    if (!hasParent) rmSync(folder, { recursive: true, force: true })
    await log.flush()
    process.exit(exitCode)
  }
  actor.subscribe({
    complete: () => void leave(actor.getSnapshot().output?.exitCode ?? 0),
    error(error) {
      log.event('chart.failed', { problem: problemOf(error) }, error)
      void leave(1)
    },
  })
  const vitals = startVitals(
    pulse,
    entry.watchdogUrl,
    { memory: pulse.memory, beatFd, timeoutMs: firstSettings.timeout * 1_000, graceMs: current.facts.graceMs, who },
    () => {
      vitals.answer()
      hasParent = false
      log.event('worker.orphaned')
      actor.send({ type: 'stop', reason: 'orphaned', isQuick: false })
    },
  )
  channel.onMessage((order: OrderToWorker) => {
    if (order.type === 'drain') {
      channel.send({ type: 'draining' })
      pulse.setPhase('draining')
      showPhase('draining')
      actor.send({ type: 'stop', reason: order.reason, isQuick: order.isQuick })
    } else if (order.type === 'reopen') {
      log.reopen()
      for (const row of roster.rows()) row.reopen()
    } else if (order.type === 'reload') {
      pending = { settings: order.settings as unknown as Settings, apps: order.apps }
      actor.send({ type: 'reload' })
    }
  })
  entry.onSignal((signal) => {
    switch (signal) {
      case 'SIGTTIN':
        return actor.send({ type: 'scale', by: 1 })
      case 'SIGTTOU': {
        const min = workersMin(plansOf(current))
        if (wanted - 1 < min) return log.event('arbiter.signal-ignored', { signal, why: `its apps need ${min} workers` })
        return actor.send({ type: 'scale', by: -1 })
      }
      case 'SIGTERM':
        return actor.send({ type: 'stop', reason: signal, isQuick: false })
      case 'SIGINT':
      case 'SIGQUIT':
        return actor.send({ type: 'stop', reason: signal, isQuick: true })
      case 'SIGUSR1':
        return log.reopen()
      default:
        return undefined
    }
  })
  actor.start()
}
