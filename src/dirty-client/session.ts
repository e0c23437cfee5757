/** A process's (or thread's) connection to a dirty pool: leases from the broker, links to workers, orders to the stash. */
import { decode, encode } from '../wire/codec.ts'
import type { Frame } from '../wire/frames.ts'
import {
  type AppCounts,
  type BrokerHello,
  type CallPlace,
  type Death,
  fromBroker,
  fromThread,
  isTimeout,
  isUnbegun,
  type LeaseGrant,
  type LeaseWish,
  type Refusal,
  type StashOrder,
  toBroker,
  toWorker,
  type Welcome,
} from '../wire/kinds.ts'
import { type DirtyError, dirtyError, fromRefusal } from './errors.ts'
import { type Link, openLink } from './link.ts'

export interface Lease {
  readonly id: string
  /** To the thread that takes the call. */
  readonly link: Link
  /** Where the main thread of its worker answers, whatever that thread does. */
  readonly workerPath: string
  /** The number of the thread in its worker. */
  readonly place: number
  readonly app: string
  /** The lease under which its holder runs: the broker sees rings of calls by it. */
  readonly parent: string | null
  /** It was given for one key, and is of no use to other calls. */
  readonly isPinned: boolean
  isRecalled: boolean
}

/** A lease that is being waited for. */
export interface Asking {
  readonly granted: Promise<Lease>
  /** It is not wanted any more; one that comes all the same is given back. */
  cancel(): void
}

export interface Fate {
  /** What ended its thread; null: nothing that is known. */
  readonly refusal: Refusal | null
  /** It has not been begun, and will not be. */
  readonly isUnbegun: boolean
  /** Its whole process has ended. */
  readonly isGone: boolean
}

export interface Session {
  readonly limits: Welcome
  /** A lease that is at hand, taken under the same parent; null: ask for one. */
  takeWarm(app: string, parent: string | null): Lease | null
  ask(wish: LeaseWish): Asking
  /** Its call is over. */
  giveBack(lease: Lease): void
  /** Asks the main thread of its worker. Settles when the call does not run any more, with what became of its thread. */
  askWorker(lease: Lease, call: number, about: 'end' | 'timeout' | 'fate'): Promise<Fate>
  stash(order: StashOrder): Promise<unknown>
  counts(): Promise<readonly AppCounts[]>
  /** Of the process of a worker. Its parent knows, in a moment. */
  deathOf(lease: Lease): Promise<Death | null>
  readonly isLost: boolean
}

/** A lease is kept this long after its call, and at most twice so long, for the next one: it then needs no way to the broker. */
const warmMs = 20
const connectPatienceMs = 1_500
const retryMs = 50
/** Until the broker has said what the limit is. */
const firstFrameMaxBytes = 1024 * 1024 * 1024

/** A wish that the broker has not answered. */
interface Wanting {
  readonly priority: number
  passOn(lease: Lease): void
}

interface Idle {
  readonly lease: Lease
  readonly sinceMs: number
}

const lineOf = ({ app, parent }: Pick<Lease, 'app' | 'parent'>) => `${parent ?? ''} ${app}`

/** @param greetingMs a dirty arbiter that stands still for longer is not waited for */
export async function openSession(path: string, greetingMs = 30_000): Promise<Session> {
  const startedMs = performance.now()
  for (;;) {
    try {
      return await connectOnce(path, greetingMs)
    } catch (error) {
      // A dirty arbiter that has just died is replaced within a moment, at the same path.
      if (performance.now() - startedMs > connectPatienceMs) throw error
      await new Promise((resolve) => setTimeout(resolve, retryMs))
    }
  }
}

