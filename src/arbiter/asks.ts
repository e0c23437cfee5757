/** Questions to a child that are under way: each gets one answer, be it that none came. */
import type { Answered, Asked, Question, QuestionAnswer } from '../ipc/questions.ts'

export interface Asks {
  /** @param ofWorker the pid of a child of the child, to which it passes the question on */
  ask(question: Question, patienceMs: number, ofWorker?: number): Promise<QuestionAnswer>
  hear(answered: Answered): void
  /** The child is gone. */
  end(): void
}

export function createAsks(send: (asked: Asked, ofWorker: number | undefined, patienceMs: number) => void): Asks {
  const waiting = new Map<number, (answer: QuestionAnswer) => void>()
  let lastId = 0
  return {
    ask: (question, patienceMs, ofWorker) =>
      new Promise((resolve) => {
        const id = ++lastId
        const settle = (answer: QuestionAnswer) => {
          waiting.delete(id)
          clearTimeout(timer)
          resolve(answer)
        }
        const timer = setTimeout(() => settle({ ok: false, problem: `no answer within ${patienceMs} ms` }), patienceMs)
        waiting.set(id, settle)
        send({ id, question }, ofWorker, patienceMs)
      }),
    hear: ({ id, answer }) => waiting.get(id)?.(answer),
    end() {
      for (const settle of [...waiting.values()]) settle({ ok: false, problem: 'the process has ended' })
    },
  }
}
