/** What the dirty arbiter tells its arbiter of itself, for whoever looks at the server. */
import { parseDirtySpec } from '../base/dirty-spec.ts'
import type { DirtyPoolFacts } from '../ipc/messages.ts'
import type { DirtyArbiterActor } from './dirty-arbiter.ts'
import type { DirtyScope } from './dirty-arbiter-scope.ts'
import { workerViews } from './worker-views.ts'

const everyMs = 1_000

export function tellOfPool(scope: DirtyScope, actor: DirtyArbiterActor): void {
  setInterval(() => scope.channel.send({ type: 'pool', pool: poolOf(scope, actor) }), everyMs).unref()
}

export function poolOf({ children, generations, roster, server, workersWanted }: DirtyScope, actor: DirtyArbiterActor): DirtyPoolFacts {
  const workers = workerViews(actor.getSnapshot(), roster, (age) => children.get(age)?.apps ?? [])
  const counts = new Map(server.broker.counts().map((count) => [count.app, count]))
  const apps = generations.current.apps.map(({ name, spec }) => {
    const parsed = parseDirtySpec(spec)
    const { queued = 0, leased = 0, capacity = 0 } = counts.get(name) ?? {}
    return {
      app: name,
      queued,
      leased,
      capacity,
      spec,
      workersWanted: (parsed.ok ? parsed.spec.workers : null) ?? generations.current.appFacts.get(name)?.workers ?? null,
      workerPids: workers.filter((worker) => worker.apps.includes(name)).map(({ pid }) => pid),
    }
  })
  return { workersWanted, workers, apps }
}
