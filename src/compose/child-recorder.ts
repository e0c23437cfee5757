/** The recorder of a process that has a parent: its steps go there too. */
import { createOutbox } from '../flight-recorder/outbox.ts'
import type { ChannelToArbiter } from '../ipc/channel.ts'
import type { Transition } from '../ipc/transition.ts'
import { createRecorder, type Recorder, type RecorderOptions } from './recorder.ts'

export interface ChildRecorder extends Recorder {
  /** Those of its own children. */
  pass(steps: readonly Transition[], dropped: number): void
}

export function createChildRecorder(
  options: Pick<RecorderOptions, 'who' | 'settings' | 'log'> & { readonly channel: ChannelToArbiter },
): ChildRecorder {
  const outbox = createOutbox({
    send: (steps, dropped, onSent) => options.channel.post({ type: 'transitions', steps, dropped }, onSent),
  })
  const recorder = createRecorder({ ...options, record: outbox.add })
  return {
    ...recorder,
    pass(steps, dropped) {
      if (dropped > 0) outbox.countDropped(dropped)
      for (const step of steps) outbox.add(step)
    },
    flush() {
      outbox.flush()
      return recorder.flush()
    },
  }
}
