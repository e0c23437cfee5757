/** The interactive mode: a prompt with history and completion. Without a terminal it takes a command from each line. */
import { chmodSync, readFileSync, writeFileSync } from 'node:fs'
import { homedir } from 'node:os'
import { join } from 'node:path'
import { createInterface, type Interface } from 'node:readline'
import { MonocerosError, problemOf } from '../../base/errors.ts'
import { shellSplit } from '../../config/shell-split.ts'
import { completeLine } from './complete.ts'
import { type ExitCode, Line, runCommand, type Session } from './session.ts'

const historyMax = 1_000
const historyPath = () => join(process.env['HOME'] || homedir(), '.monocerosctl_history')

export async function runInteractive(base: Omit<Session, 'interrupted'>): Promise<ExitCode> {
  const isTerminal = process.stdin.isTTY === true
  const line = new Line(base.path)
  try {
    await line.open()
  } catch (error) {
    if (!(error instanceof MonocerosError)) throw error
    base.complain(`${error.message}\n${error.advice}`)
    return 1
  }
  if (isTerminal) base.print(`connected to ${base.path}; help lists the commands, TAB completes, quit leaves\n`)
  const prompt = createInterface({
    input: process.stdin,
    output: isTerminal ? process.stdout : undefined,
    terminal: isTerminal,
    prompt: 'monoceros> ',
    history: isTerminal ? readHistory() : [],
    historySize: historyMax,
    removeHistoryDuplicates: true,
    completer: (text: string, done: (error: null, result: [string[], string]) => void) =>
      void completeLine(text, (command) => dataOf(line, command)).then((result) => done(null, result)),
  })
  // One that goes on for ever is ended by the keys that end the session when none is running.
  let interrupt: (() => void) | null = null
  const session: Session = { ...base, interrupted: () => new Promise((resolve) => (interrupt = resolve)) }
  prompt.on('SIGINT', () => {
    if (interrupt !== null) interrupt()
    else if (prompt.line === '') prompt.close()
    else prompt.write(null, { ctrl: true, name: 'u' })
  })
  let history: string[] = []
  prompt.on('history', (lines) => {
    history = lines
  })

  let exitCode: ExitCode = 0
  for await (const words of commands(prompt, session)) {
    const code = await runCommand(words, line, session)
    interrupt = null
    // Who reads from a pipe wants to know whether anything failed; who sits before it has seen it.
    if (code !== 0 && !isTerminal) exitCode = code
    if (isTerminal) prompt.prompt()
  }
  line.close()
  if (isTerminal) {
    base.print('')
    writeHistory(history)
  }
  return exitCode
}

async function* commands(prompt: Interface, session: Session): AsyncGenerator<string[]> {
  if (process.stdin.isTTY === true) prompt.prompt()
  for await (const text of prompt) {
    if (/^\s*(quit|exit|q)\s*$/i.test(text)) {
      prompt.close()
      return
    }
    const words = wordsOf(text, session)
    if (words.length > 0) yield words
    else if (process.stdin.isTTY === true) prompt.prompt()
  }
}

function wordsOf(text: string, session: Session): string[] {
  try {
    return shellSplit(text, 'command')
  } catch (error) {
    session.complain(problemOf(error))
    return []
  }
}

async function dataOf(line: Line, command: string): Promise<Readonly<Record<string, unknown>>> {
  try {
    const reply = await line.request([command])
    return reply.ok ? reply.data : {}
  } catch {
    return {} // the command itself will say it
  }
}

function readHistory(): string[] {
  try {
    return readFileSync(historyPath(), 'utf8').split('\n').filter(Boolean).slice(0, historyMax)
  } catch {
    return [] // the first time
  }
}

/** The newest first, as readline has it. */
function writeHistory(lines: readonly string[]): void {
  if (lines.length === 0) return
  try {
    writeFileSync(historyPath(), `${lines.slice(0, historyMax).join('\n')}\n`, { mode: 0o600 })
    chmodSync(historyPath(), 0o600)
  } catch {
    // A home that cannot be written costs the history only.
  }
}
