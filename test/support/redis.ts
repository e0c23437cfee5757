/** A Redis of the test's own, and what a service with BullMQ is made of. */
import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, rmSync } from 'node:fs'
import { createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { lacksProgram } from './system.ts'

export interface Redis {
  readonly port: number
  /** As BullMQ wants it. */
  readonly connection: { readonly host: string; readonly port: number; readonly maxRetriesPerRequest: null }
  /** SIGKILL, and the same data at the same port again: it is written down at each change. */
  restart(): Promise<void>
  stop(): Promise<void>
}

const host = '127.0.0.1'

export const lacksRedis = lacksProgram('redis-server')

/** @param isLasting its data survive its death */
export async function startRedis({ isLasting = false } = {}): Promise<Redis> {
  const folder = mkdtempSync(join(tmpdir(), 'monoceros-redis-'))
  let server: ChildProcess | null = null
  let port = 0
  // Somebody else may take the port before it does.
  while (server === null) {
    port = await freePort()
    server = await serve(folder, port, isLasting)
  }

  async function kill(signal: NodeJS.Signals): Promise<void> {
    const present = server
    if (present === null || present.exitCode !== null || present.signalCode !== null) return
    const gone = once(present, 'exit')
    present.kill(signal)
    await gone
  }

  return {
    port,
    connection: { host, port, maxRetriesPerRequest: null },
    async restart() {
      await kill('SIGKILL')
      server = await serve(folder, port, isLasting)
      if (server === null) throw new Error('redis-server did not come back')
    },
    async stop() {
      await kill('SIGTERM')
      rmSync(folder, { recursive: true, force: true })
    },
  }
}

/** Null when it ended before it took connections. */
async function serve(folder: string, port: number, isLasting: boolean): Promise<ChildProcess | null> {
  const lasting = isLasting ? ['--appendonly', 'yes', '--appendfsync', 'always'] : []
  const words = ['--port', String(port), '--bind', host, '--dir', folder, '--save', '', '--maxmemory-policy', 'noeviction', ...lasting]
  const server = spawn('redis-server', words, { stdio: ['ignore', 'pipe', 'inherit'] })
  const lines = createInterface({ input: server.stdout })
  return await new Promise((resolve, reject) => {
    server.once('error', reject)
    server.once('exit', () => resolve(null))
    lines.on('line', (line) => line.includes('Ready to accept connections') && resolve(server))
  })
}

async function freePort(): Promise<number> {
  const server = createServer().listen(0, host)
  await once(server, 'listening')
  const { port } = server.address() as { port: number }
  server.close()
  await once(server, 'close')
  return port
}
