import { afterEach, beforeEach, expect, test, vi } from 'vitest'
import { createOutbox } from '../../../src/flight-recorder/outbox.ts'
import { step } from './step.ts'

beforeEach(() => void vi.useFakeTimers())
afterEach(() => void vi.useRealTimers())

function open(limits = {}) {
  const sent: { seqs: number[]; dropped: number }[] = []
  const ends: (() => void)[] = []
  const outbox = createOutbox({
    send(steps, dropped, onSent) {
      sent.push({ seqs: steps.map(({ seq }) => seq), dropped })
      ends.push(onSent)
    },
    ...limits,
  })
  const add = (...seqs: number[]) => {
    for (const seq of seqs) outbox.add(step({ seq }))
  }
  return { outbox, sent, add, arrive: () => ends.shift()?.() }
}

test('steps that come together are sent together', () => {
  const { add, sent } = open()
  add(1, 2, 3)
  expect(sent).toEqual([])
  vi.runAllTimers()
  expect(sent).toEqual([{ seqs: [1, 2, 3], dropped: 0 }])
})

test('while a batch is under way the next waits, however long that takes', () => {
  const { add, sent, arrive } = open({ batchMax: 2 })
  add(1, 2, 3)
  vi.runAllTimers()
  add(4)
  vi.runAllTimers()
  expect(sent).toEqual([{ seqs: [1, 2], dropped: 0 }])
  arrive()
  vi.runAllTimers()
  expect(sent.at(-1)).toEqual({ seqs: [3, 4], dropped: 0 })
})

test('what does not fit is counted, and told with the next batch', () => {
  const { add, sent, arrive } = open({ waitingMax: 2 })
  add(1, 2, 3, 4)
  vi.runAllTimers()
  expect(sent).toEqual([{ seqs: [1, 2], dropped: 2 }])
  arrive()
  add(5)
  vi.runAllTimers()
  expect(sent.at(-1)).toEqual({ seqs: [5], dropped: 0 })
})

test('a process that ends sends all that is left, in order, and waits for nothing', () => {
  const { outbox, add, sent } = open({ batchMax: 2 })
  add(1, 2)
  vi.runAllTimers()
  add(3, 4, 5)
  outbox.flush()
  expect(sent.flatMap(({ seqs }) => seqs)).toEqual([1, 2, 3, 4, 5])
  outbox.flush()
  vi.runAllTimers()
  expect(sent).toHaveLength(3)
})

test('steps of others that were lost on the way here are counted too', () => {
  const { outbox, sent } = open()
  outbox.countDropped(9)
  vi.runAllTimers()
  expect(sent).toEqual([{ seqs: [], dropped: 9 }])
})
