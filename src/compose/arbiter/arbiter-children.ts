/** What the arbiter does for its children: environment, boot orders, handles, and the words for what happens to them. */

import type { HandleInput } from '../../../machines/worker-handle.ts'
import { addressOfWish } from '../../arbiter/listeners.ts'
import type { DoorAnswer, SpawnFacts, Supervised, SupervisionHost } from '../../arbiter/supervision.ts'
import type { WorkerFacts } from '../../config/hook-types.ts'
import { hookRows } from '../../config/sections/hooks.ts'
import { autopsyFacts } from '../../ipc/autopsy-facts.ts'
import { childAutopsy } from '../../ipc/child-autopsy.ts'
import type { BootOrder, FactFromWorker } from '../../ipc/messages.ts'
import type { Log } from '../../log/error-log.ts'
import { firstInheritedFd } from '../../os/spawn.ts'
import { titleRoom } from '../../os/title.ts'
import { tellCannotBoot } from '../cannot-boot.ts'
import { frozenAfterMs } from '../frozen-after.ts'
import { hookLog } from '../hook-log.ts'
import { withLevel } from '../with-level.ts'
import type { ArbiterEntry } from './arbiter.ts'
import { settleDirty } from './arbiter-generations.ts'
import type { ArbiterScope } from './arbiter-scope.ts'
import { keepLastWords } from './causes.ts'

interface AskedActor {
  send(event: { type: 'listener.wanted'; id: string; address: string } | { type: 'listener.unwanted'; id: string }): void
}

export function supervisionHost(scope: ArbiterScope, entry: ArbiterEntry, actor: () => AskedActor): SupervisionHost {
  const { roster } = scope
  const logOf = ({ input }: Supervised): Log => scope.log.child({ slot: input.slot, age: input.age, gen: input.generation })
  const workerFacts = ({ input, pid }: Supervised): WorkerFacts => ({
    pid: pid ?? 0,
    ppid: process.pid,
    slot: input.slot,
    age: input.age,
    generation: input.generation,
    served: roster.rows().find((row) => row.age === input.age)?.counters?.served ?? 0,
    log: hookLog(logOf({ input, pid })),
  })

  return {
    entryPath: entry.workerPath,
    args: ['worker', titleRoom],
    roster,
    beforeSpawn: (input) => scope.runHookOf(input.generation, 'preFork', workerFacts({ input, pid: null })),
    spawnFacts: (input) => spawnFacts(scope, input),
    onBooting(child) {
      scope.counts.spawn()
      scope.sidecars?.watchWorker(child.pid ?? 0)
      logOf(child).event('worker.booting', { childPid: child.pid })
    },
    onLoaded: (child, kind, loadMs) => logOf(child).event('worker.loaded', { childPid: child.pid, kind, loadMs }),
    onFailed(child, error) {
      tellCannotBoot(scope, logOf(child), { pid: child.pid, generation: child.input.generation }, error)
      scope.news.tell('boot:failed', error)
    },
    onBlocked(child, blockedMs, autopsy) {
      // The stack was taken while it was blocked: of how long it was in the end the autopsy knows nothing.
      logOf(child).event('worker.blocked', { childPid: child.pid, ...(autopsy === null ? {} : autopsyFacts(autopsy)), blockedMs })
      if (autopsy !== null) scope.news.tell('autopsy', childAutopsy('worker', child, { ...autopsy, blockedMs }, true))
    },
    onAutopsy(child, autopsy) {
      logOf(child).event('worker.autopsy', { childPid: child.pid, ...autopsyFacts(autopsy) })
      scope.news.tell('autopsy', childAutopsy('worker', child, autopsy, false))
    },
    onInnerAutopsy: (autopsy) => scope.news.tell('autopsy', autopsy),
    onThreads: (child, { threads, waiting }) =>
      logOf(child).event('worker.threads', { childPid: child.pid, count: threads.length, waiting, threads }),
    onDoorWanted: (child, wanted, answer) => grantDoor(scope, actor, child, wanted, answer),
    onKilled(child) {
      const { requests = [], threads = [] } = roster.rows().find((row) => row.age === child.input.age) ?? {}
      if (requests.length === 0) return
      const busy = threads
        .filter(({ inFlight }) => inFlight > 0)
        .map(({ thread, inFlight, heapBytes }) => ({ thread, inFlight, heapBytes }))
      logOf(child).event('worker.last-seen', {
        childPid: child.pid,
        count: requests.length,
        requests,
        ...(busy.length === 0 ? {} : { threads: busy }),
      })
    },
    onTransitions: scope.recorder.take,
    onUncaught: ({ input }, fact) => keepLastWords(input, fact),
    onGone(child) {
      const farewell = scope.runHookOf(child.input.generation, 'childExit', workerFacts(child))
      leaveListeners(scope, actor, child.input)
      scope.sidecars?.forgetWorker(child.pid ?? 0)
      scope.farewells.add(farewell)
      void farewell.then(() => scope.farewells.delete(farewell))
      // Not before the roster knows that it is gone; at the end of all the dirty pool has its own turn.
      setImmediate(() => {
        if (scope.isServing()) settleDirty(scope)
        scope.sidecars?.sweep()
      })
    },
  }
}

