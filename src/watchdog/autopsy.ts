import type { Autopsy } from '../ipc/messages.ts'
import type { PulseReader } from '../ipc/pulse.ts'
import { procState } from '../os/proc.ts'
import { takeMainStack } from './stack.ts'

/** A loop that stamped this recently is turning: pausing it would only show our own timer. */
const turningMs = 400
const requestsMax = 20

/** What the main thread is doing, in bounded time. */
export async function takeAutopsy(pulse: PulseReader): Promise<Autopsy> {
  const blockedMs = Math.round(pulse.silentMs())
  const isTurning = blockedMs < turningMs
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
