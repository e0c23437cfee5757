/**
 * Who starts me: the benchmark's driver, by fork, for each turn of an arm.
 * I expect: an IPC channel, and on it one order.
 * I own: my connections. Requests are sent when they are due, whether or not those before them have been answered.
 * I end: when the result is sent, or when the driver is gone.
 * Exit codes: 0.
 */
import { askOnce, type Line, openLine } from './line.ts'
import type { LoadOrder, LoadResult } from './protocol.ts'

const answersWithinMs = 20_000
const pause = (ms: number) => new Promise((resolve) => setTimeout(resolve, ms))

/** Something that is to be done again and again, at moments that are fixed beforehand. */
interface Series {
  nextMs: number
  readonly everyMs: number
  run(dueMs: number): void
}

async function run(order: LoadOrder): Promise<LoadResult> {
  const fastMs: number[] = []
  const burnMs: number[] = []
  const lateMs: number[] = []
  const servers = new Set<string>()
  const problems: string[] = []
  let countFromMs = Number.POSITIVE_INFINITY
  let unanswered = 0

  const onAnswer = (dueMs: number, server: string) => {
    unanswered--
    servers.add(server)
    if (dueMs >= countFromMs) fastMs.push(performance.now() - dueMs)
  }
  const onProblem = (problem: string) => void problems.push(problem)
  const lines: Line[] = []
  for (let n = 0; n < order.lines; n++) lines.push(await openLine({ ...order, path: order.fastPath, onAnswer, onProblem }))

  const startMs = performance.now() + 100
  countFromMs = startMs + order.warmUpSeconds * 1_000
  let sent = 0
  const fast: Series = {
    nextMs: startMs,
    everyMs: 1_000 / order.fastPerS,
    run(dueMs) {
      unanswered++
      lines[sent++ % lines.length]?.send(dueMs)
      if (dueMs >= countFromMs) lateMs.push(performance.now() - dueMs)
    },
  }
  const burns: Series = {
    nextMs: startMs,
    everyMs: 1_000 / order.burnsPerS,
    async run(dueMs) {
      unanswered++
      const problem = await askOnce({ ...order, path: order.burnPath })
      unanswered--
      if (problem !== null) onProblem(problem)
      if (dueMs >= countFromMs) burnMs.push(performance.now() - dueMs)
    },
  }
  await runUntil(countFromMs + order.seconds * 1_000, [burns, fast])
  const deadlineMs = performance.now() + answersWithinMs
  while (unanswered > 0 && problems.length === 0 && performance.now() < deadlineMs) await pause(10)
  if (unanswered > 0) onProblem(`${unanswered} without an answer`)
  for (const line of lines) line.close()
  const { user, system } = process.cpuUsage()
  const cpuMs = (user + system) / 1_000
  return { fastMs: sorted(fastMs), burnMs: sorted(burnMs), lateMs: sorted(lateMs), cpuMs, servers: servers.size, problems }
}

/** Does all that has become due, and sleeps until the next is. */
function runUntil(endMs: number, all: readonly Series[]): Promise<void> {
  return new Promise((resolve) => {
    const wake = () => {
      for (const series of all)
        for (; series.nextMs < endMs && series.nextMs <= performance.now(); series.nextMs += series.everyMs) series.run(series.nextMs)
      const nextMs = Math.min(...all.map((series) => series.nextMs))
      if (nextMs >= endMs) resolve()
      else setTimeout(wake, nextMs - performance.now())
    }
    wake()
  })
}

const sorted = (values: readonly number[]) => values.toSorted((a, b) => a - b)

process.once('message', async (order: LoadOrder) => {
  const result = await run(order)
  process.send?.(result, () => process.disconnect())
})
process.on('disconnect', () => process.exit())