function environmentOf(rawEnv: readonly string[]): Record<string, string> {
  return Object.fromEntries(rawEnv.map((pair) => [pair.slice(0, pair.indexOf('=')), pair.slice(pair.indexOf('=') + 1)]))
}

function spawnFacts(scope: ArbiterScope, input: HandleInput): SpawnFacts {
  const { config, listeners } = scope.recordOf(input.generation)
  const { settings, hooks } = config
  const inherited = scope.listeners.inherited(
    listeners.map((order) => order.id),
    firstInheritedFd,
  )
  const inWorker = new Set(hookRows.filter((row) => row.process === 'worker').map((row) => row.name as string))
  const jitter = settings.maxRequests > 0 ? Math.floor(Math.random() * (settings.maxRequestsJitter + 1)) : 0
  const boot: BootOrder = {
    slot: input.slot,
    age: input.age,
    generation: input.generation,
    arbiterPid: process.pid,
    name: scope.name,
    settings: withLevel(settings, input.generation === scope.current.facts.generation ? scope.level : null),
    listeners: settings.reusePort ? settings.bind.map((address) => ({ id: address, address, fd: null })) : inherited.facts,
    isBindGiven: config.isBindGiven,
    hookFile: config.file,
    hookNames: Object.keys(hooks).filter((name) => inWorker.has(name)),
    maxRequests: settings.maxRequests === 0 ? 0 : settings.maxRequests + jitter,
  }
  return {
    boot,
    fds: settings.reusePort ? [] : inherited.fds,
    env: { ...process.env, ...environmentOf(settings.rawEnv), ...scope.dirty?.env },
    cwd: settings.chdir,
    execPath: scope.host.execPath,
    output: scope.host.output,
    frozenMs: frozenAfterMs(settings),
  }
}

/** Port 0 means another port each time a program asks, but the same for the same asking of every worker. */
const anyPortWishes = new WeakMap<HandleInput, number>()

function grantDoor(
  scope: ArbiterScope,
  actor: () => AskedActor,
  child: Supervised,
  wanted: Extract<FactFromWorker, { type: 'door.wanted' }>,
  answer: DoorAnswer,
): void {
  const id = wanted.listenerId ?? idOfWish(scope, child.input, wanted)
  const isNew = scope.listeners.grant(id, child.input.generation, (granted) => {
    if ('problem' in granted) answer({ type: 'door', wishId: wanted.wishId, listener: null, problem: granted.problem })
    else answer({ type: 'door', wishId: wanted.wishId, listener: granted.listener, problem: null }, granted.handle)
  })
  if (isNew) actor().send({ type: 'listener.wanted', id, address: id })
}

/** With the last worker of a generation goes what only its program listened to: nobody would serve who queues there. */
function leaveListeners(scope: ArbiterScope, actor: () => AskedActor, { generation, age }: HandleInput): void {
  const isLast = scope.roster.rows().every((row) => row.generation !== generation || row.age === age)
  if (!isLast || generation === scope.current.facts.generation) return
  for (const id of scope.listeners.unwantedAfter(generation)) actor().send({ type: 'listener.unwanted', id })
}

function idOfWish(scope: ArbiterScope, input: HandleInput, wanted: Extract<FactFromWorker, { type: 'door.wanted' }>): string {
  const address = addressOfWish(wanted.wish ?? { host: null, port: 0, path: null })
  if (address.kind !== 'tcp' || address.port !== 0) return scope.listeners.idOf(address, 'program', 0)
  const ordinal = anyPortWishes.get(input) ?? 0
  anyPortWishes.set(input, ordinal + 1)
  return scope.listeners.idOf(address, 'program', ordinal)
}
