/** One connection to a control socket: one request at a time, one answer each. */
import { connect, type Socket } from 'node:net'
import { MonocerosError } from '../../base/errors.ts'
import { answerMaxBytes, FrameError, frameReader, toFrame } from '../frames.ts'

export type Reply =
  | { readonly ok: true; readonly data: Readonly<Record<string, unknown>> }
  | { readonly ok: false; readonly error: string; readonly advice: string; readonly exitCode: 1 | 2 }

export interface Connection {
  /** False once the server has closed it, as it does with those that are silent for long. */
  readonly isOpen: boolean
  /** @throws MON_CONTROL_LOST, MON_CONTROL_SILENT */
  request(words: readonly string[], patienceS?: number): Promise<Reply>
  close(): void
}

const patienceUsualS = 30

/** @throws MON_CONTROL_NO_SERVER */
export async function connectTo(path: string): Promise<Connection> {
  const socket = await opened(path)
  const read = frameReader(answerMaxBytes)
  let waiting: { resolve(reply: Reply): void; reject(error: unknown): void } | null = null
  let lastId = 0

  const fail = (error: unknown) => {
    socket.destroy()
    waiting?.reject(error)
    waiting = null
  }
  socket.on('data', (chunk) => {
    for (const message of read(chunk)) {
      if (message instanceof FrameError) return fail(lost(message.message))
      waiting?.resolve(replyOf(message as Answered))
      waiting = null
    }
  })
  socket.on('error', (error) => fail(lost(error.message)))
  socket.on('close', () => fail(lost('the server closed it')))

  return {
    get isOpen() {
      return !socket.destroyed
    },
    request: (words, patienceS = patienceUsualS) =>
      new Promise<Reply>((resolve, reject) => {
        if (socket.destroyed) {
          reject(lost('the server closed it'))
          return
        }
        const timer = setTimeout(
          () => fail(new MonocerosError('MON_CONTROL_SILENT', { command: words.join(' '), patienceS })),
          patienceS * 1_000,
        )
        const over = () => clearTimeout(timer)
        waiting = {
          resolve(reply) {
            over()
            resolve(reply)
          },
          reject(error) {
            over()
            reject(error)
          },
        }
        const [command, ...args] = words
        socket.write(toFrame({ id: ++lastId, command: command === undefined ? '' : quoted(command), args }))
      }),
    close: () => void socket.destroy(),
  }
}

/** The server splits it as a shell does. */
const quoted = (word: string) => `'${word.replaceAll("'", `'\\''`)}'`
const lost = (problem: string) => new MonocerosError('MON_CONTROL_LOST', { problem })

function opened(path: string): Promise<Socket> {
  return new Promise((resolve, reject) => {
    const socket = connect(path)
    socket.once('connect', () => {
      socket.removeAllListeners('error')
      resolve(socket)
    })
    socket.once('error', ({ code, message }: NodeJS.ErrnoException) => {
      reject(new MonocerosError('MON_CONTROL_NO_SERVER', { path, problem: problems[code ?? ''] ?? message }))
    })
  })
}

const problems: Readonly<Record<string, string>> = {
  ENOENT: 'there is no such file',
  ECONNREFUSED: 'its server is gone',
  EACCES: 'it belongs to another user',
  ENOTSOCK: 'it is not a socket',
}

interface Answered {
  readonly status?: string
  readonly data?: Readonly<Record<string, unknown>>
  readonly error?: string
  readonly advice?: string
}

function replyOf({ status, data = {}, error = '', advice = '' }: Answered): Reply {
  if (status === 'ok') return { ok: true, data }
  return { ok: false, error, advice, exitCode: /^(Invalid argument|Empty command)/.test(error) ? 2 : 1 }
}
