/** Platformatic's Watt: one process, the program in a thread a worker. */
import { spawn } from 'node:child_process'
import { fileURLToPath } from 'node:url'
import { wattNodePath, wattPath } from '../peers.ts'
import type { Arm } from '../serve/arms.ts'
import { end, freePort, lineOf, stoppable } from '../serve/child.ts'
import { familyOf } from '../serve/processes.ts'

const folder = fileURLToPath(new URL('./watt', import.meta.url))

/** What may not happen once it is ready. Its threads have no pids that would tell. */
const voiding = /^Starting the worker|unexpectedly exited|is being restarted/

export const watt: Arm = {
  name: 'Watt',
  async start({ app, workers }) {
    const port = await freePort()
    const env = { ...process.env, BENCH_APP: app, BENCH_WORKERS: String(workers), PORT: String(port) }
    const startedMs = performance.now()
    const child = spawn(wattNodePath, [wattPath, 'start'], { cwd: folder, env, detached: true, stdio: ['ignore', 'pipe', 'inherit'] })
    const stop = stoppable(() => end(child))
    const found: string[] = []
    let isReady = false
    await lineOf(child, 'stdout', (line) => {
      const said = messageOf(line)
      if (isReady && voiding.test(said)) found.push(said)
      isReady ||= said.includes('is now listening at')
      return isReady
    })
    const pid = child.pid as number
    return {
      port,
      readyMs: performance.now() - startedMs,
      pids: () => familyOf(pid),
      workers: () => [pid],
      problems: () => [...found],
      stop,
    }
  },
}

function messageOf(line: string): string {
  try {
    return String((JSON.parse(line) as { msg?: unknown }).msg)
  } catch {
    return ''
  }
}
