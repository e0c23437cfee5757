// What can go wrong in a process, on request.
import { setTimeout as sleep } from 'node:timers/promises'
import { threadId } from 'node:worker_threads'
import { wholeNumber } from './catalog.js'

const MS_MAX = 600_000

/** Waits without blocking. @param {unknown} ms default 200, at most 10 minutes */
export async function waitFor(ms) {
  const waitMs = Math.min(wholeNumber(ms, 200), MS_MAX)
  await sleep(waitMs)
  return { pid: process.pid, waitedMs: waitMs }
}

/** Blocks this thread's event loop. @param {unknown} ms default 200, at most 10 minutes */
export function burnCpu(ms) {
  const startedMs = performance.now()
  const untilMs = startedMs + Math.min(wholeNumber(ms, 200), MS_MAX)
  let spins = 0
  while (performance.now() < untilMs) spins++
  return { pid: process.pid, burnedMs: Math.round(performance.now() - startedMs), spins }
}

/** Throws where nobody can catch it: the process dies, and the request that asked for it gets no answer. */
export function crashSoon() {
  setImmediate(() => {
    throw new Error('crash was asked for')
  })
}

/** @param {{ slot?: number } | undefined} [ctx] what `onStartup` was given */
export function whoAmI(ctx) {
  return { pid: process.pid, threadId, ...(ctx?.slot === undefined ? {} : { slot: ctx.slot }) }
}
