/**
 * The arbiter's charts, all of them and live, among children that are only played: whoever runs a world decides what
 * each process, socket and configuration does next, and what time it is.
 */
import { type ActorRefFrom, createActor, fromCallback, fromPromise, SimulatedClock } from 'xstate'
import { arbiterMachine, type LoadAnswer } from '../../machines/arbiter.ts'
import type { ArbiterContext, Candidate, GenerationFacts } from '../../machines/arbiter-rules.ts'
import { listenerMachine } from '../../machines/listener.ts'
import type { Note } from '../../machines/vocabulary.ts'
import { type ChildOrder, type HandleEvent, type HandleInput, workerHandleMachine } from '../../machines/worker-handle.ts'

type BindAnswer = { ok: true; address: string } | { ok: false; problem: { code: string; text: string; isRetryable: boolean } }

export interface Played {
  /** Its slot is the one that it has now. */
  input: HandleInput
  phase: 'starting' | 'ready' | 'draining' | 'struck'
  readonly orders: ChildOrder[]
  report(event: HandleEvent): void
}

interface Pending<T> {
  readonly id: string
  resolve(value: T): void
  reject(error: unknown): void
}

export interface WorldOptions {
  readonly workers?: number
  readonly spares?: number
  readonly listeners?: readonly string[]
  readonly bootTimeoutMs?: number
  readonly graceMs?: number
  /** Runs when a worker is ordered to drain, before anything else happens. */
  onDrain?(child: Played, order: Extract<ChildOrder, { type: 'drain' }>): void
}

const told = (note: Note) => note.event

export class World {
  readonly clock = new SimulatedClock()
  /** Processes that live. */
  readonly played: Played[] = []
  readonly prepares: Pending<void>[] = []
  readonly loads: Pending<LoadAnswer>[] = []
  readonly binds: Pending<BindAnswer>[] = []
  readonly notes: Note[] = []
  readonly said: { readonly name: string; readonly params: unknown }[] = []
  readonly spawnedAtMs: number[] = []
  readonly actor: ActorRefFrom<typeof arbiterMachine>
  error: unknown = null
  /** What a reload may change. */
  listeners: readonly string[]
  #nextGeneration = 2
  #candidateListeners: readonly string[] = []
  readonly #options: WorldOptions

