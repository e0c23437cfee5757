/** A real arbiter with a small app, recycled and reloaded without end under load; its own hooks tell what it holds. */
import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { ask } from '../../test/support/client.ts'
import { type Running, startShared } from '../../test/support/harness.ts'

/** What the arbiter holds after a garbage collection, at the end of one of its workers. */
export interface Sample {
  readonly gone: number
  readonly heapKiB: number
  readonly rssKiB: number
  readonly fds: number
  /** Node's own count of handles, requests and timers that keep a loop going. */
  readonly resources: number
}

export interface ArbiterSoak {
  readonly recycles: number
  readonly reloads: number
  readonly samples: readonly Sample[]
  readonly answered: number
  readonly failures: readonly string[]
  /** Every process of the run, when it was at rest before and after. */
  readonly rest: readonly [Rest, Rest]
  readonly problems: readonly string[]
}

export interface Rest {
  readonly fds: number
  readonly processes: number
}

const workers = 4
const samplesFile = 'samples.jsonl'

/** Hooks run in the arbiter: the one that is called at the end of each worker collects garbage and notes what is left. */
const config = (everyNth: number) => `
import { appendFileSync, readdirSync } from 'node:fs'
import { setFlagsFromString } from 'node:v8'
import { runInNewContext } from 'node:vm'

setFlagsFromString('--expose-gc')
const collect = (globalThis.collect ??= runInNewContext('gc'))
export default {
  workers: ${workers},
  maxRequests: 1,
  childExit() {
    globalThis.gone = (globalThis.gone ?? 0) + 1
    if (globalThis.gone % ${everyNth} !== 0) return
    collect()
    const { heapUsed, rss } = process.memoryUsage()
    const line = { gone, heapKiB: heapUsed / 1024, rssKiB: rss / 1024, fds: readdirSync('/proc/self/fd').length, resources: process.getActiveResourcesInfo().length }
    appendFileSync(${JSON.stringify(samplesFile)}, JSON.stringify(line) + '\\n')
  },
}
`

export interface SoakOrder {
  readonly recycles: number
  readonly reloads: number
  readonly sampleEvery: number
  onProgress?(text: string): void
}

export async function soakArbiter({ recycles, reloads, sampleEvery, onProgress = () => undefined }: SoakOrder): Promise<ArbiterSoak> {
  const { running, close } = startShared({
    args: ['app.mjs', '-b', '127.0.0.1:0'],
    files: { 'app.mjs': "export default (request, response) => response.end('ok')\n", 'monoceros.config.mjs': config(sampleEvery) },
  })
  try {
    await running.ready()
    const before = restOf(running)
    const load = startLoad(running.port())
    const gone = counterOf(running, 'worker.gone')
    const reportAt = (count: number) => count % Math.ceil(recycles / 20) === 0 && onProgress(`${count} recycles`)
    await gone.reaches(recycles, reportAt)
    for (let n = 1; n <= reloads; n++) {
      const from = running.lines.length
      running.signal('SIGHUP')
      await running.until('reload.done', undefined, { after: from })
      if (n % 20 === 0) onProgress(`${n} reloads`)
    }
    const { answered, failures } = await load.stop()
    await atRest(running)
    const after = restOf(running)
    return {
      recycles: gone.count(),
      reloads,
      samples: samplesOf(running),
      answered,
      failures,
      rest: [before, after],
      problems: problemsOf(running),
    }
  } finally {
    await close()
  }
}

const clients = 6
const betweenMs = 2

/** Enough for every worker to get its one request soon; each failure counts. */
function startLoad(port: number): { stop(): Promise<{ answered: number; failures: string[] }> } {
  const failures: string[] = []
  let answered = 0
  let isOver = false
  const client = async () => {
    while (!isOver) {
      await ask({ port }).then(
        () => answered++,
        (error: Error) => failures.push(error.message),
      )
      await new Promise((resolve) => setTimeout(resolve, betweenMs))
    }
  }
  const all = Promise.all(Array.from({ length: clients }, client))
  return {
    async stop() {
      isOver = true
      await all
      return { answered, failures }
    },
  }
}

/** Looks only at what is new in the log: a long run has some hundred thousand lines. */
function counterOf(running: Running, event: string) {
  let seen = 0
  let count = 0
  const look = () => {
    for (; seen < running.lines.length; seen++) if (running.lines[seen]?.event === event) count++
    return count
  }
  return {
    count: look,
    async reaches(wanted: number, onMore: (count: number) => void): Promise<void> {
      let lastMs = performance.now()
      for (let before = look(); before < wanted; ) {
        await new Promise((resolve) => setTimeout(resolve, 20))
        const now = look()
        if (now > before) lastMs = performance.now()
        if (performance.now() - lastMs > 60_000) throw new Error(`only ${now} × ${event}, and no more for a minute`)
        for (let n = before + 1; n <= now; n++) onMore(n)
        before = now
      }
    },
  }
}

/** Nobody has a successor under way, and all that were told to go are gone. */
async function atRest(running: Running): Promise<void> {
  const endMs = performance.now() + 30_000
  const count = (event: string) => running.all(event).length
  while (count('worker.booting') - count('worker.gone') !== workers || running.workers().size !== workers) {
    if (performance.now() > endMs) throw new Error('the workers did not come to rest')
    await new Promise((resolve) => setTimeout(resolve, 50))
  }
}

function restOf(running: Running): Rest {
  return { fds: fdsOf(running.pid), processes: running.family().length }
}

const fdsOf = (pid: number) => readdirSync(`/proc/${pid}/fd`).length

function samplesOf(running: Running): Sample[] {
  return readFileSync(join(running.folder, samplesFile), 'utf8')
    .split('\n')
    .filter(Boolean)
    .map((line) => JSON.parse(line) as Sample)
}

/** A recycle is no death, and nothing of it is a warning. */
function problemsOf(running: Running): string[] {
  const unusual = running.lines.filter(({ level }) => !['info', 'debug'].includes(level))
  return [...new Set(unusual.map(({ event, msg }) => `${event}: ${msg}`))]
}
