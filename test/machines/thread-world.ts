/** The charts of a pool of threads, live, among threads that are only played: a test decides what each does next, and what time it is. */
import { type ActorRefFrom, createActor, fromCallback, SimulatedClock } from 'xstate'
import { type LaneEvent, type LaneInput, type LaneOrder, laneMachine } from '../../machines/lane.ts'
import { threadPoolMachine } from '../../machines/thread-pool.ts'
import type { PoolContext } from '../../machines/thread-pool-rules.ts'
import type { Note } from '../../machines/vocabulary.ts'

export interface Thread {
  readonly lane: number
  phase: 'booting' | 'ready' | 'draining' | 'struck' | 'stuck'
  readonly orders: LaneOrder['type'][]
  report(event: LaneEvent): void
}

export class ThreadWorld {
  readonly clock = new SimulatedClock()
  /** Threads that live. */
  threads: Thread[] = []
  readonly notes: Note[] = []
  readonly said: string[] = []
  readonly startedAtMs: number[] = []
  readonly actor: ActorRefFrom<typeof threadPoolMachine>
  error: unknown = null

  constructor({ min = 2, max = min, graceMs = 5_000 }: { min?: number; max?: number; graceMs?: number } = {}) {
    const say = (what: string) => () => void this.said.push(what)
    const note = (_: unknown, line: Note) => void this.notes.push(line)
    const thread = fromCallback<LaneOrder, LaneInput>(({ input, receive, sendBack }) => {
      const played: Thread = { lane: input.lane, phase: 'booting', orders: [], report: (event) => sendBack(event) }
      this.threads.push(played)
      this.startedAtMs.push(this.clock.now())
      receive(({ type }) => {
        played.orders.push(type)
        if (type === 'terminate') played.phase = 'struck'
        else if (type === 'drain') played.phase = 'draining'
      })
    })
    const machine = threadPoolMachine.provide({
      actors: { lane: laneMachine.provide({ actors: { thread }, actions: { note } }) },
      actions: {
        note,
        tellOpen: say('open'),
        tellFailed: (_, { problem }) => void this.said.push(`failed: ${problem}`),
        tellClosed: say('closed'),
        wantSuccessor: say('successor'),
      },
    })
    this.actor = createActor(machine, { clock: this.clock, input: { min, max, bootTimeoutMs: 30_000, graceMs } })
    this.actor.subscribe({
      error: (error) => {
        this.error = error
      },
    })
    this.actor.start()
  }

  get context(): PoolContext {
    return this.actor.getSnapshot().context
  }

  get state(): string {
    return this.actor.getSnapshot().value
  }

  of(phase: Thread['phase']): Thread[] {
    return this.threads.filter((thread) => thread.phase === phase)
  }

  lanesOf(phase: Thread['phase']): number[] {
    return this.of(phase).map(({ lane }) => lane)
  }

  at(lane: number): Thread {
    return this.threads.find((thread) => thread.lane === lane) as Thread
  }

  noted(event: string): Note[] {
    return this.notes.filter((note) => note.event === event)
  }

  ready(thread: Thread): void {
    thread.phase = 'ready'
    thread.report({ type: 'thread.loaded', loadMs: 1 })
  }

  exit(thread: Thread, dice = 0.5): void {
    this.threads = this.threads.filter((one) => one !== thread)
    thread.report({
      type: 'thread.exited',
      how: thread.phase === 'struck' || thread.phase === 'stuck' ? 'terminated' : 'it died',
      atMs: this.clock.now(),
      dice,
    })
  }

  /** Opens it with all its threads ready. */
  open(): this {
    this.actor.send({ type: 'open' })
    this.bootAll()
    return this
  }

  bootAll(): void {
    for (const thread of this.of('booting')) this.ready(thread)
  }

  /** Those that are told to go, go. */
  reap(): void {
    for (const thread of this.of('draining')) thread.report({ type: 'thread.drained' })
    for (const thread of this.of('struck')) this.exit(thread)
  }

  pass(ms: number): void {
    this.clock.increment(ms)
  }

  /** Everything goes well and time passes, for longer than anything waits. */
  settle(): void {
    for (let round = 0; round < 60; round++) {
      this.bootAll()
      this.reap()
      this.pass(1_000)
    }
  }
}
