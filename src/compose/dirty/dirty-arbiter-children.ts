/** What the dirty arbiter does for its children: boot orders, the words for what happens to them, and what the broker is told. */
import type { HandleInput } from '../../../machines/worker-handle.ts'
import type { SpawnFacts, Supervised, SupervisionHost } from '../../arbiter/supervision.ts'
import { type ErrorCode, errorCodes } from '../../base/error-codes.ts'
import { removeLeftSockets } from '../../dirty-arbiter/left-sockets.ts'
import { placeOf, workerOf } from '../../dirty-arbiter/places.ts'
import { autopsyFacts } from '../../ipc/autopsy-facts.ts'
import { childAutopsy } from '../../ipc/child-autopsy.ts'
import type { DirtyAppFacts, FactFromWorker } from '../../ipc/messages.ts'
import type { Log } from '../../log/error-log.ts'
import { titleRoom } from '../../os/title.ts'
import { socketVariable } from '../../wire/socket-path.ts'
import { tellCannotBoot } from '../cannot-boot.ts'
import { frozenAfterMs } from '../frozen-after.ts'
import { withLevel } from '../with-level.ts'
import type { DirtyChild, DirtyScope } from './dirty-arbiter-scope.ts'

type PlaceFact = Extract<FactFromWorker, { type: 'place' }>

export function dirtySupervisionHost(scope: DirtyScope, workerPath: string): SupervisionHost {
  const { children, generations, roster, server, stash } = scope
  const logOf = ({ input }: Supervised): Log => scope.log.child({ slot: input.slot, age: input.age, gen: input.generation })

  function learn({ generation, slot, age }: HandleInput, apps: readonly DirtyAppFacts[]): void {
    const of = generations.of(generation)
    for (const table of apps.flatMap(({ stashes }) => stashes)) stash.ensure(table)
    generations.learn(of, apps)
    children.get(age)?.supervision.send({ type: 'share', ...generations.shareOf(of, slot) })
  }

  function hearOfPlace(child: DirtyChild, place: number, { app, state }: PlaceFact): void {
    const { places } = child
    if (state === 'open') {
      places.set(place, app)
      offer(scope, child, place, app)
    } else if (state === 'leaving') server.broker.retireWorker(place)
    else {
      places.delete(place)
      server.broker.loseWorker(place)
    }
  }

  return {
    entryPath: workerPath,
    args: ['dirty-worker', titleRoom],
    roster,
    async beforeSpawn({ slot, generation }) {
      // The first one asks the classes who of them shall have what.
      if (slot !== 0) await generations.of(generation).known.promise
    },
    spawnFacts: (input) => spawnFacts(scope, input),
    onBooting(child) {
      logOf(child).event('worker.booting', { childPid: child.pid })
      const present = children.get(child.input.age)
      if (present !== undefined) present.pid = child.pid ?? 0
    },
    onLoaded: (child, kind, loadMs) => logOf(child).event('worker.loaded', { childPid: child.pid, kind, loadMs }),
    onFailed(child, error) {
      tellCannotBoot(scope, logOf(child), { pid: child.pid, generation: child.input.generation }, error)
      const present = children.get(child.input.age)
      if (present !== undefined) present.hasFailed = true
      expectWorkers(scope)
      scope.channel.send({ type: 'failed', exitCode: errorCodes[error.code as ErrorCode]?.exit ?? 3, error })
    },
    onBlocked(child, blockedMs, autopsy) {
      logOf(child).event('worker.blocked', { childPid: child.pid, ...(autopsy === null ? {} : autopsyFacts(autopsy)), blockedMs })
      if (autopsy === null) return
      scope.channel.send({ type: 'autopsy', autopsy: childAutopsy('dirty-worker', child, { ...autopsy, blockedMs }, true) })
    },
    onAutopsy(child, autopsy) {
      logOf(child).event('worker.autopsy', { childPid: child.pid, ...autopsyFacts(autopsy) })
      scope.channel.send({ type: 'autopsy', autopsy: childAutopsy('dirty-worker', child, autopsy, false) })
    },
    onInnerAutopsy: (autopsy) => scope.channel.send({ type: 'autopsy', autopsy }),
    onThreads: () => undefined,
    onDoorWanted: () => undefined,
    onTransitions: scope.recorder.pass,
    onReady({ input: { age } }) {
      const present = children.get(age)
      if (present === undefined) return
      present.isReady = true
      tellComing(scope)
      for (const [place, app] of present.places) offer(scope, present, place, app)
      if (present.slot !== present.spawnSlot) tellPromoted(present)
    },
    onDirty({ input }, fact) {
      const { age } = input
      const present = children.get(age)
      if (fact.type === 'lease.over') server.broker.release(fact.lease)
      else if (fact.type === 'place' && present !== undefined) hearOfPlace(present, placeOf(age, fact.place), fact)
      else if (fact.type === 'apps') learn(input, fact.apps)
    },
    onGone({ input: { age, generation } }) {
      const places = children.get(age)?.places ?? new Map<number, string>()
      children.delete(age)
      for (const place of places.keys()) server.broker.loseWorker(place)
      server.broker.forgetProcess(age)
      // Only that: whoever comes in its place is not spawned yet, and those who wait for it are not to be told that there is none.
      tellComing(scope)
      void removeLeftSockets(scope.folder)
      // Whoever waited for what it was to ask asks for itself now.
      if (generations.of(generation).shares === null) generations.of(generation).known.resolve()
    },
  }
}

