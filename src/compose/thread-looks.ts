/** What the main thread of a worker tells of its threads when it is asked: their requests or calls, and what they are at. */
import type { RequestInFlight } from '../ipc/messages.ts'
import type { Question, QuestionAnswer, ThreadStack } from '../ipc/questions.ts'

export interface LookedAt {
  readonly thread: number
  requests(): readonly RequestInFlight[]
  /** Null: it came to no statement of JavaScript. */
  stack(): Promise<readonly string[] | null>
}

/** Within which all have to be looked at; whoever asks waits a little longer. */
const boxMs = 4_000

export async function answerAboutThreads(threads: readonly LookedAt[], question: Question): Promise<QuestionAnswer> {
  switch (question.kind) {
    case 'thread-requests':
      return { ok: true, value: threads.flatMap((one) => one.requests().map((request) => ({ ...request, thread: one.thread }))) }
    case 'thread-stacks':
      return { ok: true, value: await stacksOf(threads) }
    default:
      return { ok: false, problem: `a worker has no answer to ${question.kind}` }
  }
}

/** One after the other: each attaches an inspector. */
async function stacksOf(threads: readonly LookedAt[]): Promise<ThreadStack[]> {
  const endMs = performance.now() + boxMs
  const stacks: ThreadStack[] = []
  for (const one of threads) {
    const { thread } = one
    // One that waits comes to no statement.
    if (one.requests().length === 0) stacks.push({ thread, where: 'idle', stack: [] })
    else if (performance.now() < endMs) {
      const stack = await one.stack()
      stacks.push({ thread, where: stack === null ? 'native' : 'javascript', stack: stack ?? [] })
    }
  }
  return stacks
}
