import fc from 'fast-check'
import { expect, test } from 'vitest'
import { createPulse, readPulse } from '../../../src/ipc/pulse.ts'
import { createTracked, labelOf } from '../../../src/jobs/tracked.ts'

function tracked() {
  const pulse = createPulse()
  const counted: number[] = []
  const settled: number[] = []
  const all = createTracked({ pulse, onCounted: (status) => counted.push(status), onSettled: (count) => settled.push(count) })
  return { ...all, reader: readPulse(pulse.memory), counted, settled }
}

test('a tracked promise settles as it would have, and is counted by how', async () => {
  const { track, reader, counted, settled } = tracked()
  expect(await track(Promise.resolve(7), 'a')).toBe(7)
  expect(await track(8, 'no promise')).toBe(8)
  const error = new Error('no')
  await expect(track(Promise.reject(error), 'b')).rejects.toBe(error)
  // biome-ignore lint/suspicious/noThenProperty: what libraries answer with may be thenable only
  expect(await track({ then: (resolve: (value: number) => void) => resolve(9) } as PromiseLike<number>, 'thenable')).toBe(9)
  expect(counted).toEqual([200, 200, 500, 200])
  expect(settled).toEqual([1, 2, 3, 4])
  expect(reader.counters()).toMatchObject({ active: 0, served: 4, aborted: 0, status2xx: 3, status5xx: 1 })
})

test('those in flight are shown, the longest first, here and in the shared memory', async () => {
  const { track, inFlight, reader } = tracked()
  let finish = (_: string): void => undefined
  void track(new Promise(() => undefined), 'first')
  const second = track(
    new Promise<string>((resolve) => {
      finish = resolve
    }),
    'second',
  )
  expect(inFlight().map(({ method, path }) => `${method} ${path}`)).toEqual(['JOB first', 'JOB second'])
  expect(
    reader
      .requests(10)
      .list.map(({ path }) => path)
      .sort(),
  ).toEqual(['first', 'second'])
  finish('done')
  await second
  expect(inFlight().map(({ path }) => path)).toEqual(['first'])
})

test('it is idle when none is in flight, those that were begun meanwhile included', async () => {
  const { track, idle } = tracked()
  const order: string[] = []
  await idle()
  const first = Promise.resolve().then(() => {
    order.push('first')
    void track(
      Promise.resolve().then(() => order.push('second')),
      'second',
    )
  })
  void track(first, 'first')
  await idle()
  expect(order).toEqual(['first', 'second'])
})

test('a job that is begun by whoever awaited the last one is waited for', async () => {
  const { track, idle } = tracked()
  const order: string[] = []
  const series = async () => {
    for (const name of ['first', 'second', 'third'])
      await track(
        Promise.resolve().then(() => order.push(name)),
        name,
      )
  }
  void series()
  await idle()
  expect(order).toEqual(['first', 'second', 'third'])
})

test('those that are cut came to nothing, and may settle afterwards without being counted again', async () => {
  const { track, cut, idle, inFlight, reader, counted } = tracked()
  let finish = (): void => undefined
  const late = track(
    new Promise<void>((resolve) => {
      finish = resolve
    }),
    'late',
  )
  void track(new Promise(() => undefined), 'never')
  cut()
  await idle()
  expect(inFlight()).toEqual([])
  expect(counted).toEqual([0, 0])
  expect(reader.counters()).toMatchObject({ active: 0, served: 2, aborted: 2 })
  finish()
  await late
  expect(counted).toEqual([0, 0])
})

test('more jobs than the shared memory has room for are counted and named all the same', () => {
  const { track, inFlight, reader } = tracked()
  for (let n = 0; n < 400; n++) void track(new Promise(() => undefined), `job ${n}`)
  expect(inFlight()).toHaveLength(400)
  expect(reader.counters().active).toBe(400)
})

test('a label, whatever it is, comes back from the shared memory as it is shown', () => {
  fc.assert(
    fc.property(fc.string({ unit: 'binary', maxLength: 150 }), (label) => {
      const { track, reader } = tracked()
      void track(new Promise(() => undefined), label)
      const [request] = reader.requests(1).list
      expect(request).toMatchObject({ method: 'JOB', path: labelOf(label) })
      expect(request?.path).toMatch(/^[\x20-\x7e\xa0-\xff]+$/)
    }),
  )
})
