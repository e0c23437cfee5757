/**
 * Who starts me: the benchmark's driver, with the path of Redis' socket and the number of sandboxes.
 * I expect: a Redis that listens there.
 * I own: the queue's worker, and through it the sandboxed processes.
 * I end: when I am told to, with my sandboxes.
 * Exit codes: 0.
 */
import { fileURLToPath } from 'node:url'
import { Worker } from 'bullmq'

const [, , path, concurrency] = process.argv
const processor = fileURLToPath(new URL('./bullmq-job.js', import.meta.url))
const connection = { path, maxRetriesPerRequest: null }
const worker = new Worker('bench', processor, { connection, concurrency: Number(concurrency) })
worker.on('error', (error) => process.stderr.write(`${error.stack}\n`))
process.once('SIGTERM', () => void worker.close(true).finally(() => process.exit()))
await worker.waitUntilReady()
process.stdout.write('ready\n')
