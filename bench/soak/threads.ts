/** Workers of class gthread whose handlers and clients do wrong without end; what of it stays in the workers. */
import { readdirSync } from 'node:fs'
import http from 'node:http'
import net from 'node:net'
import { setTimeout as pause } from 'node:timers/promises'
import { ask } from '../../test/support/client.ts'
import { faultyApp } from '../../test/support/faults.ts'
import { type Running, startShared } from '../../test/support/harness.ts'

export interface ThreadsOrder {
  readonly faults: number
  readonly workers: number
  /** How often within the run a worker is let come to rest, and looked at. */
  readonly samples: number
  onProgress?(text: string): void
}

/** What one worker has, at rest and after a garbage collection. */
export interface Held {
  readonly faults: number
  readonly threads: number
  readonly fds: number
  /** Of its main thread, memory that is shared with its threads included. */
  readonly heapKiB: number
  readonly rssKiB: number
}

export interface ThreadsSoak {
  readonly faults: number
  /** By how they ended. */
  readonly ended: Readonly<Record<string, number>>
  /** Of each worker, in time. */
  readonly held: readonly (readonly Held[])[]
  readonly problems: readonly string[]
}

const threads = 2
/** More deaths than this in ten seconds, and a pool waits longer and longer before it starts another thread. */
const deathsMax = 9
const periodMs = 10_500

/** This hook runs in the main thread, which holds what a thread has left behind. */
const collecting = `
import { writeSync } from 'node:fs'
import { setFlagsFromString } from 'node:v8'
import { runInNewContext } from 'node:vm'

setFlagsFromString('--expose-gc')
const collect = runInNewContext('gc')
export default {
  async preRequest(worker, req) {
    if (req.url !== '/collect') return
    // What the end of a port or a thread frees is garbage of the next turn.
    for (let turn = 0; turn < 3; turn++) {
      collect()
      await new Promise((resolve) => setTimeout(resolve, 20))
    }
    const { heapUsed, arrayBuffers, rss } = process.memoryUsage()
    const held = { heapKiB: Math.round((heapUsed + arrayBuffers) / 1024), rssKiB: Math.round(rss / 1024) }
    writeSync(2, JSON.stringify({ event: 'app.held', from: process.pid, ...held }) + '\\n')
  },
}
`

interface Fault {
  readonly isDeath: boolean
  meet(to: Connection): Promise<void>
}

/** A connection to one worker. */
interface Connection {
  readonly port: number
  readonly agent: http.Agent
}

export async function soakThreads({ faults, workers, samples, onProgress = () => undefined }: ThreadsOrder): Promise<ThreadsSoak> {
  const { running, close } = startShared({
    args: ['./app.cjs', '-k', 'gthread', '--threads', String(threads), '-w', String(workers), '-b', '127.0.0.1:0', ...options],
    files: { 'app.cjs': faultyApp, 'monoceros.config.mjs': collecting },
  })
  try {
    await running.ready()
    const pids = [...running.workers().values()]
    const each = Math.ceil(faults / workers)
    const problems: string[] = []
    const held = await Promise.all(pids.map((pid, index) => soakOne(running, pid, index, { each, samples, problems, onProgress })))
    if ([...running.workers().values()].join() !== pids.join()) problems.push('a worker has ended')
    const ended = Object.fromEntries(ends.map((event) => [event, running.all(event).length]))
    return { faults: each * workers, ended, held, problems: [...problems, ...unusual(running)] }
  } finally {
    await close()
  }
}

const options = ['--timeout', '1', '--thread-max-requests', '100', '--log-level', 'debug', '--graceful-timeout', '5']
const ends = ['thread.died', 'thread.killed', 'thread.gone']

interface Share {
  readonly each: number
  readonly samples: number
  readonly problems: string[]
  onProgress(text: string): void
}

async function soakOne(running: Running, pid: number, index: number, { each, samples, problems, onProgress }: Share): Promise<Held[]> {
  const to = await connectTo(running.port(), pid)
  const deathsMs: number[] = []
  const held: Held[] = [await atRest(running, pid, to, 0)]
  const [onlyOnce, ...rest] = lethal
  for (let count = 1; count <= each; count++) {
    const isDeath = count % 4 === 0
    const kinds = isDeath ? (count % 100 === 0 ? [onlyOnce] : rest) : harmless
    const fault = kinds[Math.floor(count / (isDeath ? 4 : 1)) % kinds.length] as Fault
    if (isDeath) await paced(deathsMs)
    await fault.meet(to).catch((error: Error) => void problems.push(`fault ${count}: ${error.message}`))
    const { status } = await ask({ ...to, path: '/after' })
    if (status !== 200) problems.push(`fault ${count}: the next request got ${status}`)
    if (count % Math.ceil(each / samples) === 0 || count === each) {
      const now = await atRest(running, pid, to, count)
      held.push(now)
      onProgress(`worker ${index}: ${JSON.stringify(now)}`)
    }
  }
  to.agent.destroy()
  return held
}

