import { setTimeout as pause } from 'node:timers/promises'

/** Waits for what no event tells: a file's content, the state of a process. @throws with `problem` when it does not come */
export async function poll<T>(
  look: () => T | Promise<T>,
  problem: () => string = () => 'it did not come',
  withinMs = 15_000,
): Promise<NonNullable<T>> {
  const endMs = performance.now() + withinMs
  for (;;) {
    const found = await look()
    if (found) return found
    if (performance.now() > endMs) throw new Error(problem())
    await pause(20)
  }
}
