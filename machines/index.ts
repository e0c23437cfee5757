import { arbiterMachine } from './arbiter.ts'
import { listenerMachine } from './listener.ts'
import { rollingMachine } from './rolling.ts'
import { workerMachine } from './worker.ts'
import { workerHandleMachine } from './worker-handle.ts'

/** Every chart by its name: for tests, documentation and whatever shows them to a person. */
export const charts = {
  arbiter: arbiterMachine,
  'worker-handle': workerHandleMachine,
  worker: workerMachine,
  rolling: rollingMachine,
  listener: listenerMachine,
} as const