async function paced(deathsMs: number[]): Promise<void> {
  const waitMs = (deathsMs.at(-deathsMax) ?? Number.NEGATIVE_INFINITY) + periodMs - performance.now()
  if (waitMs > 0) await pause(waitMs)
  deathsMs.push(performance.now())
}

/** Whoever accepts first has it: it is tried until that is the one. */
async function connectTo(port: number, pid: number): Promise<Connection> {
  for (let tries = 0; tries < 1_000; tries++) {
    const agent = new http.Agent({ keepAlive: true, maxSockets: 1 })
    const { body } = await ask({ port, agent, path: '/who' })
    if (body.startsWith(`${pid} `)) return { port, agent }
    agent.destroy()
  }
  throw new Error(`worker ${pid} takes no connection`)
}

const expectStatus = (path: string, wanted: number, body?: Buffer) => async (to: Connection) => {
  const { status } = await ask({ ...to, path, ...(body === undefined ? {} : { method: 'POST', body }) })
  if (status !== wanted) throw new Error(`${path} got ${status}`)
}

/** A client with a connection of its own, who leaves once it has heard something, or after a moment. */
const leaving = (sent: string, isHeard: boolean) => (to: Connection) =>
  new Promise<void>((resolve, reject) => {
    const socket = net.connect(to.port, '127.0.0.1', () => socket.write(sent))
    const timer = setTimeout(
      () => (isHeard ? reject(new Error(`nothing was heard of ${sent.slice(0, 20)}`)) : socket.destroy()),
      isHeard ? 20_000 : 20,
    )
    socket.on('data', () => socket.destroy())
    socket.on('error', () => undefined) // it is closed
    socket.on('close', () => {
      clearTimeout(timer)
      resolve()
    })
  })

const head = (method: string, path: string, bytes = 0) => `${method} ${path} HTTP/1.1\r\nHost: a\r\nContent-Length: ${bytes}\r\n\r\n`

const lethal: readonly Fault[] = [
  { isDeath: true, meet: expectStatus('/spin', 504) },
  { isDeath: true, meet: expectStatus('/exit', 502) },
  { isDeath: true, meet: expectStatus('/throw-later', 502) },
  { isDeath: true, meet: expectStatus('/reject', 502) },
]
const harmless: readonly Fault[] = [
  { isDeath: false, meet: expectStatus('/unread', 200, Buffer.alloc(300_000)) },
  { isDeath: false, meet: leaving(head('GET', '/never'), false) },
  { isDeath: false, meet: leaving('GET / HTTP/1.1\r\nHost', false) },
  { isDeath: false, meet: leaving(`${head('POST', '/echo', 500_000)}${'x'.repeat(200_000)}`, true) },
  { isDeath: false, meet: leaving(`${head('POST', '/late', 500_000)}${'x'.repeat(200_000)}`, false) },
  { isDeath: false, meet: leaving(head('GET', '/begin-and-never'), true) },
]

/** The threads that are due are ready, and the connections that were left are closed. */
async function atRest(running: Running, pid: number, to: Connection, faults: number): Promise<Held> {
  let before = ''
  for (let equal = 0; equal < 5; ) {
    await pause(100)
    const isWhole = count(running, pid, ['thread.ready']) - count(running, pid, ends) === threads
    const now = JSON.stringify([isWhole, numberOf(pid, 'task'), numberOf(pid, 'fd')])
    equal = isWhole && now === before ? equal + 1 : 0
    before = now
  }
  const after = running.lines.length
  await ask({ ...to, path: '/collect' })
  const { heapKiB, rssKiB } = (await running.until('app.held', { from: pid }, { after })) as unknown as Held
  return { faults, threads: numberOf(pid, 'task'), fds: numberOf(pid, 'fd'), heapKiB, rssKiB }
}

const numberOf = (pid: number, what: 'task' | 'fd') => readdirSync(`/proc/${pid}/${what}`).length
const count = (running: Running, pid: number, events: readonly string[]) =>
  running.lines.filter((line) => line.pid === pid && events.includes(line.event)).length

const usual = ['thread.died', 'thread.killed', 'thread.requests-lost', 'thread.timeout', 'thread.autopsy', 'request.slow']
function unusual(running: Running): string[] {
  const lines = running.lines.filter(({ level, event }) => ['warning', 'error', 'critical'].includes(level) && !usual.includes(event))
  return [...new Set(lines.map(({ event, msg }) => `${event}: ${msg}`))].slice(0, 20)
}
