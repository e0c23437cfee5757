/** The control socket as a program speaks to it: frames written and read by hand, so that both ends do not err alike. */
import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { connect, type Socket } from 'node:net'
import { join } from 'node:path'
import { onTestFinished } from 'vitest'
import { distPath, type Running } from './harness.ts'

// biome-ignore lint/suspicious/noExplicitAny: an answer is whatever the command has
export type Data = any

export interface Answer {
  readonly id: unknown
  readonly status: 'ok' | 'error'
  readonly data?: Data
  readonly error?: string
  readonly code?: string
  readonly advice?: string
}

export interface Client {
  readonly socket: Socket
  /** Sends a command and answers what came. */
  ask(command: string, args?: readonly (string | number)[]): Promise<Answer>
  /** The data; an error is the test's failure. */
  data(command: string): Promise<Data>
  /** The next frame, asked for or not; null: the server has closed. */
  next(): Promise<Answer | null>
  write(bytes: Buffer | string): void
}

export const socketPathOf = (server: Running): string => join(server.folder, 'monoceros.ctl')

export function frame(message: unknown): Buffer {
  const body = Buffer.from(typeof message === 'string' ? message : JSON.stringify(message))
  const head = Buffer.alloc(4)
  head.writeUInt32BE(body.length)
  return Buffer.concat([head, body])
}

export async function control(server: Running, path = socketPathOf(server)): Promise<Client> {
  await server.until('control.listening')
  const socket = connect(path)
  onTestFinished(() => void socket.destroy())
  await once(socket, 'connect')
  return talk(socket)
}

function talk(socket: Socket): Client {
  let rest = Buffer.alloc(0)
  let isClosed = false
  const came: Answer[] = []
  const waiting: ((answer: Answer | null) => void)[] = []
  socket.on('data', (chunk) => {
    rest = Buffer.concat([rest, chunk])
    while (rest.length >= 4 && rest.length >= 4 + rest.readUInt32BE()) {
      const end = 4 + rest.readUInt32BE()
      const answer = JSON.parse(rest.subarray(4, end).toString()) as Answer
      rest = rest.subarray(end)
      const waiter = waiting.shift()
      if (waiter === undefined) came.push(answer)
      else waiter(answer)
    }
  })
  socket.on('error', () => undefined)
  socket.on('close', () => {
    isClosed = true
    for (const waiter of waiting.splice(0)) waiter(null)
  })
  let lastId = 0
  const next = () =>
    new Promise<Answer | null>((resolve) => {
      const answer = came.shift()
      if (answer !== undefined) resolve(answer)
      else if (isClosed) resolve(null)
      else waiting.push(resolve)
    })
  const client: Client = {
    socket,
    next,
    write: (bytes) => void socket.write(bytes),
    async ask(command, args = []) {
      const id = ++lastId
      socket.write(frame({ id, command, args }))
      const answer = await next()
      if (answer === null) throw new Error(`${command}: the server has closed the connection`)
      if (answer.id !== id) throw new Error(`${command}: an answer to ${answer.id} instead of ${id}`)
      return answer
    },
    async data(command) {
      const answer = await client.ask(command)
      if (answer.status !== 'ok') throw new Error(`${command}: ${answer.error}`)
      return answer.data
    },
  }
  return client
}

export interface CtlRun {
  readonly code: number | null
  readonly stdout: string
  readonly stderr: string
}

export const ctlPath = join(distPath, 'src/entry/ctl.js')

export function spawnCtl(args: readonly string[], env: NodeJS.ProcessEnv = {}): ChildProcess {
  const child = spawn(process.execPath, [ctlPath, ...args], { env: { ...process.env, ...env }, stdio: ['pipe', 'pipe', 'pipe'] })
  onTestFinished(async () => {
    if (child.exitCode !== null || child.signalCode !== null) return
    child.kill('SIGKILL')
    await once(child, 'exit')
  })
  return child
}

/** Runs monocerosctl to its end. */
export async function ctl(args: readonly string[], input = '', env: NodeJS.ProcessEnv = {}): Promise<CtlRun> {
  const child = spawnCtl(args, env)
  let stdout = ''
  let stderr = ''
  child.stdout?.on('data', (chunk: Buffer) => {
    stdout += chunk
  })
  child.stderr?.on('data', (chunk: Buffer) => {
    stderr += chunk
  })
  child.stdin?.end(input)
  const [code] = (await once(child, 'close')) as [number | null]
  return { code, stdout, stderr }
}
