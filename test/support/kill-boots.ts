import type { LogLine, Running } from './harness.ts'

/** Kills each worker of a slot as soon as it has been spawned, until the promise settles, and answers what that brings. */
export async function killBootsOf<T>(server: Running, { slot }: { readonly slot: number }, over: Promise<T>): Promise<T> {
  const killed = new Set<unknown>()
  const isNew = (line: LogLine) => line.slot === slot && !killed.has(line.childPid)
  for (;;) {
    const booting = server.until('worker.booting', isNew)
    booting.catch(() => undefined) // the last one is not waited for
    const next = await Promise.race([booting, over.then(() => null)])
    if (next === null) return over
    killed.add(next.childPid)
    try {
      process.kill(next.childPid as number, 'SIGKILL')
    } catch {
      // it ended by itself
    }
  }
}
