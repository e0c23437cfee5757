/** What the dirty arbiter tells its arbiter of itself, for whoever looks at the server. */
import { parseDirtySpec } from '../../base/dirty-spec.ts'
import type { DirtyPoolFacts, OrderToWorker } from '../../ipc/messages.ts'
import type { Question, QuestionAnswer, Scaled } from '../../ipc/questions.ts'
import { workerViews } from '../worker-views.ts'
import type { DirtyArbiterActor } from './dirty-arbiter.ts'
import type { DirtyScope } from './dirty-arbiter-scope.ts'

const everyMs = 1_000

export function tellOfPool(scope: DirtyScope, actor: DirtyArbiterActor): void {
  setInterval(() => scope.channel.send({ type: 'pool', pool: poolOf(scope, actor) }), everyMs).unref()
}

function poolOf({ children, generations, roster, server, workersWanted }: DirtyScope, actor: DirtyArbiterActor): DirtyPoolFacts {
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
      waits: server.waits.of(name),
      spec,
      workersWanted: (parsed.ok ? parsed.spec.workers : null) ?? generations.current.appFacts.get(name)?.workers ?? null,
      workerPids: workers.filter(({ slot, apps }) => slot >= 0 && apps.includes(name)).map(({ pid }) => pid),
    }
  })
  return { calls: roster.totals().served, workersWanted, workers, apps }
}

export function answerPool(scope: DirtyScope, actor: DirtyArbiterActor, question: Question): QuestionAnswer {
  switch (question.kind) {
    case 'pool':
      return { ok: true, value: poolOf(scope, actor) }
    case 'scale': {
      const by = 'to' in question ? question.to - scope.workersWanted : question.by
      return { ok: true, value: by < 0 ? scaleDown(scope, actor, -by) : scaleUp(scope, actor, by) }
    }
    default:
      return { ok: false, problem: `a dirty arbiter has no answer to ${question.kind}` }
  }
}

function scaleUp(scope: DirtyScope, actor: DirtyArbiterActor, by: number): Scaled {
  const previous = scope.workersWanted
  actor.send({ type: 'scale', by })
  return { previous, total: scope.workersWanted, reason: null }
}

/** As far as their apps can do without them. */
export function scaleDown(scope: DirtyScope, actor: DirtyArbiterActor, by: number): Scaled {
  const previous = scope.workersWanted
  let spare = 0
  while (spare < by && previous - spare > 1 && !scope.generations.isNeeded(previous - spare - 1)) spare++
  if (spare > 0) actor.send({ type: 'scale', by: -spare })
  const total = scope.workersWanted
  return { previous, total, reason: previous - total === by ? null : `its apps need ${total} workers` }
}

export async function passOn(
  scope: DirtyScope,
  { id, pid, question, patienceMs }: Extract<OrderToWorker, { type: 'ask-worker' }>,
): Promise<void> {
  const row = scope.roster.rows().find((one) => one.pid === pid)
  const answer: QuestionAnswer = row === undefined ? { ok: false, problem: 'the process has ended' } : await row.ask(question, patienceMs)
  scope.channel.send({ type: 'answer', id, answer })
}
