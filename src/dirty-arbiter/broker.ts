/**
 * Who may call which dirty worker: leases, and the queues of those who wait for one. What it calls a worker is whatever takes
 * calls at a place of its own: in a dirty pool, one thread. It knows no socket and no clock, and holds no payload. A lease is free again only when its worker or its holder has said that its call is over.
 */
import type { AppCounts, LeaseWish, Refusal } from '../wire/kinds.ts'
import { createSingles } from './singles.ts'

export interface Asker {
  /** The connection that asks, and the number of the call on it. */
  readonly client: number
  readonly call: number
}

export interface BrokerHost {
  /** `isSingle`: the lease is for one call. */
  grant(asker: Asker, lease: string, worker: number, isSingle: boolean): void
  refuse(asker: Asker, refusal: Refusal): void
  /** Asks the holder to give it back. */
  recall(client: number, lease: string): void
  /** The worker is to end the lease with its call, and to say when it has; the call of a holder that is gone is stopped. */
  revoke(worker: number, lease: string, isHolderGone: boolean): void
  /** The only call that this process was to run is over. */
  spent?(process: number): void
}

export interface Broker {
  /** Apps that may be called; those that are no longer named are refused from now on. */
  setApps(apps: readonly string[]): void
  /** How many calls of an app a worker takes at once; 0 while none of its threads is ready. */
  setCapacity(worker: number, app: string, count: number): void
  /** Said before its capacity: it is of a process whose first lease is its last, whatever else that process offers. */
  setSingle(worker: number, process: number): void
  /** It is given no new lease, and finishes those it has. */
  retireWorker(worker: number): void
  loseWorker(worker: number): void
  /** One of `setSingle` has ended. */
  forgetProcess(process: number): void
  /** False: no worker has the app, and none is about to. */
  setExpected(app: string, isExpected: boolean): void
  /** A worker is on its way that will have the app: who waits for those that are there waits for no ring. */
  setComing(app: string, isComing: boolean): void
  ask(asker: Asker, wish: LeaseWish): void
  unqueue(asker: Asker): void
  /** Said by the holder, or by the worker after `revoke`. */
  release(lease: string): void
  loseClient(client: number): void
  /** Revokes what was recalled before the last look and has not come back: its holder may stand still. */
  chase(): void
  /** Refuses everybody from now on. */
  close(): void
  counts(): readonly AppCounts[]
}

interface Waiting extends Asker {
  readonly wish: LeaseWish
}

interface Lease {
  readonly id: string
  readonly client: number
  readonly worker: number
  readonly app: string
  /** Of the call that made this one, and waits for it. */
  readonly parent: string | null
  isRecalled: boolean
  /** Looks since it was recalled. */
  looks: number
}

interface App {
  readonly name: string
  queue: Waiting[]
  readonly capacity: Map<number, number>
  /** Worker of each key, the least recently used first. */
  readonly pins: Map<string, number>
  isExpected: boolean
  isComing: boolean
}

const pinsMax = 10_000

