/**
 * Who starts me: the benchmark's driver, by fork, one of me for each arm.
 * I expect: an IPC channel; on it first the way to the arm, then one task after another.
 * I own: the calls, and the clock that they are measured with.
 * I end: when the driver closes the channel, or is gone.
 * Exit codes: 0 · 1 when the arm cannot be reached.
 */
import type { Task, TaskResult, Way } from './protocol.ts'
import { type Caller, openWay } from './ways.ts'

const sorted = (values: readonly number[]) => values.toSorted((a, b) => a - b)
const quantileOf = (values: readonly number[], share: number) => values[Math.ceil(values.length * share) - 1] ?? Number.NaN

async function run(caller: Caller, task: Task): Promise<TaskResult> {
  const problems: string[] = []
  const expect = (isRight: boolean, what: string) => {
    if (!isRight && problems.length < 5) problems.push(`a wrong answer: ${what}`)
  }
  switch (task.type) {
    case 'no-op':
      return { figures: await noOps(caller, task, expect), problems }
    case 'buffer':
      return { figures: await buffers(caller, task, expect), problems }
    case 'stream':
      return { figures: await stream(caller, task, expect), problems }
    case 'queued': {
      const startedMs = performance.now()
      const answers = await caller.pingAll(task.calls)
      const seconds = (performance.now() - startedMs) / 1_000
      expect(answers.length === task.calls && answers.every((answer, n) => answer === n), 'not what was called, in its order')
      return { figures: { callsPerS: task.calls / seconds }, problems }
    }
    case 'burn':
      return { figures: await burns(caller, task, expect), problems }
  }
}

type Expect = (isRight: boolean, what: string) => void

async function noOps(caller: Caller, { callers, seconds }: Extract<Task, { type: 'no-op' }>, expect: Expect) {
  const tookUs: number[] = []
  const startedMs = performance.now()
  const endMs = startedMs + seconds * 1_000
  let nonce = 0
  const callOn = async () => {
    for (let nowMs = performance.now(); nowMs < endMs; ) {
      const mine = nonce++
      expect((await caller.ping(mine)) === mine, 'that of another call')
      const doneMs = performance.now()
      tookUs.push((doneMs - nowMs) * 1_000)
      nowMs = doneMs
    }
  }
  await Promise.all(Array.from({ length: callers }, callOn))
  const callsPerS = tookUs.length / ((performance.now() - startedMs) / 1_000)
  const all = sorted(tookUs)
  return { p50Us: quantileOf(all, 0.5), p99Us: quantileOf(all, 0.99), callsPerS }
}

async function buffers(caller: Caller, { bytes, times }: Extract<Task, { type: 'buffer' }>, expect: Expect) {
  const buffer = Buffer.alloc(bytes, 7)
  const tookMs: number[] = []
  for (let n = 0; n < times; n++) {
    // At both ends, so that an answer that is short, or somebody else's, shows.
    buffer.writeUInt32LE(n, 0)
    buffer.writeUInt32LE(n, bytes - 4)
    const startedMs = performance.now()
    const answer = await caller.send(buffer)
    tookMs.push(performance.now() - startedMs)
    const view = Buffer.from(answer.buffer, answer.byteOffset, answer.byteLength)
    expect(view.length === bytes && view.readUInt32LE(0) === n && view.readUInt32LE(bytes - 4) === n, 'other bytes')
  }
  return { p50Ms: quantileOf(sorted(tookMs), 0.5), maxMs: Math.max(...tookMs) }
}

async function stream(caller: Caller, { chunks }: Extract<Task, { type: 'stream' }>, expect: Expect) {
  const startedMs = performance.now()
  let firstMs = 0
  let next = 0
  for await (const chunk of caller.count(chunks)) {
    if (next === 0) firstMs = performance.now()
    expect(chunk === next++, 'not the next chunk')
  }
  expect(next === chunks, 'too few chunks')
  return { firstUs: (firstMs - startedMs) * 1_000, chunksPerS: (chunks - 1) / ((performance.now() - firstMs) / 1_000) }
}

async function burns(caller: Caller, { turns, jobs, seconds }: Extract<Task, { type: 'burn' }>, expect: Expect) {
  const startedMs = performance.now()
  const right = await caller.burn(turns)
  let done = 0
  const burnOn = async () => {
    while (performance.now() < startedMs + seconds * 1_000) {
      expect((await caller.burn(turns)) === right, 'not what the same turns led to before')
      done++
    }
  }
  await Promise.all(Array.from({ length: jobs }, burnOn))
  return { jobsPerS: done / ((performance.now() - startedMs) / 1_000) }
}

process.once('message', async (way: Way) => {
  const caller = await openWay(way)
  process.on('message', async (task: Task) => void process.send?.(await run(caller, task)))
  process.send?.('ready')
})
process.on('disconnect', () => process.exit())
