/** Runs one command of a person or a program: asks, and prints what comes. */
import { MonocerosError } from '../../base/errors.ts'
import { commandNames, rowOf } from '../command-table.ts'
import { type Connection, connectTo, type Reply } from './connection.ts'
import type { Paint, Row } from './table.ts'
import { eventLine, viewOf } from './views.ts'

export interface Session {
  readonly path: string
  readonly isJson: boolean
  readonly paint: Paint
  /** A screen that can be drawn over. */
  readonly isScreen: boolean
  print(text: string): void
  complain(text: string): void
  /** Resolves when the user has enough of what would go on for ever. */
  interrupted(): Promise<void>
}

export type ExitCode = 0 | 1 | 2

/** Keeps one connection, and makes a new one when it was lost. */
export class Line {
  #connection: Connection | null = null
  readonly #path: string

  constructor(path: string) {
    this.#path = path
  }

  /** @throws MON_CONTROL_NO_SERVER */
  async open(): Promise<Connection> {
    if (this.#connection?.isOpen !== true) this.#connection = await connectTo(this.#path)
    return this.#connection
  }

  /** @throws MON_CONTROL_NO_SERVER, MON_CONTROL_LOST, MON_CONTROL_SILENT */
  async request(words: readonly string[]): Promise<Reply> {
    const connection = await this.open()
    const name = commandOf(words)
    try {
      return await connection.request(words, name === null ? undefined : rowOf(name).patienceS)
    } catch (error) {
      this.close()
      throw error
    }
  }

  close(): void {
    this.#connection?.close()
    this.#connection = null
  }
}

const commandOf = (words: readonly string[]) =>
  commandNames.findLast((name) => words.slice(0, name.split(' ').length).join(' ').toLowerCase() === name) ?? null

export async function runCommand(words: readonly string[], line: Line, session: Session): Promise<ExitCode> {
  try {
    if (words[0]?.toLowerCase() === 'watch') return await watch(words.slice(1), line, session)
    const isFollowed = commandOf(words) === 'show events' && words.includes('--follow')
    if (isFollowed)
      return await follow(
        words.filter((word) => word !== '--follow'),
        line,
        session,
      )
    return show(words, await line.request(words), session)
  } catch (error) {
    if (!(error instanceof MonocerosError)) throw error
    session.complain(`${error.message}\n${error.advice}`)
    return error.exitCode === 2 ? 2 : 1
  }
}

function show(words: readonly string[], reply: Reply, { isJson, paint, print, complain }: Session): ExitCode {
  if (!reply.ok) {
    complain(reply.advice === '' ? reply.error : `${reply.error}\n${reply.advice}`)
    return reply.exitCode
  }
  print(isJson ? JSON.stringify(reply.data, null, 2) : viewOf(commandOf(words) ?? '', reply.data, paint))
  return 0
}

const followEveryMs = 300

/** Asks for what came since: a reader that is slow slows down nobody but itself. */
async function follow(words: readonly string[], line: Line, session: Session): Promise<ExitCode> {
  let isOver = false
  const end = session.interrupted().then(() => {
    isOver = true
  })
  let after: unknown = null
  while (!isOver) {
    const reply = await line.request(after === null ? words : [...withoutStart(words), '--after', String(after)])
    if (!reply.ok) return show(words, reply, session)
    const events = (reply.data['events'] ?? []) as readonly Row[]
    for (const event of events) session.print(session.isJson ? JSON.stringify(event) : eventLine(event, session.paint))
    after = events.at(-1)?.['id'] ?? after ?? reply.data['last_id']
    await Promise.race([end, wait(followEveryMs)])
  }
  return 0
}

/** From the second question on only the number counts from where to go on. */
function withoutStart(words: readonly string[]): string[] {
  const kept: string[] = []
  for (let at = 0; at < words.length; at++) {
    const word = words[at]!
    if (/^--(since|after|limit)$/.test(word)) at++
    else if (!/^--(since|after|limit)=/.test(word)) kept.push(word)
  }
  return kept
}

const watchUsualS = 1

async function watch(words: readonly string[], line: Line, session: Session): Promise<ExitCode> {
  const seconds = /^\d+(\.\d+)?$/.test(words[0] ?? '') ? Number(words[0]) : null
  const command = seconds === null ? words : words.slice(1)
  const name = commandOf(command)
  if (name === null || !name.startsWith('show ') || seconds === 0) {
    throw new MonocerosError('MON_CONTROL_CTL', { problem: 'the form is: watch [SECONDS] show ...' })
  }
  let isOver = false
  const end = session.interrupted().then(() => {
    isOver = true
  })
  for (;;) {
    const reply = await line.request(command)
    // Drawn over what is there, in one piece, so that nothing flickers.
    const clear = session.isScreen && !session.isJson ? '\x1b[H\x1b[2J' : ''
    const title = session.isJson ? '' : `${session.paint(`${new Date().toLocaleTimeString('en-GB')}  ${command.join(' ')}`, 'dim')}\n\n`
    if (!reply.ok) return show(command, reply, session)
    session.print(
      clear +
        title +
        (session.isJson ? JSON.stringify(reply.data) : `${viewOf(name, reply.data, session.paint)}${clear === '' ? '\n' : ''}`),
    )
    await Promise.race([end, wait((seconds ?? watchUsualS) * 1_000)])
    if (isOver) return 0
  }
}

const wait = (ms: number) => new Promise<void>((resolve) => setTimeout(resolve, ms))
