/** One call of each kind, checked by its caller. The same in workers of every class and in a process that is none of them. */
import { setTimeout as pause } from 'node:timers/promises'
import { dirty, proxy } from 'monoceros/dirty'

// Servers beside the one that has the pool are told where it is.
const app = dirty('chaos', { socket: process.env.CHAOS_SOCKET })
const timeoutMs = 4_000
/** How much later than its timeout a call may settle. */
export const slackMs = 6_000
let calls = 0

const upTo = (most) => Math.floor(Math.random() * most)

/** Each throws when it got what was not meant for it. */
const ways = {
  noop: async () => same(await app.with({ timeoutMs }).noop(), undefined),
  echo: async (nonce) => same(await app.with({ timeoutMs }).echo(nonce), nonce),
  async buffer(nonce) {
    const sent = Buffer.alloc(8_000 + upTo(300_000), `${nonce} `)
    const back = await app.with({ timeoutMs }).echo(sent)
    same(Buffer.compare(sent, back), 0)
  },
  stream: (nonce) => read(app.with({ timeoutMs }).tokens(nonce, 30), nonce, 30),
  left: (nonce) => leave(app.with({ timeoutMs }).tokens(nonce, 1_000_000), nonce, 1 + upTo(60)),
  async slow(nonce) {
    let n = 0
    const padding = ' '.repeat(20_000)
    for await (const token of app.with({ timeoutMs }).tokens(nonce, 100, padding)) {
      same(token, `${nonce}:${n++}${padding}`)
      if (n % 10 === 0) await pause(upTo(5))
    }
    same(n, 100)
  },
  async cancelled(nonce) {
    const signal = AbortSignal.timeout(upTo(30))
    same(await app.with({ timeoutMs, signal }).linger(nonce, 15), nonce)
  },
  work: async (nonce) => same(await app.with({ timeoutMs }).work(nonce, Math.random() * 8), nonce),
  late: async (nonce) => same(await app.with({ timeoutMs: 40 }).linger(nonce, 30_000), nonce),
  // Given up while its thread cannot hear it, which it outlasts.
  async cancelledAtWork(nonce) {
    const stop = new AbortController()
    const begun = proxy(() => void setTimeout(() => stop.abort(), upTo(20)))
    same(await app.with({ timeoutMs, signal: stop.signal }).workHeard(nonce, 40, begun), nonce)
  },
  nested: async (nonce) => same(await app.with({ timeoutMs }).relay(nonce), nonce),
  ring: async (nonce) => same(await app.with({ timeoutMs }).ring(nonce), nonce),
  nestedStream: (nonce) => read(app.with({ timeoutMs }).relayTokens(nonce, 20), nonce, 20),
  nestedCalls: (nonce) => read(app.with({ timeoutMs }).askTokens(nonce, 10), nonce, 10),
  nestedCallsLeft: (nonce) => leave(app.with({ timeoutMs }).askTokens(nonce, 1_000_000), nonce, 1 + upTo(10)),
  nestedLeft: (nonce) => leave(app.with({ timeoutMs }).relayTokens(nonce, 1_000_000), nonce, 1 + upTo(40)),
  async callbacks(nonce) {
    const answer = proxy(async (n) => {
      if (n % 2 === 1) await pause(1)
      return `${nonce}:${n}`
    })
    same(await app.with({ timeoutMs }).ask(nonce, 5, answer), nonce)
  },
  async callbackFails(nonce) {
    const fail = proxy(() => {
      throw new Error(nonce)
    })
    same(await app.with({ timeoutMs }).askInVain(fail), nonce)
  },
  async cancelledInCallback(nonce) {
    const stop = new AbortController()
    const silent = proxy(() => new Promise(() => void setTimeout(() => stop.abort(), upTo(10))))
    same(await app.with({ timeoutMs, signal: stop.signal }).ask(nonce, 1, silent), nonce)
  },
  async keyed(nonce) {
    const calls = app.with({ timeoutMs, key: nonce })
    const place = await calls.keep(nonce, nonce)
    const [nextPlace, kept] = await calls.take(nonce)
    if (nextPlace !== place) throw Object.assign(new Error('a key has moved'), { code: 'moved' })
    same(kept, nonce)
  },
}

/** What has nothing to do with these calls is no answer to them. */
const usual = ['MON_DIRTY_TIMEOUT', 'MON_DIRTY_WORKER_LOST', 'MON_DIRTY_CONNECTION', 'MON_DIRTY_CLOSING', 'moved']

async function read(stream, nonce, count) {
  let n = 0
  for await (const token of stream) same(token, `${nonce}:${n++}`)
  same(n, count)
}

async function leave(stream, nonce, after) {
  let n = 0
  for await (const token of stream) {
    same(token, `${nonce}:${n++}`)
    if (n === after) break
  }
}

function same(got, wanted) {
  if (!Object.is(got, wanted)) throw new Error(`got ${String(got).slice(0, 80)} instead of ${String(wanted).slice(0, 80)}`)
}

/** @returns what became of a call of a kind taken at random; `problem` is null when that may be */
export async function callOnce() {
  const names = Object.keys(ways)
  const kind = names[upTo(names.length)]
  const nonce = `${process.pid}.${++calls}.${Math.random()}`
  const startedMs = performance.now()
  let timer
  // Two calls follow each other under a key.
  const limitMs = timeoutMs * (kind === 'keyed' ? 2 : 1)
  const unsettled = new Promise((resolve) => {
    timer = setTimeout(resolve, limitMs + slackMs, { outcome: 'unsettled', problem: `${kind} has not settled` })
  })
  const settled = ways[kind](nonce).then(
    () => ({ outcome: 'answered', problem: null }),
    (error) => judged(kind, error),
  )
  const { outcome, problem } = await Promise.race([settled, unsettled])
  clearTimeout(timer)
  return { kind, outcome, problem, lateMs: Math.max(0, Math.round(performance.now() - startedMs - limitMs)) }
}

function judged(kind, error) {
  // What an app is told that calls another is what its caller is told as the cause.
  let cause = error
  if (kind === 'ring' || kind.startsWith('nested')) while (cause.code === 'MON_DIRTY_APP' && cause.cause !== undefined) cause = cause.cause
  const { code } = cause
  const isUsual =
    usual.includes(code) ||
    (code === 'MON_DIRTY_CANCELLED' && kind.startsWith('cancelled')) ||
    (code === 'MON_DIRTY_DEADLOCK' && kind === 'ring')
  return { outcome: code ?? error.name, problem: isUsual ? null : `${kind}: ${error.message}` }
}
