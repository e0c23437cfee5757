/**
 * Orders three thumbnails of each picture, and shows them as they come.
 *
 *     REDIS_URL=redis://127.0.0.1:6379 npx jiti docs/examples/thumbnails/add.ts [FOLDER]
 */
import { readdirSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { basename, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { Queue, QueueEvents } from 'bullmq'
import type { Order, Thumbnail } from './images'

const connection = { url: process.env['REDIS_URL'] ?? 'redis://127.0.0.1:6379', maxRetriesPerRequest: null }
const folder = process.argv[2] ?? join(tmpdir(), 'monoceros-thumbnails')
const pictures = fileURLToPath(new URL('pictures/', import.meta.url))

const orders = readdirSync(pictures).flatMap((name) =>
  [64, 160, 320].map((widthPx): Order => ({ picture: join(pictures, name), widthPx, folder })),
)
const queue = new Queue<Order, Thumbnail>('thumbnails', { connection })
const events = new QueueEvents('thumbnails', { connection })
// Each job that is waited for listens.
queue.setMaxListeners(0)
events.setMaxListeners(0)
await events.waitUntilReady()
const jobs = await queue.addBulk(
  orders.map((data) => ({ name: basename(data.picture), data, opts: { attempts: 3, removeOnComplete: 100 } })),
)
const pids = new Set<number>()
await Promise.all(
  jobs.map(async (job) => {
    const { file, widthPx, heightPx, bytes, tookMs, pid } = await job.waitUntilFinished(events)
    pids.add(pid)
    console.log(
      `  ${basename(file).padEnd(22)} ${`${widthPx} × ${heightPx}`.padEnd(10)} ${String(bytes).padStart(6)} bytes in ${tookMs} ms by ${pid}`,
    )
  }),
)
console.log(`\n  ${jobs.length} thumbnails are in ${folder}, made by ${pids.size} processes`)
await events.close()
await queue.close()
