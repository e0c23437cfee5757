/** What the watchdog thread answers to those who look at a healthy process, which goes on as if nothing had been. */
import { isIdleStack } from '../base/call-frames.ts'
import { problemOf } from '../base/errors.ts'
import type { Autopsy } from '../ipc/messages.ts'
import type { PulseReader } from '../ipc/pulse.ts'
import type { Question, QuestionAnswer } from '../ipc/questions.ts'
import type { Probe } from '../os/probe-thread.ts'
import { procState } from '../os/proc.ts'
import { takeMainStack } from './stack.ts'

const requestsMax = 256
/** A heap of gigabytes takes its time. */
const probePatienceMs = 600_000
const answerMs = 15_000
const turningMs = 400
const lookMs = 3_000

export async function answerQuestion(question: Question, pulse: PulseReader, probe: Probe): Promise<QuestionAnswer> {
  try {
    return { ok: true, value: await answerTo(question, pulse, probe) }
  } catch (error) {
    return { ok: false, problem: problemOf(error) }
  }
}

function answerTo(question: Question, pulse: PulseReader, probe: Probe): Promise<unknown> | unknown {
  switch (question.kind) {
    case 'stack':
      return lookNow(pulse)
    case 'requests':
      return pulse.requests(requestsMax).list
    case 'profile':
      return probe.ask(question, question.seconds * 1_000 + answerMs)
    case 'heap':
      return probe.ask(question, probePatienceMs)
    default:
      throw new Error(`a watchdog has no answer to ${question.kind}`)
  }
}

/** The statement at which the main thread is, or the next that it comes to; of one that waits that is our own timer. */
async function lookNow(pulse: PulseReader): Promise<Autopsy> {
  const silentMs = pulse.silentMs()
  const stack = await takeMainStack(lookMs)
  const kernel = procState(process.pid)
  // On a busy machine an answer may be long in coming: one whose loop turned when it was asked is not stuck.
  const isIdle = stack === null ? silentMs < turningMs : isIdleStack(stack)
  const where = isIdle ? 'idle' : stack === null ? 'native' : 'javascript'
  return {
    where,
    phase: pulse.phase(),
    blockedMs: Math.round(silentMs),
    stack: where === 'javascript' ? (stack ?? []) : [],
    requests: pulse.requests(requestsMax).list,
    waitChannel: kernel?.waitChannel ?? null,
    children: kernel?.children ?? [],
  }
}
