import { once } from 'node:events'
import http, { type IncomingMessage } from 'node:http'
import type { AddressInfo } from 'node:net'
import { expect, it, onTestFinished } from 'vitest'
import { applyChange, calmed, changeFrom } from '../../../src/dashboard/snapshot-change.ts'
import { createViewers, type Told, type Viewers } from '../../../src/dashboard/viewers.ts'
import type { Snapshot, WorkerView } from '../../../src/ipc/snapshot.ts'
import type { Recorded } from '../../../src/ipc/transition.ts'
import { longRecording } from '../../support/long-recording.ts'

const recorded: Recorded[] = longRecording(3, 5_000)
  .trim()
  .split('\n')
  .map((line, index) => ({ id: index + 1, step: JSON.parse(line) }))

const told: Told = {
  source: 'file',
  name: 'test',
  life: 'one',
  history: { lastId: recorded.length, size: recorded.length, since: (id) => recorded.slice(id), before: () => [] },
  now: null,
}

async function serve(what: Told): Promise<{ viewers: Viewers; ask(query?: string): Promise<IncomingMessage> }> {
  const viewers = createViewers(what)
  const server = http.createServer((req, res) => {
    const query = new URL(req.url ?? '', 'http://x').searchParams
    viewers.add(res, query.get('life') ?? '', Number(query.get('after') ?? Number.NaN))
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  const { port } = server.address() as AddressInfo
  onTestFinished(() => {
    viewers.close()
    server.closeAllConnections()
    server.close()
  })
  return {
    viewers,
    async ask(query = '') {
      const request = http.get({ port, host: '127.0.0.1', path: `/?${query}` })
      const [response] = (await once(request, 'response')) as [IncomingMessage]
      return response
    },
  }
}

/** Reads until so many steps have come. */
async function stepsIn(response: IncomingMessage, count: number): Promise<number[]> {
  const ids: number[] = []
  let rest = ''
  if (count === 0) return ids
  for await (const chunk of response) {
    const blocks = (rest + chunk).split('\n\n')
    rest = blocks.pop() ?? ''
    for (const block of blocks) {
      const data = /^event: steps\ndata: (.*)$/s.exec(block)?.[1]
      if (data !== undefined) ids.push(...(JSON.parse(data) as Recorded[]).map(({ id }) => id))
    }
    if (ids.length >= count) return ids
  }
  return ids
}

it('who looks on is told every step once, in order', async () => {
  const { ask } = await serve(told)
  expect(await stepsIn(await ask(), recorded.length)).toEqual(recorded.map(({ id }) => id))
})

it('who comes back is told the rest; who comes back to another life, all of it', async () => {
  const { ask } = await serve(told)
  expect(await stepsIn(await ask('life=one&after=4990'), recorded.length - 4_990)).toEqual(recorded.slice(4_990).map(({ id }) => id))
  expect((await stepsIn(await ask('life=other&after=4990'), recorded.length))[0]).toBe(1)
})

it('for one that does not read nothing piles up', async () => {
  const { ask, viewers } = await serve(told)
  const response = await ask()
  response.pause()
  const others = await stepsIn(await ask(), recorded.length)
  expect(others.length).toBe(recorded.length)
  expect(viewers.count).toBeGreaterThan(0)
  // What was written and not read is one piece, however long the history.
  expect(response.readableLength).toBeLessThan(400_000)
})

it('beyond a number of them the next is refused', async () => {
  const { ask } = await serve(told)
  const all = await Promise.all(Array.from({ length: 33 }, () => ask()))
  expect(all.filter(({ statusCode }) => statusCode === 503).length).toBe(1)
})

const worker = (age: number, more: Partial<WorkerView> = {}): WorkerView => ({
  pid: 100 + age, startedAt: 0, state: 'ready', stateSince: 0, memoryBytes: 50_000_000, heapBytes: 10_000_000, utilization: 0.001,
  lagMs: 0.4, slot: age, age, generation: 1, isBooted: true, lastBeatMs: 300, counters: null, requests: [], threads: [], apps: [], ...more,
}) // biome-ignore format: one block reads better

const snapshot = (workers: readonly WorkerView[], more: Partial<Snapshot> = {}): Snapshot =>
  calmed({
    at: 1,
    name: 'x',
    workersWanted: 2,
    arbiter: worker(0),
    dirtyArbiter: null,
    workers,
    dirtyWorkers: [],
    sidecars: [],
    ...more,
  } as unknown as Snapshot)

it('of idle workers nothing is told', () => {
  const before = snapshot([worker(1), worker(2)])
  const after = snapshot([worker(1, { memoryBytes: 50_010_000, lastBeatMs: 900, lagMs: 0.2 }), worker(2)], { at: 2 })
  expect(changeFrom(before, after)).toEqual({
    at: 2,
    facts: {},
    workers: { changed: [], gone: [] },
    dirtyWorkers: { changed: [], gone: [] },
  })
})

it('what has changed makes the one from the other', () => {
  const before = snapshot([worker(1), worker(2), worker(3)])
  const after = snapshot([worker(1, { state: 'draining' }), worker(3), worker(4)], { at: 2, workersWanted: 3 })
  const change = changeFrom(before, after)
  expect(change.workers.changed.map(({ age }) => age)).toEqual([1, 4])
  expect(change.workers.gone).toEqual([2])
  const made = applyChange(before, JSON.parse(JSON.stringify(change)))
  expect(made).toEqual(after)
  expect(made.workers[1]).toBe(before.workers[2])
})
