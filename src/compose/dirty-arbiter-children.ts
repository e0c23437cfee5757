/** What the dirty arbiter does for its children: boot orders, the words for what happens to them, and what the broker is told. */
import { join } from 'node:path'
import type { HandleInput } from '../../machines/worker-handle.ts'
import type { SpawnFacts, Supervised, SupervisionHost } from '../arbiter/supervision.ts'
import { type ErrorCode, errorCodes } from '../base/error-codes.ts'
import { autopsyFacts } from '../ipc/autopsy-facts.ts'
import type { DirtyAppFacts } from '../ipc/messages.ts'
import type { Log } from '../log/error-log.ts'
import { titleRoom } from '../os/title.ts'
import { socketVariable } from '../wire/socket-path.ts'
import { tellCannotBoot } from './cannot-boot.ts'
import type { DirtyScope } from './dirty-arbiter-scope.ts'
import { frozenAfterMs } from './frozen-after.ts'
import { withLevel } from './with-level.ts'

export function dirtySupervisionHost(scope: DirtyScope, workerPath: string): SupervisionHost {
  const { children, generations, roster, server, stash } = scope
  const logOf = ({ input }: Supervised): Log => scope.log.child({ slot: input.slot, age: input.age, gen: input.generation })

  function learn({ generation, slot, age }: HandleInput, apps: readonly DirtyAppFacts[]): void {
    const of = generations.of(generation)
    for (const table of apps.flatMap(({ stashes }) => stashes)) stash.ensure(table)
    generations.learn(of, apps)
    children.get(age)?.supervision.send({ type: 'share', ...generations.shareOf(of, slot) })
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
      if (present !== undefined) present.path = join(scope.folder, `worker-${child.input.slot}-${child.pid}.sock`)
    },
    onLoaded: (child, kind, loadMs) => logOf(child).event('worker.loaded', { childPid: child.pid, kind, loadMs }),
    onFailed(child, error) {
      tellCannotBoot(scope, logOf(child), { pid: child.pid, generation: child.input.generation }, error)
      const present = children.get(child.input.age)
      if (present !== undefined) present.hasFailed = true
      expectWorkers(scope)
      scope.channel.send({ type: 'failed', exitCode: errorCodes[error.code as ErrorCode]?.exit ?? 3, error })
    },
    onBlocked: (child, blockedMs, autopsy) =>
      logOf(child).event('worker.blocked', { childPid: child.pid, ...(autopsy === null ? {} : autopsyFacts(autopsy)), blockedMs }),
    onAutopsy: (child, autopsy) => logOf(child).event('worker.autopsy', { childPid: child.pid, ...autopsyFacts(autopsy) }),
    onThreads: () => undefined,
    onDoorWanted: () => undefined,
    onTransitions: scope.recorder.pass,
    onReady({ input: { age } }) {
      const present = children.get(age)
      if (present === undefined) return
      present.isReady = true
      for (const [app, count] of present.capacity) server.broker.setCapacity(age, app, count)
    },
    onDirty({ input }, fact) {
      const { age } = input
      const present = children.get(age)
      if (fact.type === 'lease.over') server.broker.release(fact.lease)
      else if (fact.type === 'capacity' && present !== undefined) {
        present.capacity.set(fact.app, fact.count)
        if (present.isReady) server.broker.setCapacity(age, fact.app, fact.count)
      } else if (fact.type === 'apps') learn(input, fact.apps)
    },
    onGone({ input: { age, generation } }) {
      children.delete(age)
      // Whoever waited for what it was to ask asks for itself now.
      if (generations.of(generation).shares === null) generations.of(generation).known.resolve()
      server.broker.loseWorker(age)
    },
  }
}

/** A call does not wait for longer than one attempt to boot a worker of its app: where the last one failed, it is told. */
export function expectWorkers({ children, generations, server }: DirtyScope): void {
  const hopeful = [...children.values()].filter(({ hasFailed }) => !hasFailed)
  const having = new Set(hopeful.flatMap(({ apps }) => apps))
  for (const { name } of generations.current.apps) server.broker.setExpected(name, having.has(name))
}

function spawnFacts({ boot, folder, socketPath, generations, level }: DirtyScope, input: HandleInput): SpawnFacts {
  const { slot, age, generation } = input
  const of = generations.of(generation)
  const { apps, threads } = generations.shareOf(of, slot)
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
    frozenMs: frozenAfterMs(of.settings),
  }
}
