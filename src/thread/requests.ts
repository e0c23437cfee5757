/** Runs the requests of a lane in this thread: each gets a genuine request and response, and its answer goes back as bytes. */
import { AsyncResource } from 'node:async_hooks'
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http'
import { bodyBytesOf } from '../http/body-count.ts'
import type { Claims } from '../lanes/claims.ts'
import { unpackHead, unpackTrailers } from '../lanes/head-text.ts'
import { down, headFlags, portionBytes, requestFlags, up } from '../lanes/kinds.ts'
import { inlineMaxBytes, type Line } from '../lanes/line.ts'
import type { Record } from '../lanes/ring.ts'
import { addFields, closeExchange, headOf, isDumped, isLastOf, messageClassesOf, setKeepAliveTimeout } from '../os/http-internals.ts'
import { LaneSocket, type Part } from './lane-socket.ts'
import { emit, endsOf, fillRequest } from './messages.ts'
import { joined } from './parts.ts'

export interface RequestsOptions {
  readonly claims: Claims
  readonly concurrency: number
  readonly keepaliveMs: number
  readonly isBodyCounted: boolean
  /** The app's servers, in the order of their doors. */
  serverOf(door: number): Server | undefined
}

export interface Requests {
  onRecord(record: Record): void
  /** Starts what may be started. */
  run(): void
  /** Called with each response that was ended. */
  onFinish(response: ServerResponse): void
}

interface Entry {
  readonly slot: number
  readonly stamp: number
  readonly flags: number
  readonly door: number
  readonly head: string
  /** What came of the body before the request was started. */
  early: Buffer[]
  trailers: string | null
  isAborted: boolean
  request: IncomingMessage | null
  response: ServerResponse | null
  socket: LaneSocket | null
  /** Pushed into the request and not yet reported as taken, because its buffer is full. */
  untakenBytes: number
  takenBytes: number
}

/** The main thread looks by itself after a millisecond; sooner, it need not be woken for each answer. */
const ringEveryMs = 0.3
/** So long the requests of one batch may keep the loop from what else waits in it. */
const batchMaxMs = 5
const usualKeepAliveMs = createServer().keepAliveTimeout
const key = Symbol('monoceros.entry')
type Keyed = ServerResponse & { [key]?: Entry }

