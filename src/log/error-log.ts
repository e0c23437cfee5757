import { isatty } from 'node:tty'
import { type Logger, pino } from 'pino'
import { fill, type Facts as SentenceFacts } from '../base/errors.ts'
import { standardOf } from './descriptor.ts'
import { type EventName, events } from './events.ts'
import { type Level, levelWeights } from './level.ts'
import { type OnProblem, Sink } from './sink.ts'
import { type LogRecord, textLine } from './text-line.ts'
import { thrownFacts } from './thrown.ts'

/** Who writes, or whom a line is about: part of every line. */
export interface Who {
  readonly role: string
  readonly slot?: number
  readonly age?: number
  readonly gen?: number
}

export type EventFacts = Readonly<Record<string, unknown>>

export interface LogOptions {
  /** `-` is stderr. */
  readonly destination: string
  /** `auto`: text on a terminal, JSON elsewhere. */
  readonly format: 'auto' | 'text' | 'json'
  readonly level: Level
  readonly who: Who
  /** Hears what the log cannot say about itself in its own file. */
  readonly onProblem?: OnProblem
  readonly tap?: LogTap
}

/** Who else hears each line; it may change while the log lives. */
export interface LogTap {
  readonly hear: ((record: LogRecord) => void) | null
}

export interface Log {
  /** Logs an event; level and sentence are those of its row. A fact in the way of a field of the line is kept as `fact.NAME`. */
  event(name: EventName, facts?: EventFacts, error?: unknown): void
  /** A log with more, or other, fields about who; it shares destination and level. */
  child(who: Partial<Who>): Log
  setLevel(level: Level): void
  /** Opens the file again by its name, after a rotation; stderr stays. */
  reopen(): void
  /** Writes what is left, and gives the descriptor back. */
  close(): Promise<void>
  /** For exit paths: waits until all lines are written, at most `boxMs` (500). */
  flush(boxMs?: number): Promise<void>
  /** For exit paths that cannot wait; blocks for at most 200 ms. */
  flushSync(): void
  readonly dropped: number
}

type EventLogger = Logger<Level, true>

/** The error log of this process. Never throws, never stops the loop: what cannot be written is dropped and counted. */
export function createErrorLog(options: LogOptions): Log {
  const onProblem: OnProblem = (name, facts) => {
    if (name === 'log.dropped') log.event(name, facts)
    else options.onProblem?.(name, facts)
  }
  const sink = new Sink({ destination: options.destination, usual: 2, onProblem })
  const log = new ErrorLog(createLogger(options.level, writerTo(sink, options)), sink, options.who)
  return log
}

/** A log without a place of its own: each line goes to a listener, such as the logger of the program that embeds us. */
export function createHeardLog({
  level,
  who,
  tap,
  hear,
}: Pick<LogOptions, 'level' | 'who' | 'tap'> & { hear(record: LogRecord): void }): Log {
  const write = (line: string) => {
    const record = JSON.parse(line) as LogRecord
    hear(record)
    tap?.hear?.(record)
  }
  return new ErrorLog(createLogger(level, write), nowhere(), who)
}

type LineSink = Pick<Sink, 'dropped' | 'reopen' | 'close' | 'flush' | 'flushSync'>

const nowhere = (): LineSink => ({
  dropped: 0,
  reopen: () => undefined,
  close: () => Promise.resolve(),
  flush: () => Promise.resolve(),
  flushSync: () => undefined,
})

function writerTo(sink: Sink, { destination, format, tap }: LogOptions): (line: string) => void {
  const standard = standardOf(destination, 2)
  const isTerminal = standard !== null && isatty(standard)
  const isText = format === 'text' || (format === 'auto' && isTerminal)
  const hasColours = isTerminal && !process.env['NO_COLOR']
  return (line) => {
    const hear = tap?.hear ?? null
    const record: LogRecord | null = isText || hear !== null ? JSON.parse(line) : null
    sink.write(isText && record !== null ? textLine(record, hasColours) : line)
    if (record !== null) hear?.(record)
  }
}

function createLogger(level: Level, write: (line: string) => void): EventLogger {
  return pino<Level, true>(
    {
      level,
      customLevels: levelWeights,
      useOnlyCustomLevels: true,
      base: null,
      timestamp: pino.stdTimeFunctions.isoTime,
      formatters: { level: (label) => ({ level: label }) },
      serializers: { err: (facts) => facts },
    },
    { write },
  )
}

// `slot`, `age` and `gen` are not among them: the arbiter's lines carry those of the worker they are about.
const reserved = new Set(['time', 'level', 'event', 'role', 'pid', 'msg', 'err'])

function sentenceOf(text: string, facts: EventFacts): string {
  try {
    return fill(text, facts as SentenceFacts)
  } catch {
    return text // a fact without a text form, such as an object without prototype: the line still has it as a field
  }
}

class ErrorLog implements Log {
  readonly #logger: EventLogger
  readonly #sink: LineSink
  readonly #who: Who

  constructor(logger: EventLogger, sink: LineSink, who: Who) {
    this.#logger = logger
    this.#sink = sink
    this.#who = who
  }

  // A function of its own, so that `log.event` can be handed on.
  readonly event = (name: EventName, facts: EventFacts = {}, error?: unknown): void => {
    try {
      const { level, text } = events[name]
      if (!this.#logger.isLevelEnabled(level)) return
      const { role, slot, age, gen } = this.#who
      const line: Record<string, unknown> = { event: name, role, slot, age, gen, pid: process.pid }
      for (const fact in facts) line[reserved.has(fact) ? `fact.${fact}` : fact] = facts[fact]
      if (error !== undefined) line['err'] = thrownFacts(error)
      this.#logger[level](line, sentenceOf(text, facts))
    } catch {
      this.#sink.dropped++ // a fact that cannot be read, or a name that is none, costs its line, never its process
    }
  }

  child(who: Partial<Who>): Log {
    return new ErrorLog(this.#logger, this.#sink, { ...this.#who, ...who })
  }

  setLevel(level: Level): void {
    this.#logger.level = level
  }

  reopen(): void {
    this.#sink.reopen()
  }

  close(): Promise<void> {
    return this.#sink.close()
  }

  flush(boxMs?: number): Promise<void> {
    return this.#sink.flush(boxMs)
  }

  flushSync(): void {
    this.#sink.flushSync()
  }

  get dropped(): number {
    return this.#sink.dropped
  }
}
