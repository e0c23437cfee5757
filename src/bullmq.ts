/** The door for services with BullMQ: `monoceros/bullmq`. */
export type { JobHandle } from './job-queues/bullmq-job.ts'
export type { ActionOf, CallsDirtyApps } from './job-queues/pool-call.ts'
export { createProcessor, type JobProcessor, type ProcessorOptions } from './job-queues/processor.ts'
