/** A pino logger for the app, whose lines are lines of the error log: the same destination, form, level and `who`. */
import { type Logger, pino } from 'pino'
import type { EventFacts, Log } from './error-log.ts'
import type { EventName } from './events.ts'

export type AppLogger = Logger

/** By pino's weights: trace and debug 10 and 20, info 30, warn 40, error 50, fatal 60. */
function eventAt(level: number): EventName {
  if (level < 30) return 'app.debug'
  if (level < 40) return 'app.info'
  if (level < 50) return 'app.warning'
  return level < 60 ? 'app.error' : 'app.critical'
}

/** Pino tells a stream that has this what each line was made of. */
const metadata = Symbol.for('pino.metadata')

/**
 * What the app logs is kept when the error log keeps lines of that level, whatever that is set to meanwhile. Fields of the
 * app, of children too, stand beside those of the line; one in the way of them is kept as `fact.NAME`.
 */
export function createAppLogger(log: Log): AppLogger {
  const stream = {
    [metadata]: true,
    lastLevel: 30,
    lastObj: undefined as unknown,
    write(line: string) {
      const { msg, level: _, time: __, err, ...fields } = JSON.parse(line) as Record<string, unknown>
      const facts: EventFacts = { ...renamed(fields), text: typeof msg === 'string' ? msg : '' }
      log.event(eventAt(stream.lastLevel), err === undefined ? facts : { ...facts, ...leftOf(err) }, thrownIn(stream.lastObj, err))
    },
  }
  return pino({ level: 'trace', base: null }, stream)
}

function renamed({ text, ...fields }: Record<string, unknown>): Record<string, unknown> {
  return text === undefined ? fields : { ...fields, 'fact.text': text }
}

/** The error itself, where the line was made of one. */
function thrownIn(given: unknown, err: unknown): unknown {
  if (given instanceof Error) return given
  const inside = (given as { err?: unknown } | null | undefined)?.err
  return inside instanceof Error ? inside : err === undefined ? undefined : asError(err)
}

/** That of a child's bindings came as data. */
function asError(err: unknown): unknown {
  const { message, stack, type } = (err ?? {}) as { message?: unknown; stack?: unknown; type?: unknown }
  if (typeof message !== 'string') return undefined
  const error = new Error(message)
  if (typeof type === 'string') error.name = type
  if (typeof stack === 'string') error.stack = stack
  return error
}

/** What was logged as `err` and is none stays a fact. */
function leftOf(err: unknown): Record<string, unknown> {
  const isThrown = typeof (err as { message?: unknown } | null)?.message === 'string'
  return isThrown ? {} : { 'fact.err': err }
}
