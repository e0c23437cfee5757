/**
 * A service that takes jobs from a queue of BullMQ. Its own process only talks to Redis: pictures are decoded in the pool.
 *
 *     REDIS_URL=redis://127.0.0.1:6379 npx jiti docs/examples/thumbnails/service.ts
 *
 * HUP is a deploy of images.ts: new processes load it, then the old ones finish what they have. TERM finishes running jobs.
 */
import { fileURLToPath } from 'node:url'
import { Worker } from 'bullmq'
import { createPool } from 'monoceros'
import { createProcessor } from 'monoceros/bullmq'
import type { ImageApp } from './images'

const url = process.env['REDIS_URL'] ?? 'redis://127.0.0.1:6379'
const workers = 2

const pool = await createPool({
  name: 'thumbnails',
  apps: { images: `${fileURLToPath(new URL('images.ts', import.meta.url))}:ImageApp` },
  workers,
  memoryLimit: 512,
  dashboard: '127.0.0.1:0',
  logger: { ...console, debug: () => undefined, info: () => undefined },
})

const worker = new Worker('thumbnails', createProcessor<ImageApp>(pool, 'images', 'thumbnail', { timeoutMs: 60_000 }), {
  connection: { url, maxRetriesPerRequest: null },
  // One more than can run: it is at hand when a place becomes free.
  concurrency: workers + 1,
})
worker.on('error', (error) => console.error(`queue: ${error.message}`))
worker.on('failed', (job, error) => console.error(`job ${job?.id}, attempt ${job?.attemptsMade}: ${error.message}`))
await worker.waitUntilReady()

process.on('SIGHUP', async () => {
  const outcome = await pool.supervisor.reload()
  console.log(outcome.ok ? 'the new code is in use' : `the old code stays: ${outcome.problem}`)
})
async function end(): Promise<void> {
  // In this order: jobs under way need the pool.
  await worker.close()
  await pool.close()
  console.log('all that was begun is done')
}
process.once('SIGTERM', end)
// Whoever has started it in this way, as `run.ts` does, is gone. Hearing of that must not keep it alive.
process.once('disconnect', end)
process.channel?.unref()
process.send?.({ dashboard: pool.supervisor.dashboard })
