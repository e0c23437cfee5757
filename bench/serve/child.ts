/** Children that are servers: waiting for what they say, and ending them whatever happens. */
import type { ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import { createServer } from 'node:net'
import { createInterface } from 'node:readline'

export const patienceMs = 30_000

const stops = new Set<() => Promise<void>>()

/** Ends whatever still runs: they are in sessions of their own, so that a Ctrl-C does not reach them. */
export async function stopAll(): Promise<void> {
  await Promise.all([...stops].map((stop) => stop()))
}

/**
 * From the spawn on, so that a benchmark that is told to end while an arm starts leaves nothing behind. Who asks second waits
 * for the same end: a measurement that fails meanwhile would otherwise take the process down before all is stopped.
 */
export function stoppable(stop: () => Promise<void>): () => Promise<void> {
  let stopped: Promise<void> | null = null
  const once = () => {
    stopped ??= stop().finally(() => stops.delete(once))
    return stopped
  }
  stops.add(once)
  return once
}

/** Settles at the first line that `isIt`, and goes on showing it the lines that come later. */
export async function lineOf(child: ChildProcess, stream: 'stdout' | 'stderr', isIt: (line: string) => boolean): Promise<void> {
  const lines = createInterface({ input: child[stream] as NonNullable<ChildProcess['stdout']> })
  await new Promise<void>((resolve, reject) => {
    const timer = setTimeout(() => reject(new Error(`${child.spawnargs.join(' ')} did not get ready`)), patienceMs)
    child.once('exit', (code, signal) => reject(new Error(`${child.spawnargs.join(' ')} ended (${code ?? signal})`)))
    lines.on('line', (line) => {
      if (!isIt(line)) return
      clearTimeout(timer)
      resolve()
    })
  })
}

export async function end(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return
  const gone = once(child, 'exit')
  child.kill('SIGTERM')
  const timer = setTimeout(() => child.kill('SIGKILL'), patienceMs)
  await gone
  clearTimeout(timer)
}

export async function freePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1')
  await once(server, 'listening')
  const { port } = server.address() as { port: number }
  server.close()
  await once(server, 'close')
  return port
}

export async function answers(port: number): Promise<void> {
  const deadlineMs = performance.now() + patienceMs
  while (performance.now() < deadlineMs) {
    try {
      await (await fetch(`http://127.0.0.1:${port}/`)).text()
      return
    } catch {
      await new Promise((resolve) => setTimeout(resolve, 50))
    }
  }
  throw new Error(`nobody answers at port ${port}`)
}