  constructor(options: WorldOptions = {}) {
    this.#options = options
    this.listeners = options.listeners ?? ['a']
    const say = (name: string) => (_: unknown, params: unknown) => {
      this.said.push({ name, params })
      if (name === 'announceCommit') this.listeners = this.#candidateListeners
    }
    const note = (_: unknown, line: Note) => void this.notes.push(line)
    const machine = arbiterMachine.provide({
      actors: {
        prepare: fromPromise<void>(() => pend(this.prepares, 'prepare')),
        loadConfig: fromPromise<LoadAnswer>(() => pend(this.loads, 'load')),
        listener: listenerMachine.provide({
          actors: { bind: fromPromise<BindAnswer, { id: string; tries: number }>(({ input }) => pend(this.binds, input.id)) },
          actions: { note, release: () => undefined },
        }),
        workerHandle: workerHandleMachine.provide({ actors: { childProcess: this.#childProcess() }, actions: { note } }),
      },
      actions: {
        note,
        letGo: say('letGo'),
        announceReady: say('announceReady'),
        announceScale: say('announceScale'),
        announceCommit: say('announceCommit'),
        announceRollback: say('announceRollback'),
      },
    })
    this.actor = createActor(machine, {
      clock: this.clock,
      input: {
        first: this.#facts(1, options.workers ?? 2, 0),
        listeners: this.listeners.map((id) => ({ id, address: id })),
      },
    })
    this.actor.subscribe({
      error: (error) => {
        this.error = error
      },
    })
    this.actor.start()
  }

  #facts(generation: number, workers: number, unavailableMax: number): GenerationFacts {
    const { spares = 0, bootTimeoutMs = 30_000, graceMs = 5_000 } = this.#options
    return { generation, workers, spares, unavailableMax, bootTimeoutMs, graceMs }
  }

  #childProcess() {
    return fromCallback<ChildOrder, HandleInput>(({ input, receive, sendBack }) => {
      const child: Played = { input, phase: 'starting', orders: [], report: (event) => sendBack(event) }
      this.played.push(child)
      this.spawnedAtMs.push(this.clock.now())
      receive((order) => {
        child.orders.push(order)
        if (order.type === 'promote') child.input = { ...child.input, slot: order.slot }
        else if (order.type === 'strike') child.phase = 'struck'
        else if (order.type === 'drain') {
          this.#options.onDrain?.(child, order)
          child.phase = 'draining'
        }
      })
    })
  }

  get context(): ArbiterContext {
    return this.actor.getSnapshot().context
  }

  get isOver(): boolean {
    return this.actor.getSnapshot().status !== 'active'
  }

  saidOf(name: string): unknown[] {
    return this.said.filter((one) => one.name === name).map(({ params }) => params)
  }

  noted(event: string): Note[] {
    return this.notes.filter((note) => told(note) === event)
  }

  of(phase: Played['phase'], slot?: number): Played[] {
    return this.played.filter((child) => child.phase === phase && (slot === undefined || child.input.slot === slot))
  }

  /** A configuration as a reload would read it: what it opens and closes follows from what is open. */
  candidate(workers: number, unavailableMax = 0, listeners: readonly string[] = this.listeners): Candidate {
    this.#candidateListeners = listeners
    return {
      ...this.#facts(this.#nextGeneration++, workers, unavailableMax),
      opens: listeners.filter((id) => !this.listeners.includes(id)).map((id) => ({ id, address: id })),
      closes: this.listeners.filter((id) => !listeners.includes(id)),
    }
  }

  async prepare(): Promise<void> {
    this.prepares.shift()?.resolve()
    await turn()
  }

  async bind(answer: BindAnswer = { ok: true, address: 'bound' }, index = 0): Promise<void> {
    this.binds.splice(index, 1)[0]?.resolve(answer)
    await turn()
  }

  async load(answer: LoadAnswer): Promise<void> {
    this.loads.splice(0).at(-1)?.resolve(answer)
    await turn()
  }

  ready(child: Played): void {
    child.phase = 'ready'
    child.report({ type: 'child.ready', readyMs: 1 })
  }

  exit(child: Played, code: number | null = 0, dice = 0.5): void {
    this.played.splice(this.played.indexOf(child), 1)
    const signal = child.phase === 'struck' ? 'SIGKILL' : null
    child.report({ type: 'child.exited', exit: { code: signal === null ? code : null, signal, atMs: this.clock.now(), dice } })
  }

  /** It prepares, binds, and its first workers get ready. */
  async boot(): Promise<this> {
    await this.prepare()
    while (this.binds.length > 0) await this.bind()
    for (const child of this.of('starting')) this.ready(child)
    return this
  }

  pass(ms: number): void {
    this.clock.increment(ms)
  }

  /** Whatever is waited for comes, and well. */
  async goWell(): Promise<void> {
    await turn()
    if (this.prepares.length > 0) await this.prepare()
    while (this.binds.length > 0) await this.bind()
    if (this.loads.length > 0) await this.load({ ok: true, candidate: this.candidate(2) })
    for (const child of [...this.played]) {
      if (child.phase === 'starting') this.ready(child)
      else if (child.phase === 'draining' || child.phase === 'struck') this.exit(child)
    }
  }

  /** Everything goes well and time passes, for longer than anything waits. */
  async settle(): Promise<void> {
    for (let round = 0; round < 60 && !this.isOver; round++) {
      await this.goWell()
      this.pass(1_000)
    }
  }
}

function pend<T>(list: Pending<T>[], id: string): Promise<T> {
  return new Promise((resolve, reject) => list.push({ id, resolve, reject }))
}

/** Lets promises come through. */
export const turn = (): Promise<void> => new Promise((resolve) => setImmediate(resolve))
