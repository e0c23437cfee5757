import { styleText } from 'node:util'
import { slotName } from '../base/slot-name.ts'
import { textTime } from './clock.ts'
import { type EventName, type EventRow, events, factsInSentence } from './events.ts'
import type { Level } from './level.ts'
import { printable } from './printable.ts'
import type { ThrownFacts } from './thrown.ts'

/** A line of the JSON form, read back: the text form says nothing else. */
export interface LogRecord {
  readonly time: string
  readonly level: Level
  readonly event: EventName
  readonly role: string
  readonly pid: number
  readonly msg: string
  readonly slot?: number
  readonly err?: ThrownFacts
  readonly [fact: string]: unknown
}

const envelope = new Set(['time', 'level', 'event', 'role', 'slot', 'age', 'gen', 'pid', 'msg', 'err', 'advice', 'stack', 'requests'])
const indent = '    '

/** One record for people: a line in Gunicorn's form, and what has many lines indented below it. */
export function textLine(record: LogRecord, hasColours: boolean): string {
  return `[${textTime(Date.parse(record.time))}] [${record.pid}] ${textBody(record, hasColours)}\n`
}

/** The same without time and pid, for what has places of its own for them. */
export function textBody(record: LogRecord, hasColours: boolean): string {
  const level = `[${record.level.toUpperCase()}]`
  const who = record.slot === undefined ? record.role : `${record.role} ${slotName(record.slot)}`
  const first = `${hasColours ? paint(record.level, level) : level} ${printable(who)}: ${printable(record.msg)}${pairs(record)}`
  return [first, ...below(record)].join(`\n${indent}`)
}

function paint(level: Level, text: string): string {
  const style = ({ debug: 'gray', info: 'green', warning: 'yellow', error: 'red', critical: 'magenta' } as const)[level]
  // Without the option Node asks stdout, which may be a file while stderr is the terminal.
  return styleText(style, text, { validateStream: false })
}

function pairs(record: LogRecord): string {
  const row: EventRow | undefined = events[record.event]
  const inSentence = factsInSentence(row?.text ?? '')
  let text = ''
  for (const [name, value] of Object.entries(record)) {
    const isEmpty = value === null || (Array.isArray(value) && value.length === 0)
    if (envelope.has(name) || inSentence.includes(name) || isEmpty) continue
    text += ` ${printable(name)}=${shown(value)}`
  }
  if (record.err?.code !== undefined) text += ` code=${shown(record.err.code)}`
  return text === '' ? '' : ` ${text}`
}

function shown(value: unknown): string {
  if (typeof value !== 'string') return printable(JSON.stringify(value) ?? '')
  return printable(/^[^\s"'=]+$/.test(value) ? value : JSON.stringify(value))
}

function below(record: LogRecord): string[] {
  const advice = typeof record['advice'] === 'string' ? [record['advice']] : []
  return [...advice, ...requestLines(record['requests']), ...stackLines(record['stack']), ...thrownLines(record.err)].map(printable)
}

function requestLines(requests: unknown): string[] {
  if (!Array.isArray(requests)) return []
  return requests.map((request) => `${request?.method} ${request?.path} (for ${request?.ageMs} ms)`)
}

function stackLines(stack: unknown): string[] {
  const frames = Array.isArray(stack) ? stack.map(String) : typeof stack === 'string' ? [stack] : []
  return frames.flatMap((frame) => frame.split('\n'))
}

function thrownLines(thrown: ThrownFacts | undefined): string[] {
  if (thrown === undefined) return []
  const own = stackLines(thrown.stack ?? `${thrown.type}: ${thrown.message}`)
  const [first = '', ...rest] = thrownLines(thrown.cause)
  return thrown.cause === undefined ? own : [...own, `Caused by: ${first}`, ...rest]
}
