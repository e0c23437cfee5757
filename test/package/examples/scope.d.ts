/** What fragments of docstrings may name without having it declared: everything here is in the reader's own program. */
import type { Worker as BullWorker } from 'bullmq'
import type { TaskList as GraphileTasks } from 'graphile-worker'
import type { JobContext } from 'monoceros'
import type { CallsDirtyApps } from 'monoceros/bullmq'
import type PgBoss from 'pg-boss'
import type { ImageApp as Images } from './images.ts'

declare global {
  const ctx: JobContext
  const job: { readonly id: string; readonly data: Uint8Array }
  const resize: (job: { readonly data: Uint8Array }) => Promise<Uint8Array>
  type ImageApp = Images
  const pool: CallsDirtyApps
  const boss: PgBoss
  type TaskList = GraphileTasks
  const Worker: typeof BullWorker
  const connection: { readonly host: string; readonly port: number }
}
