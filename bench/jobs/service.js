/**
 * Who starts me: the benchmark's driver, with one JSON argument: the kind of executors, and where Redis and the queue are.
 * I expect: a Redis that listens there, and orders over IPC.
 * I own: the queue's worker, and the executors of its jobs.
 * I end: when I am told to, or my driver is gone, with my executors.
 * Exit codes: 0.
 */
import { fileURLToPath } from 'node:url'
import { Queue, Worker } from 'bullmq'
import { work } from './work.js'

const { kind, executors, concurrency, redis, queue: name, dist } = JSON.parse(process.argv[2])
const here = (file) => fileURLToPath(new URL(file, import.meta.url))
const connection = { path: redis, maxRetriesPerRequest: null }
const queue = new Queue(name, { connection })
const pool = kind.startsWith('pool') ? await openPool(kind === 'pool' ? 'process' : 'thread') : null
const processor = pool === null ? here('sandbox.js') : await processorOf(pool)
// A sandbox is made for each job that runs at once, a pool has its own number.
const worker = new Worker(name, processor, { connection, concurrency, autorun: false, useWorkerThreads: kind === 'threads' })
worker.on('error', (error) => process.stderr.write(`${error.stack}\n`))

async function openPool(isolation) {
  const { createPool } = await import(`${dist}/src/index.js`)
  return createPool({ apps: { jobs: `${here('app.js')}:BenchJobs` }, workers: executors, isolation })
}

async function processorOf(pool) {
  const { createProcessor } = await import(`${dist}/src/bullmq.js`)
  return createProcessor(pool, 'jobs', 'work')
}

/** All jobs are in the queue before the first is taken. */
async function run({ jobs, turns, payloadBytes }) {
  const payload = 'x'.repeat(payloadBytes)
  const right = work({ nonce: 0, turns, payload })
  const opts = { removeOnComplete: true, removeOnFail: true }
  await queue.addBulk(Array.from({ length: jobs }, (_, nonce) => ({ name: 'work', data: { nonce, turns, payload }, opts })))
  const begun = new Map()
  const durations = []
  const problems = []
  const over = new Promise((resolve) => {
    let left = jobs
    const end = (problem) => {
      if (problem !== null) problems.push(problem)
      left -= 1
      if (left === 0) resolve()
    }
    worker.on('active', (job) => begun.set(job.id, performance.now()))
    worker.on('failed', (_, error) => end(`a job failed: ${error.message}`))
    worker.on('completed', (job, answer) => {
      durations.push(performance.now() - begun.get(job.id))
      const isRight = answer.nonce === job.data.nonce && answer.state === right.state && answer.digest === right.digest
      end(isRight ? null : 'a wrong answer')
    })
  })
  const startedMs = performance.now()
  const startedCpu = process.cpuUsage()
  worker.resume()
  await over
  const tookMs = performance.now() - startedMs
  const { user, system } = process.cpuUsage(startedCpu)
  await worker.pause()
  for (const event of ['active', 'failed', 'completed']) worker.removeAllListeners(event)
  const sorted = durations.toSorted((one, other) => one - other)
  const at = (share) => sorted[Math.min(sorted.length - 1, Math.floor(share * sorted.length))] ?? Number.NaN
  const figures = { jobsPerS: (1_000 * jobs) / tookMs, p50Ms: at(0.5), p99Ms: at(0.99), serviceCpuUs: (user + system) / jobs }
  return { figures, problems }
}

async function end() {
  await worker.close(true)
  await pool?.close()
  process.exit()
}

process.on('message', async (order) => process.send(await run(order)))
process.once('SIGTERM', end)
process.once('disconnect', end)
await worker.waitUntilReady()
void worker.run()
await worker.pause()
process.send('ready')