export function createBroker(host: BrokerHost, queueMax: number): Broker {
  const apps = new Map<string, App>()
  const leases = new Map<string, Lease>()
  const retired = new Set<number>()
  const singles = createSingles()
  let nextLease = 1
  let isClosed = false

  const leasedOf = (app: App, worker: number) => {
    let count = 0
    for (const lease of leases.values()) if (lease.app === app.name && lease.worker === worker) count++
    return count
  }
  const freeOf = (app: App, worker: number) =>
    retired.has(worker) || singles.isSpent(worker) ? 0 : (app.capacity.get(worker) ?? 0) - leasedOf(app, worker)
  /** Leases that keep it from taking a call: its own, or the only one of its process. */
  function holdersOf(app: App, worker: number): Lease[] {
    const process = singles.processOf(worker)
    return [...leases.values()].filter((lease) =>
      process === undefined ? lease.app === app.name && lease.worker === worker : singles.processOf(lease.worker) === process,
    )
  }

  function freest(app: App): number | null {
    let best: number | null = null
    let bestFree = 0
    for (const worker of app.capacity.keys()) {
      const free = freeOf(app, worker)
      if (free > bestFree) {
        best = worker
        bestFree = free
      }
    }
    return best
  }

  /** The worker that a key belongs to, while it lives. */
  function pinned(app: App, { key }: LeaseWish): number | null {
    const worker = key === null ? undefined : app.pins.get(key)
    if (worker === undefined || !app.capacity.has(worker) || retired.has(worker)) return null
    // Calls of a key are one after the other, also where each has a process of its own.
    return singles.isSpent(worker) && holdersOf(app, worker).length === 0 ? null : worker
  }

  function workerFor(app: App, wish: LeaseWish): number | null {
    const own = pinned(app, wish)
    if (own === null) return freest(app)
    return freeOf(app, own) > 0 ? own : null
  }

  function pin(app: App, key: string, worker: number): void {
    app.pins.delete(key)
    app.pins.set(key, worker)
    const [oldest] = app.pins.keys()
    if (app.pins.size > pinsMax && oldest !== undefined) app.pins.delete(oldest)
  }

  function give(app: App, { client, call, wish }: Waiting, worker: number): void {
    const id = String(nextLease++)
    const process = singles.processOf(worker)
    const isSingle = process !== undefined
    if (isSingle) singles.spend(process)
    leases.set(id, { id, client, worker, app: app.name, parent: wish.parent, isRecalled: isSingle, looks: 0 })
    if (wish.key !== null) pin(app, wish.key, worker)
    host.grant({ client, call }, id, worker, isSingle)
  }

  function serve(app: App): void {
    for (let index = 0; index < app.queue.length; ) {
      const waiting = app.queue[index]!
      const worker = workerFor(app, waiting.wish)
      if (worker === null) {
        // A pinned one waits for its worker; the next may have another.
        if (waiting.wish.key === null) break
        index++
        continue
      }
      app.queue.splice(index, 1)
      give(app, waiting, worker)
    }
    lookAfter(app, app.queue)
  }

  /** For those who wait, leases are asked back from holders to whom they are of no more use than to these. */
  function lookAfter(app: App, waiting: readonly Waiting[]): void {
    if (waiting.length === 0) return
    if (!app.isExpected && app.capacity.size === 0) return void refuseAll(app, 'MON_DIRTY_NO_WORKER')
    for (const lease of leases.values())
      if (lease.app === app.name && !lease.isRecalled && waiting.some((one) => !canPassOn(lease, one))) recall(lease)
  }

  /** A holder gives its lease on to the next of its own calls, as long as nobody else waits. */
  const canPassOn = (lease: Lease, { client, wish }: Waiting) =>
    client === lease.client && wish.key === null && wish.parent === lease.parent

  function recall(lease: Lease): void {
    if (lease.isRecalled) return
    lease.isRecalled = true
    host.recall(lease.client, lease.id)
  }

  function refuseAll(app: App, code: string): void {
    for (const waiting of app.queue.splice(0)) host.refuse(waiting, { code, facts: { app: app.name } })
  }

  /**
   * Leases that will come free, found from the end: first those whose calls wait for nothing, then those that wait for what
   * these leave free, and so on. Those that are left wait for each other.
   */
  function ending(): ReadonlySet<string> {
    const found = new Set<string>()
    /** By lease: what its call waits for. */
    const waits = new Map<string, (() => boolean)[]>()
    const wait = (parent: string | null, isOver: () => boolean) => {
      if (parent !== null) waits.set(parent, [...(waits.get(parent) ?? []), isOver])
    }
    for (const { id, parent } of leases.values()) wait(parent, () => found.has(id))
    for (const app of apps.values()) for (const { wish } of app.queue) wait(wish.parent, () => canServe(app, wish, found))
    for (let size = -1; size < found.size; ) {
      size = found.size
      for (const lease of leases.values()) if ((waits.get(lease.id) ?? []).every((isOver) => isOver())) found.add(lease.id)
    }
    return found
  }

  function canServe(app: App, wish: LeaseWish, isEnding: ReadonlySet<string>): boolean {
    if (workerFor(app, wish) !== null) return true
    const own = pinned(app, wish)
    if (own === null && (app.isComing || app.capacity.size === 0)) return true
    const places = [...app.capacity.keys()].filter((worker) => own === null || worker === own)
    // Without a holder there is a thread, or a worker, yet to come; so there is after one that leaves.
    return places.some((worker) => {
      const holders = holdersOf(app, worker)
      return holders.length === 0 || retired.has(worker) || holders.some(({ id }) => isEnding.has(id))
    })
  }

  function insert(app: App, waiting: Waiting): void {
    // From the end: most are of the same priority, and there may be ten thousand of them.
    const before = app.queue.findLastIndex(({ wish }) => wish.priority >= waiting.wish.priority)
    app.queue.splice(before + 1, 0, waiting)
  }

  return {
    setApps(names) {
      for (const [name, app] of apps) {
        if (names.includes(name)) continue
        refuseAll(app, 'MON_DIRTY_NO_APP')
        apps.delete(name)
      }
      for (const name of names) {
        if (!apps.has(name)) apps.set(name, { name, queue: [], capacity: new Map(), pins: new Map(), isExpected: true, isComing: false })
      }
    },
    setCapacity(worker, name, count) {
      const app = apps.get(name)
      if (app === undefined) return
      app.capacity.set(worker, count)
      serve(app)
    },
    setSingle: singles.add,
    retireWorker(worker) {
      retired.add(worker)
      for (const lease of leases.values()) if (lease.worker === worker) recall(lease)
      // A key that belonged to it may go to another now.
      for (const app of apps.values()) serve(app)
    },
    loseWorker(worker) {
      retired.delete(worker)
      const process = singles.processOf(worker)
      singles.lose(worker)
      const lost = [...leases.values()].filter((lease) => lease.worker === worker)
      for (const { id } of lost) leases.delete(id)
      if (process !== undefined && lost.length > 0) host.spent?.(process)
      for (const app of apps.values()) {
        app.capacity.delete(worker)
        serve(app)
      }
    },
    forgetProcess: singles.forget,
    setExpected(name, isExpected) {
      const app = apps.get(name)
      if (app === undefined) return
      app.isExpected = isExpected
      serve(app)
    },
    setComing(name, isComing) {
      const app = apps.get(name)
      if (app !== undefined) app.isComing = isComing
    },
    ask(asker, wish) {
      const app = apps.get(wish.app)
      if (isClosed) return host.refuse(asker, { code: 'MON_DIRTY_CLOSING', facts: { app: wish.app } })
      if (app === undefined)
        return host.refuse(asker, { code: 'MON_DIRTY_NO_APP', facts: { app: wish.app, known: [...apps.keys()].join(', ') } })
      const waiting: Waiting = { ...asker, wish }
      // Who waits already waits for another: else there would be no free one.
      const worker = workerFor(app, wish)
      if (worker !== null) return give(app, waiting, worker)
      if (app.queue.length >= queueMax) return host.refuse(asker, { code: 'MON_DIRTY_QUEUE_FULL', facts: { app: app.name, queueMax } })
      insert(app, waiting)
      if (wish.parent !== null && !canServe(app, wish, ending())) {
        app.queue = app.queue.filter((other) => other !== waiting)
        return host.refuse(asker, { code: 'MON_DIRTY_DEADLOCK', facts: { app: app.name } })
      }
      // Those before it have been looked after.
      lookAfter(app, [waiting])
    },
    unqueue({ client, call }) {
      for (const app of apps.values()) {
        const index = app.queue.findIndex((waiting) => waiting.client === client && waiting.call === call)
        if (index === -1) continue
        const [waiting] = app.queue.splice(index, 1)
        // Every wish is answered once, so that nobody has to guess whether a grant is still on its way.
        host.refuse(waiting!, { code: 'MON_DIRTY_CANCELLED', facts: { app: app.name, action: '' } })
      }
    },
    release(id) {
      const lease = leases.get(id)
      if (lease === undefined) return
      leases.delete(id)
      const process = singles.processOf(lease.worker)
      if (process !== undefined) host.spent?.(process)
      const app = apps.get(lease.app)
      if (app !== undefined) serve(app)
    },
    loseClient(client) {
      for (const app of apps.values()) app.queue = app.queue.filter((waiting) => waiting.client !== client)
      for (const lease of leases.values()) if (lease.client === client) host.revoke(lease.worker, lease.id, true)
    },
    chase() {
      for (const lease of leases.values()) if (lease.isRecalled && ++lease.looks === 2) host.revoke(lease.worker, lease.id, false)
    },
    close() {
      isClosed = true
      for (const app of apps.values()) refuseAll(app, 'MON_DIRTY_CLOSING')
    },
    counts: () =>
      [...apps.values()].map((app) => ({
        app: app.name,
        queued: app.queue.length,
        leased: [...leases.values()].filter((lease) => lease.app === app.name).length,
        capacity: [...app.capacity.values()].reduce((sum, count) => sum + count, 0),
      })),
  }
}
