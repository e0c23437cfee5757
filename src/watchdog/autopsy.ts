import type { Autopsy } from '../ipc/messages.ts'
import type { PulseReader } from '../ipc/pulse.ts'
import { procState } from '../os/proc.ts'
import { takeMainStack } from './stack.ts'

/** A loop that stamped this recently turns: pausing it would only show our own timer. */
const turningMs = 400
const requestsMax = 20

/** What the main thread is doing, in bounded time. */
export async function takeAutopsy(pulse: PulseReader): Promise<Autopsy> {
  const isTurning = await turns(pulse)
  const blockedMs = Math.round(pulse.silentMs())
  const stack = isTurning ? [] : await takeMainStack()
  const kernel = procState(process.pid)
  return {
    where: isTurning ? 'idle' : stack === null ? 'native' : 'javascript',
    phase: pulse.phase(),
    blockedMs,
    stack: stack ?? [],
    requests: pulse.requests(requestsMax).list,
    waitChannel: kernel?.waitChannel ?? null,
    children: kernel?.children ?? [],
  }
}

/** A short silence may be the beginning of a long one: then it is looked at again. */
async function turns(pulse: PulseReader): Promise<boolean> {
  if (pulse.silentMs() < turningMs) await new Promise((resolve) => setTimeout(resolve, turningMs))
  return pulse.silentMs() < turningMs
}
