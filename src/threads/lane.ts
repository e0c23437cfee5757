/** A lane as the main thread sees it: the requests that one thread has, and what comes back for them. */

import type { MessagePort } from 'node:worker_threads'
import { type Claims, claimsIn, stampMask } from '../lanes/claims.ts'
import { packEnds, packHead, packTrailers } from '../lanes/head-text.ts'
import { down, up } from '../lanes/kinds.ts'
import { createLaneMemory, type LaneMemory, type VitalsPage, vitalsIn } from '../lanes/lane-memory.ts'
import { inlineMaxBytes, type Line, openLine } from '../lanes/line.ts'
import type { Record } from '../lanes/ring.ts'
import type { Exchange, Holder } from './exchange.ts'
import { answerInstead, cutReply, endReply, passBytes, passHead, textMaxBytes } from './reply.ts'

export interface LaneOptions {
  readonly lane: number
  readonly concurrency: number
  /** The heads of answers are asked for later: by the access log, or a hook. */
  readonly isHeadKept: boolean
  readonly ports: { readonly bell: MessagePort; readonly freight: MessagePort }
  readonly nowMs: () => number
  /** Places have come free. */
  onProgress(lane: Lane): void
}

/**
 * How many requests a busy thread is given ahead, to be claimed without asking. What is taken back was work for nothing on
 * both sides: a thread that stood still gets half as many from then on, and with each answer a little more.
 */
const aheadMax = 16
const aheadMin = 1
const aheadStep = 0.25

type Keyed = { [endsKey]?: string }
const endsKey = Symbol('monoceros.ends')

export class Lane implements Holder {
  readonly number: number
  readonly memory: LaneMemory
  readonly vitals: VitalsPage
  /** Requests that the thread has, those ahead included. */
  inFlight = 0
  /** Requests that it has answered or given up. */
  handled = 0
  /** It has left the pool: it is given nothing any more. */
  isLeaving = false
  idleSinceMs: number
  readonly #line: Line
  readonly #claims: Claims
  readonly #concurrency: number
  readonly #options: LaneOptions
  readonly #exchanges: (Exchange | undefined)[]
  readonly #free: number[]
  #nextStamp = 1
  #handledSeen = 0
  #isEnded = false
  #ahead = aheadMin
  #isStalled = false

