/** What a worker's main thread answers when its arbiter asks. */
import type { AppRegistry, Asked, QuestionAnswer } from '../ipc/questions.ts'
import type { Program } from './worker-program.ts'
import type { WorkerScope } from './worker-scope.ts'

export async function answerAsked({ channel }: WorkerScope, program: Program, { id, question }: Asked): Promise<void> {
  let answer: QuestionAnswer = { ok: false, problem: `an HTTP worker is not asked for ${question.kind}` }
  if (question.kind === 'app-metrics') {
    try {
      answer = { ok: true, value: await (program.appMetrics?.() ?? ofMainThread()) }
    } catch (error) {
      // Whatever the app's own collectors throw.
      answer = { ok: false, problem: String(error) }
    }
  }
  channel.send({ type: 'answer', id, answer })
}

async function ofMainThread(): Promise<AppRegistry[]> {
  const { ownMetrics } = await import('../app/own-metrics.ts')
  return [{ thread: 0, metrics: (await ownMetrics()).flat() }]
}
