/** The example service: real pictures, a deploy in the middle of its jobs, and an end that breaks none of them off. */
import { readdirSync, readFileSync, rmSync } from 'node:fs'
import { createRequire } from 'node:module'
import { dirname, join } from 'node:path'
import { Queue, QueueEvents } from 'bullmq'
import { decode } from 'image-js'
import { describe, expect, onTestFinished, test } from 'vitest'
import type { Order, Thumbnail } from '../../docs/examples/thumbnails/images.ts'
import { type Running, root, start, testFolder } from '../support/harness.ts'
import { poll } from '../support/poll.ts'
import { lacksRedis, startRedis } from '../support/redis.ts'

const jiti = join(dirname(createRequire(import.meta.url).resolve('jiti')), 'jiti-cli.mjs')
const example = join(root, 'docs/examples/thumbnails')
const pictures = readdirSync(join(example, 'pictures'))

const run = (program: string, words: readonly string[], env: Readonly<Record<string, string>> = {}): Running =>
  start({ cli: jiti, args: [join(example, program), ...words], cwd: root, env })

function resultsFolder(): string {
  const folder = testFolder()
  onTestFinished(() => rmSync(folder, { recursive: true }))
  return folder
}

describe.skipIf(lacksRedis)('with a Redis', () => {
  test('the service makes its thumbnails, through a deploy, and ends with none begun and not done', async () => {
    const redis = await startRedis()
    onTestFinished(() => redis.stop())
    const folder = resultsFolder()
    const { connection } = redis
    const queue = new Queue<Order, Thumbnail>('thumbnails', { connection })
    const events = new QueueEvents('thumbnails', { connection })
    queue.setMaxListeners(0)
    events.setMaxListeners(0)
    await events.waitUntilReady()
    const add = (names: readonly string[], widthPx: number) =>
      queue.addBulk(names.map((name) => ({ name, data: { picture: join(example, 'pictures', name), widthPx, folder } })))
    const quick = Array.from({ length: 8 }, () => 'haze.png')
    const service = run('service.ts', [], { REDIS_URL: `redis://127.0.0.1:${redis.port}` })

    const first = await Promise.all((await add(pictures, 240)).map((job) => job.waitUntilFinished(events)))
    for (const { file, widthPx, heightPx } of first) {
      const { width, height } = decode(readFileSync(file))
      expect({ width, height }).toEqual({ width: widthPx, height: heightPx })
    }
    expect(first.map(({ widthPx }) => widthPx)).toEqual(pictures.map(() => 240))

    const old = new Set(first.map(({ pid }) => pid))
    const meanwhile = await add(quick, 96)
    service.signal('SIGHUP')
    await Promise.all(meanwhile.map((job) => job.waitUntilFinished(events)))
    await poll(async () => {
      const [job] = await add(['haze.png'], 32)
      return !old.has((await job?.waitUntilFinished(events))?.pid ?? 0)
    })

    await add(quick, 64)
    await poll(async () => (await queue.getActiveCount()) > 0)
    expect(await service.stop()).toEqual({ code: 0, signal: null })
    const { active, failed } = await queue.getJobCounts('active', 'failed')
    expect({ active, failed }).toEqual({ active: 0, failed: 0 })
    await events.close()
    await queue.close()
  })

  test('one command brings up all of it, and Ctrl-C ends it', async () => {
    const folder = resultsFolder()
    const all = run('run.ts', [folder])
    const url = await poll(() => /http:\/\/127\.0\.0\.1:\d+\/\S*/.exec(all.stdout())?.[0], all.stderr, 60_000)
    expect(readdirSync(folder)).toHaveLength(3 * pictures.length)
    expect((await fetch(url)).status).toBe(200)
    all.signal('SIGINT')
    expect(await all.exited).toEqual({ code: 0, signal: null })
  })
})
