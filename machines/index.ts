import { arbiterMachine } from './arbiter.ts'
import { keeperMachine } from './keeper.ts'
import { laneMachine } from './lane.ts'
import { listenerMachine } from './listener.ts'
import { rollingMachine } from './rolling.ts'
import { sidecarMachine } from './sidecar.ts'
import { threadPoolMachine } from './thread-pool.ts'
import { workerMachine } from './worker.ts'
import { workerHandleMachine } from './worker-handle.ts'

/** Every chart by its name: for tests, documentation and whatever shows them to a person. */
export const charts = {
  arbiter: arbiterMachine,
  'worker-handle': workerHandleMachine,
  worker: workerMachine,
  'thread-pool': threadPoolMachine,
  lane: laneMachine,
  keeper: keeperMachine,
  sidecar: sidecarMachine,
  rolling: rollingMachine,
  listener: listenerMachine,
} as const
