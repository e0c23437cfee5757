/**
 * A kept-alive connection. It has one request under way: one that becomes due meanwhile waits, and its time runs.
 * Answers are read here and not by node:http, which would cost this process more than the servers need.
 */

import { once } from 'node:events'
import { connect, type Socket } from 'node:net'

export interface LineOptions {
  readonly port: number
  readonly path: string
  readonly expected: string
  onAnswer(dueMs: number, server: string): void
  onProblem(problem: string): void
}

export interface Line {
  /** Sends a request, at once or as soon as those before it have their answers. */
  send(dueMs: number): void
  readonly isIdle: boolean
  close(): void
}

export async function openLine({ port, path, expected, onAnswer, onProblem }: LineOptions): Promise<Line> {
  const socket = connect({ port, host: '127.0.0.1', noDelay: true })
  await once(socket, 'connect')
  const request = `GET ${path} HTTP/1.1\r\nHost: 127.0.0.1:${port}\r\n\r\n`
  const dueMs: number[] = []
  let text = ''
  const fail = (problem: string) => {
    socket.destroy()
    onProblem(problem)
  }
  socket.setEncoding('latin1')
  socket.on('data', (chunk: string) => {
    text += chunk
    const answer = answerIn(text)
    if (answer === null) return
    const due = dueMs.shift()
    if (due === undefined || answer.rest !== '') return fail('an answer that nobody asked for')
    if (answer.status !== 200 || answer.body !== expected) return fail(`a wrong answer: ${text}`)
    text = ''
    if (dueMs.length > 0) socket.write(request)
    onAnswer(due, answer.server)
  })
  socket.on('error', (error) => fail(error.message))
  socket.on('end', () => fail('a line was closed by the server'))
  return {
    send(due) {
      dueMs.push(due)
      if (dueMs.length === 1) socket.write(request)
    },
    get isIdle() {
      return dueMs.length === 0
    },
    close: () => void socket.destroy(),
  }
}

/** A request of its own connection: resolves with what is wrong with the answer, or null. */
export async function askOnce({ port, path, expected }: Pick<LineOptions, 'port' | 'path' | 'expected'>): Promise<string | null> {
  const socket: Socket = connect({ port, host: '127.0.0.1', noDelay: true })
  socket.setEncoding('latin1')
  socket.write(`GET ${path} HTTP/1.1\r\nHost: 127.0.0.1:${port}\r\nConnection: close\r\n\r\n`)
  let text = ''
  socket.on('data', (chunk: string) => {
    text += chunk
  })
  try {
    await once(socket, 'end')
  } catch (error) {
    return `${path}: ${(error as Error).message}`
  }
  const answer = answerIn(text)
  return answer?.status === 200 && answer.body === expected ? null : `a wrong answer of ${path}: ${text}`
}

interface Answer {
  readonly status: number
  readonly server: string
  readonly body: string
  readonly rest: string
}

/** Null until it is whole. One without a length is never whole: no server sends such an answer to these requests. */
function answerIn(text: string): Answer | null {
  const headEnd = text.indexOf('\r\n\r\n')
  if (headEnd === -1) return null
  const head = text.slice(0, headEnd)
  const [, length] = /^content-length: (\d+)$/im.exec(head) ?? []
  if (length === undefined) return null
  const bodyStart = headEnd + 4
  const bodyEnd = bodyStart + Number(length)
  if (text.length < bodyEnd) return null
  const [, server = ''] = /^x-served-by: (\S+)$/im.exec(head) ?? []
  return { status: Number(head.slice(9, 12)), server, body: text.slice(bodyStart, bodyEnd), rest: text.slice(bodyEnd) }
}
