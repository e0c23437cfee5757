/** Faults of handlers under gthread, the ways in which a client can meet them, and the other clients of the same worker. */
import http from 'node:http'
import { setTimeout as pause } from 'node:timers/promises'
import { expect, onTestFinished } from 'vitest'
import { ask } from './client.ts'
import { exchange } from './contract/talk.ts'
import { type LogLine, type Running, start } from './harness.ts'

/** Each path is a fault; every other path is answered with the pid and the number of the thread. */
export const faultyApp = `
const { execSync } = require('node:child_process')
const { pbkdf2Sync } = require('node:crypto')
const { writeSync } = require('node:fs')
const { threadId } = require('node:worker_threads')

function spinForEver() {
  for (;;) Math.random()
}
const kept = []
const keep = (mib) => kept.push(new Array(mib * 131_072).fill(0.5))
function fillTheHeap() {
  for (;;) keep(1)
}
const faults = {
  '/spin': spinForEver,
  '/fill': fillTheHeap,
  // A list too long for V8: it ends the whole process, and asks nobody.
  '/abort': () => void setTimeout(() => 'x'.repeat(2 ** 28).split(''), 1_500),
  '/exit': () => process.exit(3),
  '/throw-later': () => void setTimeout(() => { throw new TypeError('thrown in a timer') }, 20),
  '/reject': () => void Promise.reject(new RangeError('rejected by nobody')),
  '/answer-and-throw': (req, res) => {
    res.end('answered')
    setTimeout(() => { throw new TypeError('thrown after the answer') }, 20)
  },
  '/begin-and-exit': (req, res) => res.write('half', () => setTimeout(() => process.exit(3), 20)),
  '/begin-and-never': (req, res) => void res.write('half'),
  '/never': (req) => req.on('aborted', () => say('app.aborted')),
  '/exec': () => execSync('sleep 60'),
  '/hash': () => pbkdf2Sync('secret', 'salt', 2e9, 64, 'sha512'),
}
const say = (event) => writeSync(2, JSON.stringify({ event, threadId }) + '\\n')
module.exports = (req, res) => {
  const path = req.url.split('?')[0]
  const fault = faults[path]
  if (fault !== undefined) {
    say('app.faulty')
    return fault(req, res)
  }
  if (path === '/leak') {
    keep(Number(req.url.split('?')[1]))
    return res.end('kept')
  }
  if (path === '/unread') return res.end('not read')
  if (path === '/late') return req.resume().on('end', () => setTimeout(() => res.end('late'), 500))
  if (path === '/echo') return req.pipe(res)
  res.end(process.pid + ' ' + threadId)
}
`

/** One worker, whose app has the faults above. */
export async function faulty(...args: readonly string[]): Promise<Running> {
  const server = start({
    args: ['./app.cjs', '-k', 'gthread', '-b', '127.0.0.1:0', '--log-level', 'debug', ...args],
    files: { 'app.cjs': faultyApp },
  })
  await server.ready()
  return server
}

export const workerOf = (server: Running): number => server.workers().get(0) as number

/** What a client that meets a fault was answered, to it and to the requests before and after it on its way. */
export interface Met {
  readonly fault: number
  readonly others: readonly number[]
}

export type Way = (port: number, path: string) => Promise<Met>

/** How the request that meets the fault comes. */
export const ways: readonly (readonly [name: string, way: Way])[] = [
  ['on a fresh connection', async (port, path) => ({ fault: (await ask({ port, path })).status, others: [] })],
  [
    'on a connection that was used before, and is used again',
    async (port, path) => {
      const agent = new http.Agent({ keepAlive: true, maxSockets: 1 })
      onTestFinished(() => agent.destroy())
      const statuses: number[] = []
      for (const each of ['/before', path, '/after']) statuses.push((await ask({ port, path: each, agent })).status)
      const [before = 0, fault = 0, after = 0] = statuses
      return { fault, others: [before, after] }
    },
  ],
  [
    'pipelined behind others and before others',
    async (port, path) => {
      const paths = ['/before', '/before', path, '/after', '/after']
      const sent = paths.map((each) => `GET ${each} HTTP/1.1\r\nHost: a\r\n\r\n`).join('')
      const { answers } = await exchange({ host: '127.0.0.1', port }, sent, { count: paths.length })
      const statuses = answers.map(({ status }) => status)
      return { fault: statuses[2] ?? 0, others: statuses.filter((_, index) => index !== 2) }
    },
  ],
]

/** Clients that have nothing to do with a fault: every one of them is answered, whatever goes on beside. */
export function crowd(port: number) {
  const problems: string[] = []
  let answered = 0
  let isOver = false
  const client = async (agent?: http.Agent) => {
    while (!isOver) {
      await ask({ port, path: '/crowd', ...(agent === undefined ? {} : { agent }) }).then(
        ({ status, body }) => (status === 200 ? answered++ : problems.push(`${status} ${body}`)),
        (error: Error) => problems.push(error.message),
      )
      await pause(10)
    }
  }
  const agent = new http.Agent({ keepAlive: true, maxSockets: 1 })
  const all = Promise.all([client(), client(agent)])
  const stop = async () => {
    isOver = true
    await all
    agent.destroy()
    return { answered, problems }
  }
  onTestFinished(async () => void (await stop()))
  return {
    /** So many more have been answered from now on. */
    async goesOn(count = 10) {
      const before = answered
      while (answered < before + count && problems.length === 0) await pause(5)
    },
    stop,
  }
}

/** The requests that a line of the log names. */
export const requestsIn = (line: LogLine): readonly string[] => (line['requests'] as { path: string }[]).map(({ path }) => path)

/** The worker is the one that it was, and does its work. */
export async function serves(server: Running, pid: number): Promise<void> {
  for (let n = 0; n < 4; n++) {
    const answer = await ask({ port: server.port() })
    expect([answer.status, answer.body.split(' ')[0]]).toEqual([200, String(pid)])
  }
  expect(server.all('worker.died')).toEqual([])
}
