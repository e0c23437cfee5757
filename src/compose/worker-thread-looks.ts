/** What the main thread of a worker tells of its threads when it is asked: their requests, and what they are at. */
import type { Question, QuestionAnswer, ThreadStack } from '../ipc/questions.ts'
import type { LaneLife } from './worker-lanes.ts'

/** Within which all have to be looked at; whoever asks waits a little longer. */
const boxMs = 4_000

export async function answerAboutThreads(lives: Iterable<LaneLife>, question: Question): Promise<QuestionAnswer> {
  switch (question.kind) {
    case 'thread-requests':
      return { ok: true, value: [...lives].flatMap((life) => life.requests().map((request) => ({ ...request, thread: life.lane.number }))) }
    case 'thread-stacks':
      return { ok: true, value: await stacksOf(lives) }
    default:
      return { ok: false, problem: `a worker has no answer to ${question.kind}` }
  }
}

/** One after the other: each attaches an inspector. */
async function stacksOf(lives: Iterable<LaneLife>): Promise<ThreadStack[]> {
  const endMs = performance.now() + boxMs
  const stacks: ThreadStack[] = []
  for (const life of lives) {
    const thread = life.lane.number
    // One that waits comes to no statement.
    if (life.lane.inFlight === 0) stacks.push({ thread, where: 'idle', stack: [] })
    else if (performance.now() < endMs) {
      const stack = await life.stack()
      stacks.push({ thread, where: stack === null ? 'native' : 'javascript', stack: stack ?? [] })
    }
  }
  return stacks
}
