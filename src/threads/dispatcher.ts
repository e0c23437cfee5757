/** Gives each request to the least loaded free thread; what finds none waits, in order and in bounds. */
import type { Exchange } from './exchange.ts'
import type { Lane } from './lane.ts'
import { answerInstead } from './reply.ts'

export interface DispatcherOptions {
  readonly queueMax: number
  /** How long a request may wait for a thread; 0 = for ever. */
  readonly waitMaxMs: number
  readonly nowMs: () => number
  /** A request that had to wait is given to a thread. */
  onWaited(waitedMs: number): void
}

export interface Dispatcher {
  submit(exchange: Exchange): void
  /** The client of a request is gone. */
  abandon(exchange: Exchange): void
  join(lane: Lane): void
  /** It is given no more; what it has not begun goes to others. */
  leave(lane: Lane): void
  /** These wait again, before all others. */
  putBack(exchanges: readonly Exchange[]): void
  /** Places have come free. */
  onProgress(lane: Lane): void
  /** Refuses what has waited for too long. */
  sweep(): void
  /** No thread is free, and requests wait or were given ahead. */
  readonly isSaturated: boolean
  readonly waiting: number
}

/** What a thread has been given ahead is taken back when it has finished nothing for this long. */
const patienceMs = 1
/** What a thread has a place for, and has not begun for so long, is taken back when another has a place: waking takes a moment. */
const strandedMs = 5
const retryAfterS = 1

export function createDispatcher({ queueMax, waitMaxMs, nowMs, onWaited }: DispatcherOptions): Dispatcher {
  let lanes: Lane[] = []
  let queue: Exchange[] = []
  let queueStart = 0
  let waiting = 0
  let isRingDue = false
  let isLookDue = false
  let isRescueDue = false

  function freest(): Lane | null {
    let best: Lane | null = null
    for (const lane of lanes) if (lane.hasPlace && (best === null || isBefore(lane, best))) best = lane
    return best
  }

  /** The least loaded of those that get on; a body is read only when its handler is there to take it. */
  function ahead(exchange: Exchange): Lane | null {
    if (exchange.hasBody) return null
    let best: Lane | null = null
    for (const lane of lanes) if (lane.hasPlaceAhead && (best === null || lane.inFlight < best.inFlight)) best = lane
    return best
  }

  function give(lane: Lane, exchange: Exchange): void {
    lane.give(exchange)
    if (!isRingDue) {
      // Once for all requests that one turn of the loop reads.
      isRingDue = true
      setImmediate(ringAll)
      for (const one of lanes) one.stayAwake()
    }
    if (lane.hasAhead) lookSoon()
    rescueSoon()
  }

  function ringAll(): void {
    isRingDue = false
    for (const lane of lanes) lane.ring()
    for (const lane of lanes) lane.read()
  }

  function lookSoon(): void {
    if (isLookDue) return
    isLookDue = true
    setTimeout(lookAhead, patienceMs)
  }

  function lookAhead(): void {
    isLookDue = false
    let isMore = false
    for (const lane of lanes) {
      if (!lane.hasAhead) continue
      lane.read()
      putBack(lane.takeBackIfStill())
      if (lane.hasAhead) isMore = true
    }
    distribute()
    trim()
    if (isMore) lookSoon()
  }

  function rescueSoon(): void {
    if (isRescueDue) return
    isRescueDue = true
    setTimeout(rescue, strandedMs)
  }

  /** A thread that has a place may be blocked all the same: by what the app does after its answer, or beside a handler that awaits. */
  function rescue(): void {
    isRescueDue = false
    const now = nowMs()
    for (const lane of lanes) {
      const sinceMs = lane.unbegunSinceMs
      if (sinceMs === null) continue
      rescueSoon()
      const isOtherFree = lanes.some((other) => other !== lane && other.hasPlace && !other.isStalled)
      if (isOtherFree && now - sinceMs >= strandedMs) putBack(lane.strand())
    }
    distribute()
  }

  function next(): Exchange | null {
    while (queueStart < queue.length) {
      const exchange = queue[queueStart]!
      if (!exchange.isOver) return exchange
      queueStart++
    }
    queue = []
    queueStart = 0
    return null
  }

  function distribute(): void {
    for (let exchange = next(); exchange !== null; exchange = next()) {
      const lane = freest() ?? ahead(exchange)
      if (lane === null) return
      queueStart++
      waiting--
      onWaited(nowMs() - exchange.queuedMs)
      give(lane, exchange)
    }
  }

  function putBack(exchanges: readonly Exchange[]): void {
    const wanted = exchanges.filter((exchange) => !exchange.isOver)
    if (wanted.length === 0) return
    queue = [...wanted, ...queue.slice(queueStart)]
    queueStart = 0
    waiting += wanted.length
  }

  function refuse(exchange: Exchange): void {
    answerInstead(exchange, 503, retryAfterS)
  }

  /** What was given ahead and came back counts as well: the last to come are one too many. */
  function trim(): void {
    for (let at = queue.length - 1; waiting > queueMax && at >= queueStart; at--) {
      const exchange = queue[at]!
      if (exchange.isOver) continue
      waiting--
      refuse(exchange)
    }
  }

  return {
    submit(exchange) {
      if (waiting === 0) {
        const lane = freest() ?? ahead(exchange)
        if (lane !== null) return give(lane, exchange)
      }
      if (waiting >= queueMax) return refuse(exchange)
      queue.push(exchange)
      waiting++
    },
    abandon(exchange) {
      if (exchange.isOver) return
      if (exchange.holder !== null) exchange.holder.abandon(exchange)
      else {
        exchange.isOver = true
        waiting--
      }
    },
    join(lane) {
      lanes = [...lanes, lane]
      distribute()
    },
    leave(lane) {
      lane.isLeaving = true
      lanes = lanes.filter((other) => other !== lane)
      // It may have been told not to ring, by a look that it is no longer part of.
      lane.read()
      putBack(lane.takeBack())
      distribute()
    },
    putBack(exchanges) {
      putBack(exchanges)
      distribute()
    },
    onProgress: () => distribute(),
    sweep() {
      if (waitMaxMs === 0 || waiting === 0) return
      const now = nowMs()
      for (const exchange of queue.slice(queueStart)) {
        if (exchange.isOver || now - exchange.queuedMs < waitMaxMs) continue
        waiting--
        refuse(exchange)
      }
    },
    get isSaturated() {
      return freest() === null && (waiting > 0 || lanes.some((lane) => lane.hasAhead) || lanes.length === 0)
    },
    get waiting() {
      return waiting
    },
  }
}

/** The least loaded of those that get on; one that does not is the last resort. */
function isBefore(one: Lane, other: Lane): boolean {
  return one.isStalled === other.isStalled ? one.inFlight < other.inFlight : other.isStalled
}
