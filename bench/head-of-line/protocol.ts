/** What the driver and the process that makes the load tell each other. */

export interface LoadOrder {
  readonly port: number
  /** The load goes on for so long before it counts. */
  readonly warmUpSeconds: number
  readonly seconds: number
  /** Kept-alive connections, which requests to the fast route use in turn. */
  readonly lines: number
  readonly fastPath: string
  readonly fastPerS: number
  /** On a connection of its own each. */
  readonly burnPath: string
  readonly burnsPerS: number
  /** The body that every answer must have. */
  readonly expected: string
}

/** From when a request was due, in milliseconds; sorted. */
export interface LoadResult {
  readonly fastMs: readonly number[]
  readonly burnMs: readonly number[]
  /** How late the load itself was: from when a request was due until it was written, or put behind the one before it. */
  readonly lateMs: readonly number[]
  /** What the load itself used. */
  readonly cpuMs: number
  /** How many processes or threads answered on the lines. */
  readonly servers: number
  readonly problems: readonly string[]
}
