/** One step of one chart in one process, as it is recorded, sent, kept in files and shown. */
export interface Transition {
  /** Milliseconds since the epoch, with fractions, by the clock of the process that made the step. */
  readonly at: number
  readonly pid: number
  /** The n-th of its process, from 1: together with the pid its name. */
  readonly seq: number
  readonly role: 'arbiter' | 'worker' | 'dirty-arbiter' | 'dirty-worker'
  /** Of a process that fills a slot. */
  readonly slot: number | null
  readonly age: number | null
  /** The name of the chart in `machines/`. */
  readonly chart: string
  /** Which instance of it, unique in its process and never used again there: `arbiter`, `worker-handle 7`. */
  readonly actor: string
  /** As `machines/sentences.ts` knows it: `child.ready`, `after bootTimeout`, `load done`; `always` for what needs
   *  no event; `start` when the actor began, `stopped` and `broken` when it ended otherwise than by its chart. */
  readonly event: string
  /** Paths of states, as in `booting.loading`; null when the actor began. */
  readonly from: string | null
  readonly to: string
  /** Its last step: the actor has ended, or was stopped by its parent. */
  readonly isOver: boolean
  /** What the event brought: numbers and words, of which the cause is made. */
  readonly facts: Readonly<Record<string, string | number | boolean | null>>
  /** What led to the event, in a few words: `SIGTERM`, `exit code 7`, `GET /slow took 30 s`; null when the event says it all. */
  readonly cause: string | null
}

/** A step with its number in the order in which the arbiter heard of them, from 1: where a reader goes on from. */
export interface Recorded {
  readonly id: number
  readonly step: Transition
}
