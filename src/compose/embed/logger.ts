/** The lines of all processes, given to the logger of the program that embeds them. */

import { type Level, levelWeights } from '../../log/level.ts'
import type { LogRecord } from '../../log/text-line.ts'
import type { OutputStream } from '../../os/child-output.ts'

/** What a logger has to have; one of pino's has it, as have bunyan's and winston's wrappers. */
export interface EmbedLogger {
  debug(facts: object, text: string): void
  info(facts: object, text: string): void
  warn(facts: object, text: string): void
  error(facts: object, text: string): void
  fatal?(facts: object, text: string): void
  /** Lines below it are not even made: `debug`, `info`, `warn`, `error`, `fatal`; anything else is taken for `info`. */
  readonly level?: string
}

const methods = { debug: 'debug', info: 'info', warning: 'warn', error: 'error', critical: 'fatal' } as const satisfies Record<
  Level,
  string
>

/** Our name of the least that a logger wants to hear. */
export function levelOf({ level }: EmbedLogger): Level {
  if (level === 'trace') return 'debug'
  if (level === 'silent') return 'critical'
  return (Object.keys(methods) as Level[]).find((ours) => methods[ours] === level) ?? 'info'
}

/** One record of ours as a line of theirs: the event and its facts as fields, the sentence as its text. */
export function tellRecord(logger: EmbedLogger, { level, msg, time: _, pid, ...fields }: LogRecord): void {
  // A logger puts its own pid into each line.
  const facts = pid === process.pid ? fields : { ...fields, processPid: pid }
  const method = methods[level]
  if (method === 'fatal' && logger.fatal === undefined) logger.error(facts, msg)
  else (logger as Required<EmbedLogger>)[method](facts, msg)
}

/** A line that a child has printed: one of our log, or the app's own. */
export function tellLine(logger: EmbedLogger, line: string, stream: OutputStream, pid: number): void {
  const record = stream === 'stderr' ? recordOf(line) : null
  if (record !== null) tellRecord(logger, record)
  else if (line !== '') logger.info({ event: 'app.output', stream, processPid: pid }, line)
}

function recordOf(line: string): LogRecord | null {
  if (!line.startsWith('{"level":')) return null
  try {
    const record = JSON.parse(line) as Partial<LogRecord>
    const isOurs = typeof record.event === 'string' && typeof record.role === 'string' && typeof record.msg === 'string'
    return isOurs && Object.hasOwn(levelWeights, record.level ?? '') ? (record as LogRecord) : null
  } catch {
    return null // the app's own, which begins alike
  }
}
