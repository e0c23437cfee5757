/**
 * What the main thread of a dirty worker knows of the calls in its threads, and does about those that do not end: a call
 * goes straight to its thread, which cannot hear anybody while it is blocked.
 */
import type { Socket } from 'node:net'
import type { MessagePort } from 'node:worker_threads'
import type { CallAtWork, DirtyPage } from '../lanes/dirty-page.ts'
import { decode, encode } from '../wire/codec.ts'
import { type Frame, writeFrame } from '../wire/frames.ts'
import { type CallPlace, fromWorker, isTimeout, isUnbegun, type Refusal, toWorker } from '../wire/kinds.ts'
import type { FromThread, ToThread } from '../wire/port-messages.ts'

/** A thread that has an app. */
export interface AppThread {
  /** Unique in this process, and part of its path. */
  readonly place: number
  readonly app: string
  readonly port: MessagePort
  readonly page: DirtyPage
  /** Ends it, as its call did not heed its signal: `overdue` shows where it stood. */
  kill(why: 'overdue' | 'kill', reason: string): void
}

export interface OverseerOptions {
  readonly cancelGraceMs: number
  readonly nowMs: () => number
  onServed(calls: number, thread: AppThread): void
  /** A revoked lease is over, whatever became of its call. */
  onLeaseOver(lease: string): void
  /** A call has to be ended by force. */
  onForced(thread: AppThread, call: CallAtWork, why: 'cancelled' | 'timeout'): void
}

export interface Overseer {
  add(thread: AppThread): void
  /** The thread is gone. */
  lose(thread: AppThread, how: string): void
  /** Settles when the thread takes no more calls and none runs. */
  seeOff(thread: AppThread): Promise<void>
  /** Somebody asks about calls. */
  onFrame(socket: Socket, frame: Frame): void
  /** The lease ends with its call; that of a holder who is gone is ended. */
  revoke(place: number, lease: string, isHolderGone: boolean): void
  readonly running: number
  stop(): void
}

interface Watched {
  readonly thread: AppThread
  /** Revoked leases whose end is to be told. */
  readonly revoked: Set<string>
  /** Calls that have been told to end, and who waits for that. */
  readonly ending: Map<string, (() => void)[]>
  readonly inquiries: Set<() => void>
  served: number
  quiet: Promise<void> | null
  onQuiet: (() => void) | null
  isAbandoned: boolean
}

/** Callers watch the time themselves; this is for those who cannot, as they stand still. */
const lookEveryMs = 250
const fatesMax = 200
/** A connection that has ended without its thread is not explained by us. */
const fatePatienceMs = 1_000

/** Without a number: whichever call runs under the lease. */
interface Aim {
  readonly lease: string
  readonly call: number | null
}

const nameOf = ({ lease, call }: Aim) => `${lease} ${call}`

