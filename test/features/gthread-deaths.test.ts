/** Threads that die at their work: whoever had the request gets 502, nobody else notices, and the worker lives. */
import { setTimeout as pause } from 'node:timers/promises'
import { describe, expect, test } from 'vitest'
import { ask } from '../support/client.ts'
import { crowd, faulty, requestsIn, serves, ways, workerOf } from '../support/faults.ts'

const deaths = [
  ['process.exit() in a handler', '/exit', 'process.exit(3) was called in it', null],
  ['an exception thrown later in a timer', '/throw-later', 'uncaught TypeError: thrown in a timer', 'app.cjs'],
  ['a promise rejected and not handled', '/reject', 'uncaught RangeError: rejected by nobody', 'app.cjs'],
  ['a heap at its limit', '/fill', 'out of memory', null],
] as const

for (const [name, path, how, file] of deaths) {
  describe(`${name} ends its thread alone`, () => {
    test.each(ways)('met %s', async (_, meet) => {
      const server = await faulty('--threads', '2', '--thread-memory-limit', '48')
      const pid = workerOf(server)
      const others = crowd(server.port())
      await others.goesOn()
      const met = await meet(server.port(), path)
      expect(met.fault).toBe(502)
      expect(met.others).toEqual(met.others.map(() => 200))

      const lost = await server.until('thread.requests-lost', { pid })
      expect(lost).toMatchObject({ how, count: 1 })
      expect(requestsIn(lost)).toEqual([path])
      if (file !== null) expect((lost['stack'] as string[]).join('\n')).toContain(`${server.folder}/${file}`)
      const died = await server.until('thread.died', { pid, thread: lost['thread'] })
      expect(died['how']).toBe(how)
      const after = server.lines.indexOf(died)
      await server.until('thread.ready', { pid }, { after })
      await others.goesOn()
      expect((await others.stop()).problems).toEqual([])
      await serves(server, pid)
      expect(server.all('thread.died')).toHaveLength(1)
    })
  })
}

test('with one thread, requests that wait behind one that ends it are answered by the next thread', async () => {
  const server = await faulty('--threads', '1')
  const pid = workerOf(server)
  const port = server.port()
  const fault = ask({ port, path: '/throw-later' })
  await server.until('app.faulty')
  const waiting = await Promise.all(Array.from({ length: 8 }, () => ask({ port })))
  expect((await fault).status).toBe(502)
  expect(waiting.map(({ status }) => status)).toEqual(Array(8).fill(200))
  await serves(server, pid)
})

test('a thread that dies at several requests loses those and no others, and the log names each', async () => {
  const server = await faulty('--threads', '2', '--thread-concurrency', '4', '--timeout', '2')
  const pid = workerOf(server)
  const port = server.port()
  const held = ['/never?1', '/never?2', '/never?3'].map((path) => ask({ port, path }))
  await server.untilCount('app.faulty', 3)
  const statuses = (await Promise.all([...held, ask({ port, path: '/exit' })])).map(({ status }) => status)
  const lost = await server.until('thread.requests-lost', { pid })
  expect(lost['count']).toBe(statuses.filter((status) => status === 502).length)
  expect(requestsIn(lost)).toHaveLength(lost['count'] as number)
  expect(requestsIn(lost)).toContain('/exit')
  // The others are in the other thread, and hang there.
  expect(statuses.filter((status) => status !== 502 && status !== 504)).toEqual([])
  await serves(server, pid)
})

test('an answer that its thread did not finish is cut, so that it is not taken for whole', async () => {
  const server = await faulty('--threads', '2')
  const pid = workerOf(server)
  await expect(ask({ port: server.port(), path: '/begin-and-exit' })).rejects.toThrow()
  expect(requestsIn(await server.until('thread.requests-lost', { pid }))).toEqual(['/begin-and-exit'])
  await serves(server, pid)
})

test('what throws when all answers are given costs no client anything, and is told all the same', async () => {
  const server = await faulty('--threads', '2')
  const pid = workerOf(server)
  expect(await ask({ port: server.port(), path: '/answer-and-throw' })).toMatchObject({ status: 200, body: 'answered' })
  const lost = await server.until('thread.requests-lost', { pid })
  expect(lost).toMatchObject({ count: 0, how: 'uncaught TypeError: thrown after the answer' })
  await server.until('thread.died', { pid })
  await serves(server, pid)
})

test('a thread whose app keeps more and more is replaced before its heap is at its limit, and no request is lost', async () => {
  const server = await faulty('--threads', '2', '--thread-memory-limit', '64')
  const pid = workerOf(server)
  const port = server.port()
  const statuses = new Set<number>()
  expect((await ask({ port, path: '/leak?40' })).status).toBe(200)
  while (server.all('thread.gone').length < 1) {
    statuses.add((await ask({ port, path: '/leak?0.25' })).status)
    await pause(20)
  }
  expect([...statuses]).toEqual([200])
  expect(server.all('thread.died')).toEqual([])
  expect(String(server.all('thread.recycle')[0]?.['reason'])).toMatch(/heap/)
  await serves(server, pid)
})

test('where V8 ends the whole process, the log names what its threads were at, and the next worker serves', async () => {
  const server = await faulty('--threads', '2', '--timeout', '30')
  const pid = workerOf(server)
  const fault = ask({ port: server.port(), path: '/abort' })
  await expect(fault).rejects.toThrow()
  const seen = await server.until('worker.last-seen', { childPid: pid })
  expect(requestsIn(seen)).toEqual(['/abort'])
  expect(seen['threads']).toMatchObject([{ inFlight: 1 }])
  await server.until('worker.died', { childPid: pid })
  const ready = await server.until('worker.ready', ({ childPid }) => childPid !== pid)
  expect((await ask({ port: server.port() })).body).toMatch(`${ready.childPid} `)
})