export function createRequests(line: () => Line, options: RequestsOptions): Requests {
  const { claims, concurrency, keepaliveMs, isBodyCounted } = options
  const entries: (Entry | undefined)[] = []
  let pending: Entry[] = []
  let running = 0
  let isRunning = false
  let isScheduled = false
  /** The request that is being started is the last of its batch. */
  let isLastStarted = false
  let rungMs = 0

  function find(record: Record): Entry | undefined {
    const entry = entries[record.slot]
    return entry?.stamp === record.stamp ? entry : undefined
  }

  function onRecord(record: Record): void {
    switch (record.kind) {
      case down.request: {
        const entry: Entry = {
          slot: record.slot,
          stamp: record.stamp,
          flags: record.a,
          door: record.b,
          head: line().textOf(record),
          early: [],
          trailers: null,
          isAborted: false,
          request: null,
          response: null,
          socket: null,
          untakenBytes: 0,
          takenBytes: 0,
        }
        entries[record.slot] = entry
        pending.push(entry)
        break
      }
      case down.body: {
        const entry = find(record)
        if (entry === undefined) break
        const bytes = line().bytesOf(record)
        if (entry.request === null) entry.early.push(bytes)
        else pushBody(entry, bytes)
        break
      }
      case down.bodyEnd: {
        const entry = find(record)
        if (entry === undefined) break
        entry.trailers = line().textOf(record)
        if (entry.request !== null) endBody(entry)
        break
      }
      case down.sent:
        find(record)?.socket?.onSent(record.a)
        break
      case down.abort: {
        const entry = find(record)
        if (entry === undefined) break
        entry.isAborted = true
        entry.socket?.destroy()
        break
      }
    }
  }

  function run(): void {
    isScheduled = false
    if (isRunning) return
    isRunning = true
    const startedMs = performance.now()
    rungMs = startedMs
    let taken = 0
    try {
      while (running < concurrency && taken < pending.length) {
        const entry = pending[taken++]!
        if (!claims.claim(entry.slot, entry.stamp)) {
          // Taken back, and what came of its body with it; the slot may already be another's.
          if (entries[entry.slot] === entry) entries[entry.slot] = undefined
          continue
        }
        isLastStarted = taken === pending.length
        start(entry)
        const now = performance.now()
        if (now - rungMs > ringEveryMs) {
          line().ring()
          rungMs = now
        }
        if (now - startedMs > batchMaxMs) break
      }
    } finally {
      isRunning = false
      pending = taken === pending.length ? [] : pending.slice(taken)
      line().ring()
      if (pending.length > 0 && running < concurrency) setImmediate(runOutside)
    }
  }

  /** What an app keeps for one request (AsyncLocalStorage) is not there when the next one starts. */
  const outside = new AsyncResource('MONOCEROSLANE')
  const runOutside = () => outside.runInAsyncScope(run)

  /** From inside the app's own call of `end()`: the next request is not its callee. */
  function runSoon(): void {
    if (isRunning || isScheduled || pending.length === 0) return
    isScheduled = true
    process.nextTick(runOutside)
  }

  function start(entry: Entry): void {
    running++
    const server = options.serverOf(entry.door)
    if (entry.isAborted) leave(entry)
    else if (server === undefined) refuse(entry)
    else serve(entry, server)
  }

  function serve(entry: Entry, server: Server): void {
    const fields = unpackHead(entry.head)
    const socket = new LaneSocket(hostOf(entry), endsOf(fields))
    entry.socket = socket
    const { Request, Response } = messageClassesOf(server)
    const request = new Request(socket)
    entry.request = request
    fillRequest(request, fields, entry.flags)
    const response: Keyed = new Response(request)
    entry.response = response
    response[key] = entry
    // What the app has set itself, away from Node's own default, is the app's decision.
    setKeepAliveTimeout(response, server.keepAliveTimeout === usualKeepAliveMs ? keepaliveMs : server.keepAliveTimeout)
    response.shouldKeepAlive = (entry.flags & requestFlags.keepAlive) !== 0
    response.assignSocket(socket)
    for (const bytes of entry.early) pushBody(entry, bytes)
    entry.early = []
    if ((entry.flags & requestFlags.hasBody) === 0) entry.trailers = ''
    if (entry.trailers !== null) endBody(entry)
    new AsyncResource('MONOCEROSREQUEST').runInAsyncScope(emit, undefined, server, request, response, entry.flags)
  }

  function pushBody(entry: Entry, bytes: Buffer): void {
    const { request } = entry
    if (request === null || request.destroyed) return
    const isTaken = isDumped(request) || request.push(bytes)
    if (!isTaken) entry.untakenBytes += bytes.byteLength
    else report(entry, bytes.byteLength)
  }

  function report(entry: Entry, bytes: number): void {
    entry.takenBytes += bytes
    if (entry.takenBytes < portionBytes) return
    line().send(up.taken, entry.slot, entry.stamp, entry.takenBytes)
    line().ring()
    entry.takenBytes = 0
  }

  function endBody(entry: Entry): void {
    const { request, trailers } = entry
    if (request === null || trailers === null) return
    request.complete = true
    if (trailers !== '') addFields(request, unpackTrailers(trailers))
    request.push(null)
  }

  function hostOf(entry: Entry) {
    return {
      onBytes: (parts: readonly Part[], what: 'inform' | 'head' | 'body') => sendParts(entry, parts, what),
      onResume() {
        if (entry.untakenBytes === 0) return
        const bytes = entry.untakenBytes
        entry.untakenBytes = 0
        report(entry, bytes)
      },
      onDestroyed() {
        if (entries[entry.slot] !== entry) return
        const { request, response } = entry
        if (!entry.isAborted) line().send(up.cut, entry.slot, entry.stamp, isBodyCounted && response !== null ? bodyBytesOf(response) : 0)
        leave(entry)
        // As for a real connection: after its own close, everything on it is cut short.
        process.nextTick(() => {
          if (request !== null && (!request.complete || response?.writableFinished !== true)) request.destroy(aborted())
        })
      },
    }
  }

  function sendParts(entry: Entry, parts: readonly Part[], what: 'inform' | 'head' | 'body'): void {
    const { slot, stamp, response } = entry
    let kind: number = up[what]
    let a = 0
    let b = 0
    if (what === 'head' && response !== null) {
      const head = headOf(response) ?? ''
      const first = parts[0]!
      // A text that goes as UTF-8 takes its head along.
      a = first.encoding === 'utf8' ? Buffer.byteLength(head) : head.length
      b = response.statusCode | (isLastOf(response) ? headFlags.isLast : 0)
    }
    const send = (bytes: Uint8Array) => {
      line().sendBytes(kind, slot, stamp, a, b, bytes)
      if (kind === up.head) kind = up.body
      a = 0
      b = 0
    }
    for (const { chunk, encoding } of joined(parts)) {
      if (typeof chunk === 'string' && chunk.length * 3 <= inlineMaxBytes && (encoding === 'utf8' || encoding === 'latin1')) {
        line().sendText(kind, slot, stamp, a, b, chunk, encoding)
        if (kind === up.head) kind = up.body
        a = 0
        b = 0
        continue
      }
      const bytes = typeof chunk === 'string' ? Buffer.from(chunk, encoding) : chunk
      // A head that is longer than a piece goes as a whole.
      const first = Math.max(a, inlineMaxBytes)
      send(bytes.subarray(0, first))
      for (let at = first; at < bytes.byteLength; at += inlineMaxBytes) send(bytes.subarray(at, at + inlineMaxBytes))
    }
    // Within a batch it is rung in time; from elsewhere nobody else would.
    if (!isRunning) line().ring()
  }

  /** The request is no longer this thread's affair. */
  function leave(entry: Entry): void {
    if (entries[entry.slot] === entry) entries[entry.slot] = undefined
    running--
    if (entry.isAborted) line().send(up.gone, entry.slot, entry.stamp)
    if (!isRunning) line().ring()
    runSoon()
  }

  /** Its program closed the server that the request was for. */
  function refuse(entry: Entry): void {
    const text = 'HTTP/1.1 503 Service Unavailable\r\nConnection: close\r\nContent-Length: 0\r\n\r\n'
    line().sendText(up.head, entry.slot, entry.stamp, text.length, 503 | headFlags.isLast, text, 'latin1')
    line().send(up.end, entry.slot, entry.stamp)
    leave(entry)
  }

  return {
    onRecord,
    run,
    onFinish(response: Keyed) {
      const entry = response[key]
      if (entry === undefined || entries[entry.slot] !== entry) return
      const { request, socket } = entry
      socket?.flush()
      line().send(up.end, entry.slot, entry.stamp, isBodyCounted ? bodyBytesOf(response) : 0)
      socket?.handOver()
      leave(entry)
      // The handler may go on for long, or for ever, before the batch is over.
      if (isRunning && (isLastStarted || performance.now() - rungMs > ringEveryMs)) line().ring()
      response.once('finish', () => {
        if (request === null || socket === null) return
        closeExchange(request, response, socket)
        if (socket.listenerCount('close') > 0) socket.destroy()
      })
    },
  }
}

function aborted(): Error {
  return Object.assign(new Error('aborted'), { code: 'ECONNRESET' })
}
