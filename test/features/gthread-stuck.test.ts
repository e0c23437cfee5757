/** Threads that do not get on: seen, shown, answered for and replaced, and nobody else waits for them. */
import { describe, expect, test } from 'vitest'
import { ask } from '../support/client.ts'
import { crowd, faulty, requestsIn, serves, ways, workerOf } from '../support/faults.ts'

describe('a thread blocked for ever in JavaScript is shown with its stack, answered for with 504 and replaced alone', () => {
  test.each(ways)('met %s', async (_, meet) => {
    const server = await faulty('--threads', '2', '--timeout', '1')
    const pid = workerOf(server)
    const others = crowd(server.port())
    const met = meet(server.port(), '/spin')
    await server.until('app.faulty')
    await others.goesOn(40)
    const { fault, others: besides } = await met
    expect(fault).toBe(504)
    expect(besides).toEqual(besides.map(() => 200))

    const { thread, blockedMs } = await server.until('thread.timeout', { pid })
    expect(blockedMs).toBeGreaterThan(900)
    const autopsy = await server.until('thread.autopsy', { pid, thread })
    expect(autopsy['where']).toBe('in JavaScript')
    expect((autopsy['stack'] as string[]).join('\n')).toContain(`spinForEver (${server.folder}/app.cjs:`)
    expect(requestsIn(autopsy)).toEqual(['/spin'])
    const killed = await server.until('thread.killed', { pid, thread })
    await server.until('thread.ready', { pid }, { after: server.lines.indexOf(killed) })
    expect(server.all('thread.killed')).toHaveLength(1)
    await others.goesOn()
    expect((await others.stop()).problems).toEqual([])
    await serves(server, pid)
    expect(server.all('worker.recycle')).toEqual([])
  })
})

describe('a response that an async handler never ends is answered for with 504, and its thread goes when another is ready', () => {
  test.each(ways)('met %s', async (_, meet) => {
    const server = await faulty('--threads', '2', '--timeout', '1')
    const pid = workerOf(server)
    const others = crowd(server.port())
    const { fault, others: besides } = await meet(server.port(), '/never')
    expect(fault).toBe(504)
    expect(besides).toEqual(besides.map(() => 200))

    const hung = await server.until('request.hung', { pid, method: 'GET', path: '/never' })
    expect(hung['ageMs']).toBeGreaterThan(900)
    await server.until('app.aborted')
    const { thread } = hung
    const recycle = await server.until('thread.recycle', { pid, thread })
    const ready = await server.until('thread.ready', { pid }, { after: server.lines.indexOf(recycle) })
    const gone = await server.until('thread.gone', { pid, thread })
    expect(server.lines.indexOf(gone)).toBeGreaterThan(server.lines.indexOf(ready))
    expect(ready['thread']).not.toBe(thread)
    await others.goesOn()
    expect((await others.stop()).problems).toEqual([])
    await serves(server, pid)
    expect(server.all('thread.died')).toEqual([])
  })
})

test('a thread with several requests that hang answers for each, and those that get on are finished', async () => {
  const server = await faulty('--threads', '1', '--thread-concurrency', '8', '--timeout', '1')
  const pid = workerOf(server)
  const others = crowd(server.port())
  const hung = await Promise.all(['/never', '/never', '/never'].map((path) => ask({ port: server.port(), path })))
  expect(hung.map(({ status }) => status)).toEqual([504, 504, 504])
  expect(await server.untilCount('request.hung', 3)).toHaveLength(3)
  await server.until('thread.gone', { pid })
  expect((await others.stop()).problems).toEqual([])
  await serves(server, pid)
})

test('an answer that hangs half way is cut, so that it is not taken for whole', async () => {
  const server = await faulty('--threads', '2', '--timeout', '1')
  const pid = workerOf(server)
  await expect(ask({ port: server.port(), path: '/begin-and-never' })).rejects.toThrow()
  await server.until('request.hung', { path: '/begin-and-never' })
  await server.until('thread.gone')
  await serves(server, pid)
})

const native = [
  ['a child process', '/exec'],
  ['a native computation', '/hash'],
] as const

for (const [what, path] of native) {
  describe(`a thread that waits for ${what} is condemned: its worker goes when a successor is ready`, () => {
    test.each(ways)('met %s', async (_, meet) => {
      const server = await faulty('--threads', '2', '--timeout', '1')
      const pid = workerOf(server)
      const others = crowd(server.port())
      const met = meet(server.port(), path)
      await server.until('app.faulty')
      const { fault, others: besides } = await met
      expect(fault).toBe(504)
      expect(besides).toEqual(besides.map(() => 200))

      const { thread } = await server.until('thread.timeout', { pid })
      const autopsy = await server.until('thread.autopsy', { pid, thread, where: 'in native code' })
      expect(requestsIn(autopsy)).toEqual([path])
      await server.until('thread.condemned', { pid, thread })
      const ready = await server.until('worker.ready', ({ childPid }) => childPid !== pid)
      const gone = await server.until('worker.gone', { childPid: pid })
      expect(server.lines.indexOf(gone)).toBeGreaterThan(server.lines.indexOf(ready))
      // Nobody takes its place beside it: it still uses a processor, or a child.
      expect(server.all('thread.ready', { pid })).toHaveLength(2)
      await others.goesOn()
      expect((await others.stop()).problems).toEqual([])
      await serves(server, ready['childPid'] as number)
      // With it went what it had started.
      expect(server.family().sort()).toEqual([server.pid, ready['childPid']].sort())
    })
  })
}