export function createOverseer(options: OverseerOptions): Overseer {
  const { nowMs, cancelGraceMs } = options
  const watched = new Map<number, Watched>()
  /** How threads have ended, by place. */
  const fates = new Map<number, { readonly how: string; readonly page: DirtyPage }>()

  const tell = ({ thread }: Watched, message: ToThread) => thread.port.postMessage(message)

  function hear(one: Watched, message: FromThread): void {
    if (message.type === 'over') {
      if (one.revoked.delete(message.lease)) options.onLeaseOver(message.lease)
    } else if (message.type === 'quiet') one.onQuiet?.()
    count(one)
  }

  function count(one: Watched): void {
    const done = one.thread.page.done()
    if (done === one.served) return
    const news = done - one.served
    one.served = done
    options.onServed(news, one.thread)
  }

  /** The call is to end, and those before it under its lease; one that does not heed its signal is ended with its thread. */
  function end(one: Watched, { lease, call }: Aim, why: 'cancelled' | 'timeout', then: () => void = () => undefined): void {
    tell(one, { type: 'end', lease, call, why })
    const name = nameOf({ lease, call })
    const others = one.ending.get(name)
    if (others !== undefined) return void others.push(then)
    const all = [then]
    one.ending.set(name, all)
    setTimeout(() => {
      one.ending.delete(name)
      const present = one.thread.page.read()
      if (present?.lease === lease && (call === null || present.call <= call)) force(one, present, why)
      for (const answer of all) answer()
    }, cancelGraceMs).unref()
  }

  /** In native code the thread may last: neither its lease nor the drain of this worker waits for that. */
  function force(one: Watched, call: CallAtWork, why: 'cancelled' | 'timeout'): void {
    // It may end at this very moment: then its thread is another caller's.
    if (one.isAbandoned || !one.thread.page.close(call)) return
    one.isAbandoned = true
    options.onForced(one.thread, call, why)
    if (why === 'timeout') one.thread.kill('overdue', 'a call took longer than its timeout')
    else one.thread.kill('kill', 'a call was cancelled')
    settle(one)
  }

  function settle(one: Watched): void {
    for (const lease of one.revoked) options.onLeaseOver(lease)
    one.revoked.clear()
    for (const answer of [...one.inquiries]) answer()
    one.onQuiet?.()
  }

  function awaitFate(one: Watched, answer: () => void): void {
    const once = () => {
      clearTimeout(timer)
      one.inquiries.delete(once)
      answer()
    }
    const timer = setTimeout(once, fatePatienceMs).unref()
    one.inquiries.add(once)
  }

  function look(): void {
    const now = nowMs()
    for (const one of watched.values()) {
      count(one)
      if (one.isAbandoned) continue
      const call = one.thread.page.read()
      if (call === null || call.deadlineMs === 0 || now < call.deadlineMs + lookEveryMs || one.ending.has(nameOf(call))) continue
      end(one, call, 'timeout')
    }
  }
  const looker = setInterval(look, lookEveryMs).unref()

  return {
    add(thread) {
      const one: Watched = {
        thread,
        revoked: new Set(),
        ending: new Map(),
        inquiries: new Set(),
        served: 0,
        quiet: null,
        onQuiet: null,
        isAbandoned: false,
      }
      watched.set(thread.place, one)
      thread.port.on('message', (message: FromThread) => hear(one, message))
    },
    lose({ place }, how) {
      const one = watched.get(place)
      if (one === undefined) return
      watched.delete(place)
      // Its lane may have a successor by the time that an end under way looks again.
      one.isAbandoned = true
      fates.set(place, { how, page: one.thread.page })
      const [oldest] = fates.keys()
      if (fates.size > fatesMax && oldest !== undefined) fates.delete(oldest)
      count(one)
      settle(one)
    },
    seeOff({ place }) {
      const one = watched.get(place)
      if (one === undefined || one.isAbandoned) return Promise.resolve()
      one.quiet ??= new Promise((resolve) => {
        one.onQuiet = resolve
        tell(one, { type: 'leave' })
      })
      return one.quiet
    },
    onFrame(socket, frame) {
      const { place, lease, call } = decode<CallPlace>(frame)
      const one = watched.get(place)
      const answer = () => {
        const fate = fates.get(place)
        const isNeverRun = (fate !== undefined || one?.isAbandoned === true) && (fate ?? one?.thread)?.page.hasBegun(lease, call) === false
        const refusal: Refusal | null = fate === undefined ? null : { code: 'MON_DIRTY_WORKER_LOST', facts: { how: fate.how } }
        if (!socket.destroyed)
          writeFrame(socket, { kind: fromWorker.over, call: frame.call, flags: isNeverRun ? isUnbegun : 0, ...encode(refusal) })
      }
      if (one === undefined || one.isAbandoned) answer()
      else if (frame.kind === toWorker.end) end(one, { lease, call }, frame.flags === isTimeout ? 'timeout' : 'cancelled', answer)
      else if (frame.kind === toWorker.fate) awaitFate(one, answer)
    },
    revoke(place, lease, isHolderGone) {
      const one = watched.get(place)
      if (one === undefined || one.isAbandoned) return options.onLeaseOver(lease)
      one.revoked.add(lease)
      tell(one, { type: 'revoke', lease })
      if (isHolderGone) end(one, { lease, call: null }, 'cancelled')
    },
    get running() {
      return [...watched.values()].filter(({ thread, isAbandoned }) => !isAbandoned && thread.page.read() !== null).length
    },
    stop: () => clearInterval(looker),
  }
}
