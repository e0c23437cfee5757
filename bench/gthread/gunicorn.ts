/** Gunicorn, as the distribution's packages have it (`apt-get install gunicorn`). It runs an app of its own language. */
import { execFileSync, spawn } from 'node:child_process'
import { fileURLToPath } from 'node:url'
import type { Arm } from '../serve/arms.ts'
import { end, freePort, lineOf, stoppable } from '../serve/child.ts'
import { childrenOf, familyOf } from '../serve/processes.ts'

const folder = fileURLToPath(new URL('.', import.meta.url))

export function gunicorn(name: string, threads: number): Arm {
  return {
    name,
    async start({ workers }) {
      const port = await freePort()
      const words = ['-w', String(workers), '-k', 'gthread', '--threads', String(threads), '--keep-alive', '75', '-b', `127.0.0.1:${port}`]
      const env = { ...process.env, PYTHONDONTWRITEBYTECODE: '1' }
      const startedMs = performance.now()
      const child = spawn('gunicorn', [...words, 'hello:app'], { cwd: folder, env, detached: true, stdio: ['ignore', 'ignore', 'pipe'] })
      const stop = stoppable(() => end(child))
      let booting = 0
      await lineOf(child, 'stderr', (line) => {
        if (line.includes('Booting worker')) booting++
        return booting === workers
      })
      const pid = child.pid as number
      return {
        port,
        readyMs: performance.now() - startedMs,
        pids: () => familyOf(pid),
        workers: () => childrenOf(pid),
        problems: () => [],
        stop,
      }
    },
  }
}

/** Null where there is none. */
export function gunicornVersion(): string | null {
  try {
    return /[\d.]+/.exec(execFileSync('gunicorn', ['--version'], { encoding: 'utf8' }))?.[0] ?? null
  } catch {
    return null
  }
}
