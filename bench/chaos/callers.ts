/** The load: callers in a process of its own, and requests whose handlers call. Every call is told, with what became of it. */
import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { ask } from '../../test/support/client.ts'
import { socketOf } from '../../test/support/dirty.ts'
import type { Running } from '../../test/support/harness.ts'
import type { Sites } from './sites.ts'

export interface Call {
  readonly kind: string
  readonly outcome: string
  readonly problem: string | null
  /** How much later than its timeout it settled. */
  readonly lateMs: number
}

export interface Callers {
  readonly foreign: ChildProcess
  /** Resolves when the last call has settled. */
  stop(): Promise<void>
  close(): Promise<void>
}

/** A request waits for its call, for a worker that stands still before it is killed, and where there is one at a time, for others. */
const requestMs = 30_000

/** Half of them in a process that is none of ours, the others in workers of each class. */
export function startCallers({ pool, sync, gthread }: Sites, callers: number, onCall: (call: Call) => void): Callers {
  const inGthread = Math.floor(callers / 5)
  const inSync = Math.ceil(callers / 20)
  const inAsync = Math.floor(callers / 2) - inGthread - inSync
  const foreign = spawn(process.execPath, ['foreign.mjs'], {
    cwd: pool.folder,
    env: { PATH: process.env['PATH'], MONOCEROS_DIRTY_SOCKET: socketOf(pool) },
    stdio: ['ignore', 'inherit', 'inherit', 'ipc'],
  })
  const over = new Promise<void>((resolve, reject) => {
    foreign.on('message', (message: { type: string; calls: readonly Call[] }) => {
      if (message.type === 'over') resolve()
      else for (const call of message.calls) onCall(call)
    })
    foreign.once('exit', (code, signal) => reject(new Error(`the callers' process ended: ${code ?? signal}`)))
  })
  over.catch(() => undefined) // looked at in `stop`
  let isOver = false

  async function client(server: Running): Promise<void> {
    while (!isOver) {
      try {
        const { status, body } = await ask({ port: server.port(), path: '/', timeoutMs: requestMs })
        onCall(status === 200 ? (JSON.parse(body) as Call) : unexpected(`status ${status} ${body.slice(0, 100)}`))
      } catch (error) {
        const { message, code = '' } = error as Error & { code?: string }
        // The worker that had it was killed.
        const isCut = ['ECONNRESET', 'EPIPE'].includes(code) || message === 'the answer was cut' || code === 'ECONNREFUSED'
        onCall(isCut ? { kind: 'HTTP', outcome: 'cut', problem: null, lateMs: 0 } : unexpected(message))
      }
    }
  }
  foreign.send({ callers: callers - inGthread - inSync - inAsync })
  const to = [...Array(inAsync).fill(pool), ...Array(inGthread).fill(gthread), ...Array(inSync).fill(sync)] as Running[]
  const clients = Promise.all(to.map(client))

  return {
    foreign,
    async stop() {
      isOver = true
      foreign.send('stop')
      await Promise.all([clients, over])
    },
    async close() {
      if (foreign.exitCode !== null || foreign.signalCode !== null) return
      const ended = once(foreign, 'exit')
      foreign.kill('SIGKILL')
      await ended
    },
  }
}

const unexpected = (problem: string): Call => ({ kind: 'HTTP', outcome: 'unexpected', problem, lateMs: 0 })
