import { type ErrorCode, type ErrorRow, errorCodes } from './error-codes.ts'
import { ownFolder } from './own-folder.ts'

export type Facts = Readonly<Record<string, string | number | boolean | null | undefined>>

/** How an error crosses a process border: plain data, no class instance. */
export interface ErrorData {
  readonly code: string
  readonly text: string
  readonly facts: Facts
  readonly stack?: string
}

/** A failure monoceros can name. `code` is a row of `errorCodes`; the message is that row's sentence with the facts in it. */
export class MonocerosError extends Error {
  override readonly name: string = 'MonocerosError'
  readonly code: ErrorCode
  readonly facts: Facts

  constructor(code: ErrorCode, facts: Facts = {}, cause?: unknown) {
    super(fill(errorCodes[code].text, facts), cause === undefined ? undefined : { cause })
    this.code = code
    this.facts = facts
  }

  get advice(): string {
    return (errorCodes[this.code] as ErrorRow).advice
  }

  get exitCode(): number {
    return errorCodes[this.code].exit
  }

  /** One that came from another process or thread: its cause stays there, the stack of it came along. */
  static fromData({ code, facts, stack }: ErrorData): MonocerosError {
    return new MonocerosError(code as ErrorCode, facts, stack === undefined ? undefined : withStack(stack))
  }

  toData(): ErrorData {
    const stack = stackOf(this.cause)
    return { code: this.code, text: this.message, facts: this.facts, ...(stack === undefined ? {} : { stack }) }
  }
}

function withStack(stack: string): Error {
  const error = new Error(stack.split('\n', 1)[0])
  error.stack = stack
  return error
}

/** Replaces each `{name}` in a sentence by the fact of that name; a missing fact leaves nothing. */
export function fill(sentence: string, facts: Facts): string {
  return sentence.replace(/\{(\w+)\}/g, (_, name: string) => String(facts[name] ?? ''))
}

/** One line saying what was thrown, whatever it was. */
export function problemOf(thrown: unknown): string {
  if (thrown instanceof Error) return oneLine(thrown.message || thrown.name)
  if (typeof thrown === 'string') return oneLine(thrown)
  try {
    return oneLine(`${typeof thrown} ${JSON.stringify(thrown) ?? String(thrown)} was thrown`)
  } catch {
    return `a ${typeof thrown} was thrown` // it cannot even be shown
  }
}

function oneLine(text: string): string {
  return text.replace(/\s*\n\s*/g, ' | ')
}

/** The app's own stack of what was thrown, causes included, or undefined when it has none. */
export function stackOf(thrown: unknown): string | undefined {
  if (!(thrown instanceof Error) || typeof thrown.stack !== 'string') return undefined
  const cause = thrown.cause === undefined ? undefined : stackOf(thrown.cause)
  return cause === undefined ? appPart(thrown.stack) : `${appPart(thrown.stack)}\nCaused by: ${cause}`
}

/** Without our own frames, and without those of Node and of our tools between the app and us. */
function appPart(stack: string): string {
  const lines = stack.split('\n').filter((line) => !(isFrame(line) && ownFolder !== null && line.includes(ownFolder)))
  const last = lines.findLastIndex((line) => !isFrame(line) || !/node:|\/node_modules\/(?:jiti|xstate)\/|<anonymous>/.test(line))
  return lines.slice(0, last + 1).join('\n')
}

const isFrame = (line: string) => /^\s+at /.test(line)
