/** The door for services with a job queue: `monoceros/bullmq`. */
export type { JobHandle } from './job-queues/bullmq-job.ts'
export { createHandler, type HandledJob, type HandlerOptions, type JobHandler } from './job-queues/handler.ts'
export type { ActionOf, CallsDirtyApps } from './job-queues/pool-call.ts'
export { createProcessor, type JobProcessor, type ProcessorOptions } from './job-queues/processor.ts'