/** Whoever stands by is not called. */
function offer({ server, generations }: DirtyScope, child: DirtyChild, place: number, app: string): void {
  if (!child.isReady || child.slot < 0 || !child.apps.includes(app)) return
  if (generations.of(child.generation).settings.dirtyMaxCalls === 1) server.broker.setSingle(place, workerOf(place))
  server.broker.setCapacity(place, app, 1)
}

export const appsOf = ({ generations }: DirtyScope, generation: number, slot: number): readonly string[] =>
  generations.shareOf(generations.of(generation), slot).apps.map(({ name }) => name)

/** It stood by with all apps, and is called from now on for those of the slot that it takes. */
export function promote(scope: DirtyScope, age: number, slot: number): void {
  const child = scope.children.get(age)
  if (child === undefined) return
  child.slot = slot
  child.apps = appsOf(scope, child.generation, slot)
  expectWorkers(scope)
  if (!child.isReady) return
  for (const [place, app] of child.places) offer(scope, child, place, app)
  tellPromoted(child)
}

/** It closes the rest of its apps. */
const tellPromoted = ({ supervision, slot, apps }: DirtyChild) => supervision.send({ type: 'promoted', slot, apps })

/** It is given no more calls; those who wait for it get others. */
export function retirePlaces({ children, server }: DirtyScope, age: number): void {
  for (const place of children.get(age)?.places.keys() ?? []) server.broker.retireWorker(place)
}

/** A call does not wait for longer than one attempt to boot a worker of its app: where the last one failed, it is told. */
export function expectWorkers(scope: DirtyScope): void {
  const { generations, server } = scope
  tellComing(scope)
  const having = new Set(hopefulOf(scope).flatMap(({ apps }) => apps))
  for (const { name } of generations.current.apps) server.broker.setExpected(name, having.has(name))
}

/** Who may be waited for by a call inside of a call. */
function tellComing(scope: DirtyScope): void {
  const coming = new Set(hopefulOf(scope).flatMap(({ apps, isReady }) => (isReady ? [] : apps)))
  for (const { name } of scope.generations.current.apps) scope.server.broker.setComing(name, coming.has(name))
}

/** Without those that only stand by. */
const hopefulOf = ({ children }: DirtyScope) => [...children.values()].filter(({ slot, hasFailed }) => slot >= 0 && !hasFailed)

function spawnFacts({ boot, children, folder, socketPath, generations, level }: DirtyScope, input: HandleInput): SpawnFacts {
  const { slot, age, generation } = input
  const of = generations.of(generation)
  const { apps, threads } = generations.shareOf(of, slot)
  const child = children.get(age)
  if (child !== undefined) child.spawnSlot = slot
  return {
    boot: {
      ...boot,
      slot,
      age,
      generation,
      arbiterPid: process.pid,
      settings: withLevel(of.settings, of === generations.current ? level : null),
      listeners: [],
      dirty: { folder, apps },
      ...(of.shares === null ? {} : { dirtyThreads: threads }),
    },
    fds: [],
    env: { ...process.env, [socketVariable]: socketPath },
    cwd: process.cwd(),
    execPath: process.execPath,
    output: 'inherit',
    frozenMs: frozenAfterMs(of.settings),
  }
}
