/** What a worker answers when its arbiter asks for the metrics that its app keeps itself. */
import type { AppRegistry, Question, QuestionAnswer } from '../../ipc/questions.ts'

/** Null where something else was asked. @param read of each thread that runs the app */
export async function answerAppMetrics(
  { kind }: Question,
  read: () => Promise<AppRegistry[]> = ofMainThread,
): Promise<QuestionAnswer | null> {
  if (kind !== 'app-metrics') return null
  try {
    return { ok: true, value: await read() }
  } catch (error) {
    // Whatever the app's own collectors throw.
    return { ok: false, problem: String(error) }
  }
}

async function ofMainThread(): Promise<AppRegistry[]> {
  const { ownMetrics } = await import('../../app/own-metrics.ts')
  return [{ thread: 0, metrics: (await ownMetrics()).flat() }]
}
