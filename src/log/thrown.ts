import { problemOf } from '../base/errors.ts'

/** What was thrown, as the field `err` of a log line. */
export interface ThrownFacts {
  readonly type: string
  readonly message: string
  readonly code?: string
  readonly stack?: string
  readonly cause?: ThrownFacts
}

const deepestCause = 5

/** Plain data about anything that can be thrown; never throws itself. */
export function thrownFacts(thrown: unknown, depth = 0): ThrownFacts {
  try {
    if (!(thrown instanceof Error)) return { type: typeof thrown, message: problemOf(thrown) }
    const code = (thrown as NodeJS.ErrnoException).code
    return {
      type: thrown.name,
      message: String(thrown.message),
      ...(typeof code === 'string' ? { code } : {}),
      ...(typeof thrown.stack === 'string' ? { stack: thrown.stack } : {}),
      ...(thrown.cause !== undefined && depth < deepestCause ? { cause: thrownFacts(thrown.cause, depth + 1) } : {}),
    }
  } catch {
    return { type: typeof thrown, message: 'what was thrown cannot be read' } // a hostile getter
  }
}
