/** One call of each kind, checked by its caller. The same in the workers of the server and in a process that is none of it. */
import { dirty } from 'monoceros/dirty'

const app = dirty('chaos')
const timeoutMs = 4_000
/** How much later than its timeout a call may settle. */
export const slackMs = 6_000
let calls = 0

/** Each throws when it got what was not meant for it. */
const ways = {
  noop: async () => same(await app.with({ timeoutMs }).noop(), undefined),
  echo: async (nonce) => same(await app.with({ timeoutMs }).echo(nonce), nonce),
  async buffer(nonce) {
    const sent = Buffer.alloc(8_000 + Math.floor(Math.random() * 300_000), `${nonce} `)
    const back = await app.with({ timeoutMs }).echo(sent)
    same(Buffer.compare(sent, back), 0)
  },
  async stream(nonce) {
    let n = 0
    for await (const token of app.with({ timeoutMs }).tokens(nonce, 30)) same(token, `${nonce}:${n++}`)
    same(n, 30)
  },
  async left(nonce) {
    let n = 0
    for await (const token of app.with({ timeoutMs }).tokens(nonce, 1_000_000)) {
      same(token, `${nonce}:${n++}`)
      if (n === 20) break
    }
  },
  async cancelled(nonce) {
    const signal = AbortSignal.timeout(Math.floor(Math.random() * 30))
    same(await app.with({ timeoutMs, signal }).linger(nonce, 15), nonce)
  },
  work: async (nonce) => same(await app.with({ timeoutMs }).work(nonce, Math.random() * 8), nonce),
  late: async (nonce) => same(await app.with({ timeoutMs: 40 }).linger(nonce, 30_000), nonce),
}
/** What has nothing to do with these calls is no answer to them. */
const usual = ['MON_DIRTY_TIMEOUT', 'MON_DIRTY_WORKER_LOST', 'MON_DIRTY_CONNECTION', 'MON_DIRTY_CLOSING']

function same(got, wanted) {
  if (!Object.is(got, wanted)) throw new Error(`got ${String(got).slice(0, 80)} instead of ${String(wanted).slice(0, 80)}`)
}

/** @returns what became of a call of a kind taken at random; `problem` is null when that may be */
export async function callOnce() {
  const names = Object.keys(ways)
  const kind = names[Math.floor(Math.random() * names.length)]
  const nonce = `${process.pid}.${++calls}.${Math.random()}`
  const startedMs = performance.now()
  let timer
  const unsettled = new Promise((resolve) => {
    timer = setTimeout(resolve, timeoutMs + slackMs, { outcome: 'unsettled', problem: `${kind} has not settled` })
  })
  const settled = ways[kind](nonce).then(
    () => ({ outcome: 'answered', problem: null }),
    (error) => judged(kind, error),
  )
  const { outcome, problem } = await Promise.race([settled, unsettled])
  clearTimeout(timer)
  return { kind, outcome, problem, lateMs: Math.max(0, Math.round(performance.now() - startedMs - timeoutMs)) }
}

function judged(kind, error) {
  const isUsual = usual.includes(error.code) || (kind === 'cancelled' && error.code === 'MON_DIRTY_CANCELLED')
  return { outcome: error.code ?? error.name, problem: isUsual ? null : `${kind}: ${error.message}` }
}