  constructor(options: LaneOptions) {
    const slots = options.concurrency + aheadMax
    this.#options = options
    this.#concurrency = options.concurrency
    this.number = options.lane
    this.memory = createLaneMemory(slots)
    this.vitals = vitalsIn(this.memory.vitals)
    this.#claims = claimsIn(this.memory.claims)
    this.#exchanges = new Array(slots).fill(undefined)
    this.#free = Array.from({ length: slots }, (_, index) => slots - 1 - index)
    this.idleSinceMs = options.nowMs()
    this.#line = openLine({
      outgoing: this.memory.down,
      incoming: this.memory.up,
      ...options.ports,
      onRecord: (record) => this.#onRecord(record),
      onRead: () => options.onProgress(this),
    })
  }

  get hasPlace(): boolean {
    return this.inFlight < this.#concurrency && !this.isLeaving
  }
  get hasPlaceAhead(): boolean {
    return !this.#isStalled && !this.isLeaving && this.inFlight < this.#concurrency + Math.floor(this.#ahead)
  }
  get hasAhead(): boolean {
    return this.inFlight > this.#concurrency
  }

  /**
   * It did not get on lately, and has not looked at its line since: it is given only what no other has a place for. One that
   * has looked may only have been late, and would never be given what shows it.
   */
  get isStalled(): boolean {
    return this.#isStalled && this.#line.isUnread
  }
  /** When it was given the oldest of the requests that it has not begun. */
  get unbegunSinceMs(): number | null {
    let sinceMs: number | null = null
    if (this.inFlight === 0) return sinceMs
    for (const exchange of this.#exchanges) {
      if (exchange === undefined || (sinceMs !== null && exchange.startedMs >= sinceMs)) continue
      if (this.#claims.isOffered(exchange.slot, exchange.stamp)) sinceMs = exchange.startedMs
    }
    return sinceMs
  }

  /** It has a place for it; the bell is rung by `ring`. */
  give(exchange: Exchange): void {
    const { req, flags, door } = exchange
    const slot = this.#free.pop()!
    const stamp = this.#nextStamp
    this.#nextStamp = (stamp + 1) & stampMask
    exchange.holder = this
    exchange.slot = slot
    exchange.stamp = stamp
    exchange.startedMs = this.#options.nowMs()
    exchange.movedMs = exchange.startedMs
    this.#exchanges[slot] = exchange
    this.inFlight++
    this.#claims.offer(slot, stamp)
    const head = packHead(req.method ?? '', req.url ?? '', endsOf(req.socket), req.rawHeaders)
    this.#line.sendText(down.request, slot, stamp, flags, door, head, 'latin1')
    exchange.readBody()
  }

  ring(): void {
    this.#line.ring()
  }

  /** `read` will be called in this turn of the loop: until then the thread need not ring. */
  stayAwake(): void {
    this.#line.stayAwake()
  }

  /** Reads what has come; the bell may not have been rung for it yet. */
  read(): void {
    while (this.#line.read(1_000)) {
      // What is left at the limit is read at once: whoever asks wants to know where it stands.
    }
  }

  /** Nothing was finished since this was last asked: what it has not begun is given back, in order. */
  takeBackIfStill(): Exchange[] {
    const isStill = this.handled === this.#handledSeen
    this.#handledSeen = this.handled
    if (!isStill || !this.hasAhead) return []
    this.#ahead = Math.max(aheadMin, this.#ahead / 2)
    return this.strand()
  }

  /** It has not begun what it has a place for: that is given back. */
  strand(): Exchange[] {
    this.#isStalled = true
    return this.takeBack()
  }

  /** Takes back what the thread has not begun, in the order in which it was given. */
  takeBack(): Exchange[] {
    const back: Exchange[] = []
    for (const exchange of this.#exchanges) {
      if (exchange === undefined || !this.#claims.takeBack(exchange.slot, exchange.stamp)) continue
      this.#release(exchange)
      back.push(exchange)
    }
    return back.sort((a, b) => a.queuedMs - b.queuedMs)
  }

  /** What the thread has begun, with those that are only ahead of it. */
  held(): Exchange[] {
    return this.#exchanges.filter((exchange): exchange is Exchange => exchange !== undefined)
  }

  /**
   * The thread is gone, or counts as gone: whatever it has not begun can be given to another one.
   * @returns those, and the ones that it was at work on
   */
  end(): { unbegun: Exchange[]; begun: Exchange[] } {
    if (!this.#isEnded) this.read()
    this.#isEnded = true
    this.isLeaving = true
    const unbegun = this.takeBack()
    const begun = this.held()
    for (const exchange of begun) this.#release(exchange)
    this.#line.close()
    return { unbegun, begun }
  }

  sendBody(exchange: Exchange, bytes: Uint8Array): void {
    if (exchange.isOver) return
    exchange.movedMs = this.#options.nowMs()
    for (let at = 0; at < bytes.byteLength; at += inlineMaxBytes) {
      this.#line.sendBytes(down.body, exchange.slot, exchange.stamp, 0, 0, bytes.subarray(at, at + inlineMaxBytes))
    }
    this.#line.ring()
  }

  endBody(exchange: Exchange, trailers: readonly string[]): void {
    if (exchange.isOver) return
    exchange.movedMs = this.#options.nowMs()
    this.#line.sendText(down.bodyEnd, exchange.slot, exchange.stamp, 0, 0, packTrailers(trailers), 'latin1')
    this.#line.ring()
  }

  abandon(exchange: Exchange): void {
    exchange.isOver = true
    exchange.stopReading()
    if (this.#exchanges[exchange.slot] !== exchange) return
    if (this.#claims.takeBack(exchange.slot, exchange.stamp)) {
      this.#release(exchange)
      this.#options.onProgress(this)
      return
    }
    // Its place stays taken until the handler knows: a thread that is blocked has no place for another.
    this.#line.send(down.abort, exchange.slot, exchange.stamp)
    this.#line.ring()
  }

  /** Answers for a handler that does not, and tells it so. */
  giveUp(exchange: Exchange, status: number): void {
    answerInstead(exchange, status)
    this.abandon(exchange)
  }

  #release(exchange: Exchange): void {
    this.#exchanges[exchange.slot] = undefined
    this.#free.push(exchange.slot)
    exchange.holder = null
    this.inFlight--
    if (this.inFlight === 0) this.idleSinceMs = this.#options.nowMs()
  }

  #finish(exchange: Exchange): void {
    this.#release(exchange)
    this.handled++
    this.#isStalled = false
    if (this.#ahead < aheadMax) this.#ahead += aheadStep
  }

  #onRecord(record: Record): void {
    const exchange = this.#exchanges[record.slot]
    if (exchange === undefined || exchange.stamp !== record.stamp) return
    exchange.movedMs = this.#options.nowMs()
    exchange.onBegun()
    const isWanted = !exchange.isOver && !exchange.res.destroyed
    switch (record.kind) {
      case up.inform:
        if (isWanted) passBytes(exchange, this.#dataOf(record), ignore)
        break
      case up.head:
        if (isWanted) {
          const head = { headBytes: record.a, code: record.b }
          passHead(exchange, head, this.#dataOf(record), this.#options.isHeadKept, (bytes) => this.#tellSent(exchange, bytes))
        }
        break
      case up.body:
        if (isWanted) passBytes(exchange, this.#dataOf(record), (bytes) => this.#tellSent(exchange, bytes))
        break
      case up.end:
        this.#finish(exchange)
        if (isWanted) endReply(exchange, record.a)
        break
      case up.cut:
        this.#finish(exchange)
        if (isWanted) cutReply(exchange, record.a)
        break
      case up.gone:
        this.#finish(exchange)
        break
      case up.taken:
        exchange.onTaken(record.a)
        break
    }
  }

  #dataOf(record: Record): string | Buffer {
    return record.length > 0 && record.length <= textMaxBytes ? this.#line.textOf(record) : this.#line.bytesOf(record)
  }

  #tellSent(exchange: Exchange, bytes: number): void {
    if (this.#exchanges[exchange.slot] !== exchange) return
    exchange.movedMs = this.#options.nowMs()
    this.#line.send(down.sent, exchange.slot, exchange.stamp, bytes)
    this.#line.ring()
  }
}

const ignore = () => undefined

/** Asked of the kernel once for a connection. */
function endsOf(socket: import('node:net').Socket): string {
  const keyed = socket as Keyed
  keyed[endsKey] ??= packEnds({
    remoteAddress: socket.remoteAddress ?? null,
    remotePort: socket.remotePort ?? null,
    localAddress: socket.localAddress ?? null,
    localPort: socket.localPort ?? null,
  })
  return keyed[endsKey]
}
