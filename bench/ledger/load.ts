/**
 * Who starts me: the ledger's driver, by fork.
 * I expect: an IPC channel; `start` says where the server is.
 * I own: my connections. Each lane sends one request, waits for the whole answer, checks it, and sends the next.
 * I end: when `finish` is fulfilled and the result is sent, or when the driver is gone.
 * Exit codes: 0.
 */
import http from 'node:http'
import type { Socket } from 'node:net'
import type { FromLoad, LoadKind, LoadOptions, Loss, LossPhase, ToLoad } from './protocol.ts'

const answerWithinMs = 15_000
const restMaxMs = 1_500
/** After a loss, so that a server that is down is not hammered. */
const pauseMs = 20
const bodyBytes = 16 * 1024
const page = Buffer.alloc(2_048, 'a page of the ledger ')
const parts = Buffer.concat(Array.from({ length: 4 }, () => page.subarray(0, 512)))

interface Shot {
  readonly id: string
  readonly method: 'GET' | 'POST'
  readonly path: string
  readonly body: Buffer | null
  readonly expected: Buffer
}

interface Line {
  readonly openedAtMs: number
  connectedAtMs: number
  localPort: number | null
  lastPid: number | null
}

const lines = new WeakMap<Socket, Line>()
const losses: Loss[] = []
let done = 0
let ok = 0
let stopAt = Number.POSITIVE_INFINITY

const isOver = () => done >= stopAt
const tell = (message: FromLoad) => void process.send?.(message)
const pause = (ms: number) => new Promise((resolve) => setTimeout(resolve, ms))

/** Mostly bodies of 16 KiB there and back; every answer is different, so that a mixed-up one is seen. */
function shotOf(lane: number, n: number): Shot {
  const id = `${lane}.${n}`
  if (n % 5 === 3) return { id, method: 'GET', path: '/page', body: null, expected: page }
  if (n % 5 === 4) return { id, method: 'GET', path: '/parts', body: null, expected: parts }
  const body = Buffer.alloc(bodyBytes, `${id} `)
  return { id, method: 'POST', path: '/echo', body, expected: body }
}

function keepLine(socket: Socket): void {
  if (lines.has(socket)) return
  const line: Line = { openedAtMs: Date.now(), connectedAtMs: 0, localPort: null, lastPid: null }
  lines.set(socket, line)
  socket.once('connect', () => {
    line.connectedAtMs = Date.now()
    line.localPort = socket.localPort ?? null
  })
}

function fire(shot: Shot, kind: LoadKind, port: number, agent: http.Agent | false): Promise<void> {
  return new Promise((resolve) => {
    const sentAtMs = Date.now()
    let phase: LossPhase = 'connecting'
    let line: Line | undefined
    let isSettled = false
    const settle = (why: string | null) => {
      if (isSettled) return
      isSettled = true
      clearTimeout(timer)
      done++
      if (why === null) ok++
      else
        losses.push({
          id: shot.id,
          kind,
          what: `${shot.method} ${shot.path}`,
          why,
          phase: line === undefined || line.connectedAtMs === 0 ? 'connecting' : phase === 'connecting' ? 'sent' : phase,
          isReused: request.reusedSocket,
          localPort: line?.localPort ?? null,
          openedAtMs: line?.openedAtMs ?? null,
          connectedAtMs: line?.connectedAtMs || null,
          sentAtMs,
          lostAtMs: Date.now(),
          lastPid: line?.lastPid ?? null,
        })
      resolve()
    }
    const headers = { 'x-request': shot.id, ...(shot.body === null ? {} : { 'content-length': shot.body.length }) }
    const request = http.request({ host: '127.0.0.1', port, method: shot.method, path: shot.path, headers, agent })
    const timer = setTimeout(() => {
      settle(`no answer within ${answerWithinMs} ms`)
      request.destroy()
    }, answerWithinMs)
    request.on('socket', (socket) => {
      keepLine(socket)
      line = lines.get(socket)
    })
    request.on('error', (error: NodeJS.ErrnoException) => settle(error.code ?? error.message))
    request.on('response', (response) => {
      phase = 'head'
      const pid = Number(response.headers['x-pid'])
      if (line !== undefined && pid > 0) line.lastPid = pid
      const chunks: Buffer[] = []
      response.on('data', (chunk: Buffer) => chunks.push(chunk))
      response.on('error', (error: NodeJS.ErrnoException) => settle(`cut: ${error.code ?? error.message}`))
      response.on('end', () => {
        phase = 'answered'
        if (response.statusCode !== 200) settle(`status ${response.statusCode}`)
        else if (!Buffer.concat(chunks).equals(shot.expected)) settle(`wrong body (${Buffer.concat(chunks).length} bytes)`)
        else settle(null)
      })
    })
    request.end(shot.body ?? undefined)
  })
}

async function runLane(lane: number, kind: LoadKind, port: number): Promise<void> {
  const agent = kind === 'fresh' ? false : new http.Agent({ keepAlive: true, maxSockets: 1 })
  for (let n = 0; !isOver(); n++) {
    const lost = losses.length
    await fire(shotOf(lane, n), kind, port, agent)
    if (losses.length > lost) await pause(pauseMs)
    if (kind === 'resting') await rest(Math.random() * restMaxMs)
  }
  if (agent !== false) agent.destroy()
}

/** Not for longer than the load goes on. */
async function rest(forMs: number): Promise<void> {
  const untilMs = Date.now() + forMs
  while (!isOver() && Date.now() < untilMs) await pause(Math.min(50, untilMs - Date.now()))
}

async function run({ port, fresh, kept, resting }: LoadOptions): Promise<void> {
  const kinds: LoadKind[] = [...Array(fresh).fill('fresh'), ...Array(kept).fill('kept'), ...Array(resting).fill('resting')]
  const timer = setInterval(() => tell({ type: 'progress', done }), 20)
  await Promise.all(kinds.map((kind, lane) => runLane(lane, kind, port)))
  clearInterval(timer)
  process.send?.({ type: 'result', result: { requests: done, ok, losses } } satisfies FromLoad, () => process.disconnect?.())
}

process.on('message', (message: ToLoad) => {
  if (message.type === 'start') void run(message.options)
  else stopAt = done + message.after
})
process.on('disconnect', () => process.exit())
