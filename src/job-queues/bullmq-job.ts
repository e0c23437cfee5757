/** A job of BullMQ, as the action of a dirty app has it. */
import type { Job, JobProgress } from 'bullmq'
import { type RemoteObject, remoteObject } from '../wire/remote-object.ts'

/** What is read there at once. `data` is the action's first argument. */
const facts = [
  'id', 'name', 'queueName', 'queueQualifiedName', 'prefix', 'opts', 'token', 'timestamp', 'processedOn', 'processedBy', 'delay',
  'priority', 'attemptsMade', 'attemptsStarted', 'stalledCounter', 'progress', 'stacktrace', 'failedReason', 'parent', 'parentKey',
  'deduplicationId', 'repeatJobKey',
] as const // biome-ignore format: a list of words

type Fact = (typeof facts)[number]
/** Not of `any`, which would pass for a method. */
type Untyped = Job<unknown, unknown>
type Method<Value> = Value extends (...args: infer Args) => infer Result ? (...args: Args) => Promise<Awaited<Result>> : never

/**
 * The second argument of an action that is called for a job of BullMQ. What is known of the job is read at once, as it was
 * when the job began; every method of BullMQ's `Job` is called where its `Worker` runs, and awaited.
 *
 * @example
 * export class ImageApp extends DirtyApp {
 *   async thumbnail({ path }: { path: string }, job: JobHandle) {
 *     await job.log(`attempt ${job.attemptsMade + 1}`)
 *     await job.updateProgress(50)
 *   }
 * }
 */
export type JobHandle<Data = unknown, Progress extends JobProgress = JobProgress> = Readonly<
  Pick<Job<Data, unknown, string, Progress>, Fact>
> & {
  readonly [Name in keyof Untyped as Untyped[Name] extends (...args: never[]) => unknown ? Exclude<Name, 'toJSON'> : never]: Method<
    Job<Data, unknown, string, Progress>[Name]
  >
}

/** @param token of the lock, by which `moveToDelayed` and the like know who asks */
export function jobHandle(job: Job, token: string | undefined): RemoteObject {
  const known: Record<string, unknown> = {}
  // Those that are not there as well: whatever is no fact is taken for a method.
  for (const name of facts) known[name] = job[name]
  if (token !== undefined) known['token'] = token
  return remoteObject(job, known)
}
