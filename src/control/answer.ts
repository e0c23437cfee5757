/** Answers one request of the control socket, whatever it is. */
import { MonocerosError, problemOf } from '../base/errors.ts'
import { shellSplit } from '../config/shell-split.ts'
import { type CommandName, commandNames, formOf, type Handlers, rowOf } from './command-table.ts'
import { readCommand } from './read-command.ts'

export type Answer =
  | { readonly id: unknown; readonly status: 'ok'; readonly data: object }
  /** `error` is what Gunicorn has; the rest is ours. */
  | { readonly id: unknown; readonly status: 'error'; readonly error: string; readonly code: string; readonly advice: string }

export interface AnswerHost {
  readonly handlers: Omit<Handlers, 'help'>
  /** An order is about to be carried out. */
  onOrder(command: string): void
}

export async function answerRequest(request: unknown, host: AnswerHost): Promise<Answer> {
  const { id = null, command, args = [] } = (typeof request === 'object' && request !== null ? request : {}) as Record<string, unknown>
  try {
    const words = wordsOf(command, args)
    const { name, values } = readCommand(words)
    if (rowOf(name).isOrder) host.onOrder(words.join(' '))
    if (name === 'help') return { id, status: 'ok', data: help() }
    const handler = host.handlers[name] as (values: unknown) => object | Promise<object>
    return { id, status: 'ok', data: await handler(values) }
  } catch (error) {
    return { id, status: 'error', ...told(error) }
  }
}

function wordsOf(command: unknown, args: unknown): string[] {
  const isText = (value: unknown) => typeof value === 'string' || typeof value === 'number'
  if (typeof command !== 'string' || !Array.isArray(args) || !args.every(isText)) throw new MonocerosError('MON_CONTROL_REQUEST')
  return [...shellSplit(command, 'command'), ...args.map(String)]
}

/** Whether the words were wrong, or what they ask for cannot be had: Gunicorn says it in the text, and its client shows that. */
function told(error: unknown): { error: string; code: string; advice: string } {
  const failure = error instanceof MonocerosError ? error : new MonocerosError('MON_CONTROL_FAILED', { problem: problemOf(error) }, error)
  const { code, message, advice, exitCode } = failure
  if (code === 'MON_CONTROL_EMPTY') return { error: message, code, advice }
  return { error: `${exitCode === 2 ? 'Invalid argument' : 'Command failed'}: ${message}`, code, advice }
}

function help(): { commands: Record<string, string> } {
  const shown = (name: CommandName) => [formOf(name), rowOf(name).doc] as const
  return { commands: Object.fromEntries(commandNames.map(shown)) }
}
