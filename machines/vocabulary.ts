/** Words that several charts share. */

/** Stable number of the place that a worker fills. Those that stand by to fill another's have -1, -2, … until they do. */
export type Slot = number
/** The n-th spawn; never used again, so it names a worker for ever. */
export type Age = number
/** The configuration that a child was born with. */
export type Generation = number

/** Why a worker was asked to go. */
export type StopReason = 'stop' | 'scale' | 'reload' | 'rollback' | 'recycle' | 'drain' | 'signal' | 'ended'

/** Why a worker was not asked but killed. */
export type KillReason = 'boot-timeout' | 'never-serves' | 'silent' | 'hung' | 'frozen' | 'grace' | 'forced' | 'unwanted' | 'failed'

/** How a worker ended, as the arbiter tells it. */
export type Ending = 'as-asked' | 'killed' | 'crashed' | 'boot-failed'

/** What a child's end looked like from outside. `dice` (0…1) is the jitter of this end, so that charts stay pure. */
export interface ChildExit {
  readonly code: number | null
  readonly signal: string | null
  readonly atMs: number
  readonly dice: number
}

/** A line of the log: the name of a row of the event table, and its facts. */
export interface Note {
  readonly event: string
  readonly facts?: Readonly<Record<string, string | number | boolean | null>>
}