async function connectOnce(path: string, greetingMs: number): Promise<Session> {
  const links = new Map<string, Link>()
  const warm = new Map<string, Idle[]>()
  const wanting = new Map<string, Wanting[]>()
  let isCooling = false
  const leases = new Map<string, Lease>()
  let frameMaxBytes = firstFrameMaxBytes
  const broker = openLink({ path, frameMaxBytes, onOther: hear, onLost: letGo })

  const greeted = new Promise<Welcome>((resolve, reject) => {
    const timer = setTimeout(() => {
      reject(dirtyError('MON_DIRTY_CONNECTION', { problem: `the dirty arbiter has not answered for ${greetingMs} ms` }))
      broker.destroy()
    }, greetingMs).unref()
    const call = broker.open({
      onFrame(frame) {
        clearTimeout(timer)
        broker.close(call)
        resolve(decode<Welcome>(frame))
      },
      onLost(problem) {
        clearTimeout(timer)
        reject(dirtyError('MON_DIRTY_CONNECTION', { problem }))
      },
    })
    broker.send({ kind: toBroker.hello, call, ...encode({ version: 1, pid: process.pid } satisfies BrokerHello) })
  })
  const welcome = await greeted
  frameMaxBytes = welcome.frameMaxBytes

  /** With the broker its leases are gone. Workers finish the calls that they have; other connections to them are of no use. */
  function letGo(): void {
    warm.clear()
    leases.clear()
    for (const link of links.values()) if (link.users === 0) link.destroy()
  }

  function hear(frame: Frame): void {
    if (frame.kind !== fromBroker.recall) return
    const { lease: id } = decode<{ lease: string }>(frame)
    const lease = leases.get(id)
    if (lease === undefined) return
    lease.isRecalled = true
    const idle = warm.get(lineOf(lease))?.find((one) => one.lease === lease)
    if (idle !== undefined) release(dropWarm(lease) ?? lease)
  }

  function linkTo(path: string): Link {
    const known = links.get(path)
    if (known !== undefined && !known.isLost && !known.isLeaving) return known
    const letLeasesGo = () => {
      for (const lease of [...leases.values()]) if (lease.link === link && isWarm(lease)) release(dropWarm(lease) ?? lease)
    }
    const link = openLink({
      path,
      frameMaxBytes,
      onOther(frame) {
        // No call is sent to it any more; the last one that runs there ends the connection.
        if (frame.kind !== fromThread.goodbye) return
        link.leave()
        letLeasesGo()
      },
      onLost() {
        if (links.get(path) === link) links.delete(path)
        for (const lease of [...leases.values()]) if (lease.link === link) release(dropWarm(lease) ?? lease)
      },
    })
    links.set(path, link)
    return link
  }

  const isWarm = (lease: Lease) => warm.get(lineOf(lease))?.some((one) => one.lease === lease) === true

  function dropWarm(lease: Lease): Lease | null {
    const list = warm.get(lineOf(lease)) ?? []
    const index = list.findIndex((one) => one.lease === lease)
    if (index === -1) return null
    list.splice(index, 1)
    if (list.length === 0) warm.delete(lineOf(lease))
    return lease
  }

  /** One timer for all, and not one for each call. */
  function cool(): void {
    const untilMs = performance.now() - warmMs
    const idle = [...warm.values()].flat()
    for (const { lease, sinceMs } of idle) if (sinceMs <= untilMs) release(dropWarm(lease) ?? lease)
    isCooling = false
    coolLater()
  }

  function coolLater(): void {
    if (isCooling || warm.size === 0) return
    isCooling = true
    setTimeout(cool, warmMs).unref()
  }

  function want(line: string, one: Wanting): void {
    const list = wanting.get(line) ?? []
    wanting.set(line, list)
    const before = list.findLastIndex(({ priority }) => priority >= one.priority)
    list.splice(before + 1, 0, one)
  }

  function wantNoMore(line: string, one: Wanting): void {
    const list = wanting.get(line) ?? []
    const index = list.indexOf(one)
    if (index !== -1) list.splice(index, 1)
    if (list.length === 0) wanting.delete(line)
  }

  function giveBack(lease: Lease): void {
    if (broker.isLost && lease.link.users === 0) lease.link.destroy()
    if (!leases.has(lease.id)) return
    if (lease.isRecalled || lease.isPinned || lease.link.isLost || lease.link.isLeaving) return void release(lease)
    const line = lineOf(lease)
    // Nobody else waits, or it would have been recalled: the next of our own calls needs no way to the broker.
    const next = wanting.get(line)?.[0]
    if (next !== undefined) return void next.passOn(lease)
    const list = warm.get(line) ?? []
    warm.set(line, list)
    list.push({ lease, sinceMs: performance.now() })
    coolLater()
  }

  function release(lease: Lease): void {
    if (!leases.delete(lease.id)) return
    broker.send({ kind: toBroker.release, call: 0, ...encode({ lease: lease.id }) })
  }

  function askWorker({ workerPath, id, place }: Lease, asked: number, about: 'end' | 'timeout' | 'fate'): Promise<Fate> {
    return new Promise((resolve) => {
      const link = linkTo(workerPath)
      const call = link.open({
        onFrame(frame) {
          link.close(call)
          resolve({ refusal: decode<Refusal | null>(frame), isUnbegun: frame.flags === isUnbegun, isGone: false })
        },
        // Its main thread answers whatever its other threads do.
        onLost: () => resolve({ refusal: null, isUnbegun: false, isGone: true }),
      })
      const kind = about === 'fate' ? toWorker.fate : toWorker.end
      const flags = about === 'timeout' ? isTimeout : 0
      link.send({ kind, call, flags, ...encode({ place, lease: id, call: asked } satisfies CallPlace) })
    })
  }

  function inquire<T>(kind: number, order: unknown): Promise<T> {
    return new Promise((resolve, reject: (error: DirtyError) => void) => {
      const call = broker.open({
        onFrame(frame) {
          broker.close(call)
          if (frame.kind === fromBroker.refused) reject(fromRefusal(decode<Refusal>(frame)))
          else resolve(decode<T>(frame))
        },
        onLost: (problem) => reject(dirtyError('MON_DIRTY_CONNECTION', { problem })),
      })
      broker.send({ kind, call, ...encode(order) })
    })
  }

  return {
    limits: welcome,
    takeWarm(app, parent) {
      const list = warm.get(lineOf({ app, parent }))
      while (list !== undefined && list.length > 0) {
        const { lease } = list.pop()!
        if (list.length === 0) warm.delete(lineOf(lease))
        if (!lease.isRecalled && !lease.link.isLost && !lease.link.isLeaving) return lease
        release(lease)
      }
      return null
    },
    ask(wish) {
      let isCancelled = false
      let isPassedOn = false
      let call = 0
      const line = lineOf(wish)
      let self: Wanting | undefined
      const granted = new Promise<Lease>((resolve, reject) => {
        call = broker.open({
          onFrame(frame) {
            broker.close(call)
            leaveList()
            if (frame.kind === fromBroker.refused && (isPassedOn || isCancelled)) return
            if (frame.kind === fromBroker.refused) return reject(fromRefusal(decode<Refusal>(frame)))
            const grant = decode<LeaseGrant>(frame)
            const lease: Lease = {
              id: grant.lease,
              link: linkTo(grant.path),
              workerPath: grant.workerPath,
              place: grant.place,
              app: wish.app,
              parent: wish.parent,
              isPinned: wish.key !== null,
              isRecalled: grant.isSingle,
            }
            leases.set(lease.id, lease)
            if (isCancelled) release(lease)
            // It was on its way already when we had another.
            else if (isPassedOn) giveBack(lease)
            else resolve(lease)
          },
          onLost(problem) {
            leaveList()
            reject(dirtyError('MON_DIRTY_CONNECTION', { problem }))
          },
        })
        if (wish.key === null) {
          self = {
            priority: wish.priority,
            passOn(lease) {
              isPassedOn = true
              unqueue()
              resolve(lease)
            },
          }
          want(line, self)
        }
        broker.send({ kind: toBroker.lease, call, ...encode(wish) })
      })
      function leaveList(): void {
        if (self !== undefined) wantNoMore(line, self)
        self = undefined
      }
      function unqueue(): void {
        leaveList()
        broker.send({ kind: toBroker.unqueue, call, ...encode(null) })
      }
      granted.catch(() => undefined) // whoever cancelled it does not wait for it
      return {
        granted,
        cancel() {
          isCancelled = true
          if (!isPassedOn) unqueue()
        },
      }
    },
    giveBack,
    askWorker,
    stash: (order) => inquire(toBroker.stash, order),
    counts: () => inquire<readonly AppCounts[]>(toBroker.counts, null),
    deathOf: ({ workerPath }) => inquire<Death | null>(toBroker.death, { workerPath }),
    get isLost() {
      return broker.isLost
    },
  }
}
