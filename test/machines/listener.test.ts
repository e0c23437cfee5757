import { expect, test } from 'vitest'
import { listenerMachine } from '../../machines/listener.ts'
import { after, expectSound, type Sample, walk } from './walk.ts'

const input = { id: '127.0.0.1:80', address: '127.0.0.1:80', triesMax: 3, pauseMs: 1_000 }
const inUse = { code: 'MON_LISTENER_IN_USE', text: 'in use', isRetryable: true }
const notASocket = { code: 'MON_LISTENER_NOT_SOCKET', text: 'not a socket', isRetryable: false }

const answered = (output: unknown): Sample => ({ type: 'xstate.done.actor.0.listener.binding', output })
const bound = answered({ ok: true, address: '127.0.0.1:80' })
const refused = answered({ ok: false, problem: inUse })
const forbidden = answered({ ok: false, problem: notASocket })
const threw: Sample = { type: 'xstate.error.actor.0.listener.binding', error: new Error('no handle') }
const pauseOver: Sample = { type: 'xstate.after.pause.listener.waiting' }
const close: Sample = { type: 'close' }

const after_ = (...events: Sample[]) => after(listenerMachine, input, ...events)

test('every state of a listener is reached, and every one can end', () => {
  const graph = walk(listenerMachine, {
    input,
    events: [bound, refused, forbidden, threw, pauseOver, close],
    essentials: ({ tries, problem }) => [tries, problem === null],
  })
  expectSound(listenerMachine, [graph])
})

test('an address in use is tried again after a pause, as often as allowed', () => {
  expect(after_(refused).snapshot.value).toBe('waiting')
  expect(after_(refused).told('note')).toEqual([{ event: 'listener.waiting', facts: { problem: 'in use', tries: 1 } }])
  expect(after_(refused, pauseOver).snapshot.value).toBe('binding')
  const last = after_(refused, pauseOver, refused, pauseOver, refused)
  expect(last.snapshot.value).toBe('failed')
  expect(last.sent()).toEqual([{ type: 'listener.failed', id: input.id, problem: 'in use' }])
})

test('what no waiting mends is tried once', () => {
  expect(after_(forbidden).snapshot.value).toBe('failed')
  expect(after_(threw).snapshot.output).toEqual({
    id: input.id,
    problem: { code: 'MON_LISTENER_FAILED', text: 'Error: no handle', isRetryable: false },
  })
})

test('an address that is bound after all is told as bound, without its earlier problem', () => {
  const step = after_(refused, pauseOver, bound)
  expect(step.sent()).toEqual([{ type: 'listener.bound', id: input.id }])
  expect(step.snapshot.context.problem).toBeNull()
})

test('a listener that ends gives back what it holds, however it ends', () => {
  for (const events of [[close], [bound, close], [refused, close], [forbidden], [threw]]) {
    expect(after_(...events).told('release')).toEqual([{ id: input.id }])
  }
})

test('an address is given back before it is told as closed, as who reads that may try it', () => {
  const { order, told } = after_(bound, close)
  expect(order.filter((effect) => effect === 'release' || effect === 'note')).toEqual(['release', 'note'])
  expect(told('note')).toMatchObject([{ event: 'listener.closed' }])
})
