/** The door for programs: what a config file, a worker class of one's own and an embedder import from `monoceros`. */
export { MonocerosError } from './base/errors.ts'
export type { Job, JobContext } from './compose/worker/job-context.ts'
export { createSupervisor, type Inspector, type StopOptions, type Supervisor } from './compose/embed/supervisor.ts'
export { defineConfig, type UserConfig } from './config/define-config.ts'
export type { ArbiterFacts, HookLog, Hooks, WorkerFacts } from './config/hook-types.ts'
export type { Settings } from './config/settings.ts'
export type { WorkerBehaviour, WorkerClass, WorkerKit } from './worker/worker-class.ts'
