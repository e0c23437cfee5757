import { expect, test } from 'vitest'
import { workerMachine } from '../../machines/worker.ts'
import { after, cannotReach, expectSound, isDone, type Sample, walk } from './walk.ts'

const done = (state: string): Sample => ({ type: `xstate.done.actor.0.worker.${state}` })
const threw = (state: string, error: unknown): Sample => ({ type: `xstate.error.actor.0.worker.${state}`, error })
const drain = (graceMs = 5_000, isQuick = false): Sample => ({ type: 'drain', graceMs, isQuick, reason: 'stop' })

const end: Sample = { type: 'end', graceMs: 700, isQuick: false, reason: 'no broker', failure: { exitCode: 1, error: 'no broker' } }

const bootSteps = ['booting.loading', 'booting.starting', 'booting.opening']
const drainSteps = ['draining.finishing', 'draining.closing']
const ready = bootSteps.map(done)
const worker = (...events: Sample[]) => after(workerMachine, undefined, ...events)
const appError = Object.assign(new Error('no database'), { exitCode: 4 })

test('every state of a worker is reached, and every one can end', () => {
  const steps = [...bootSteps, ...drainSteps]
  const graph = walk(workerMachine, {
    events: [...steps.map(done), ...steps.map((step) => threw(step, appError)), drain(), drain(100, true), end],
    essentials: ({ drain: { graceMs, isQuick }, failure }) => [graceMs, isQuick, failure !== null],
  })
  expectSound(workerMachine, [graph])
  // A drain that is begun ends without a further order.
  const isDraining = (key: string) => key.includes('draining')
  expect(cannotReach(graph, isDone, ({ type }) => type !== 'drain').filter(isDraining)).toEqual([])
})

test('it loads, starts and opens, in this order, and only then says that it is ready', () => {
  for (const count of [0, 1, 2]) expect(worker(...ready.slice(0, count)).told('tellReady')).toEqual([])
  expect(worker(...ready).told('tellReady')).toEqual([undefined])
  expect(worker(...ready).snapshot.hasTag('takes-traffic')).toBe(true)
})

test('what fails before it is ready is told with its own exit code, and is the end', () => {
  bootSteps.forEach((step, count) => {
    const failed = worker(...ready.slice(0, count), threw(step, appError))
    expect(failed.told('tellFailed')).toEqual([{ exitCode: 4, error: appError }])
    expect(failed.snapshot.output).toEqual({ failure: { exitCode: 4, error: appError } })
  })
})

test('a failure without an exit code of its own is 3: not ready', () => {
  for (const thrown of [new Error('no'), 'no', null, undefined, { exitCode: 'four' }]) {
    expect(worker(threw('booting.loading', thrown)).snapshot.output).toEqual({ failure: { exitCode: 3, error: thrown } })
  }
})

test('told to drain before it is ready, it just goes', () => {
  for (const count of [0, 1, 2]) expect(worker(...ready.slice(0, count), drain()).snapshot.value).toBe('gone')
})

test('it leaves the accept set first, then finishes requests, then closes the app', () => {
  const first = worker(...ready, drain())
  expect(first.told('leaveAcceptSet')).toHaveLength(1)
  expect(first.snapshot.value).toEqual({ draining: 'finishing' })
  expect(worker(...ready, drain(), done('draining.finishing')).snapshot.value).toEqual({ draining: 'closing' })
  expect(worker(...ready, drain(), ...drainSteps.map(done)).snapshot.output).toEqual({ failure: null })
})

test('a drain or a shutdown that fails is told, and the worker goes all the same', () => {
  const finishing = worker(...ready, drain(), threw('draining.finishing', new Error('x')))
  expect(finishing.told('note')).toEqual([{ event: 'worker.drain-failed', facts: { problem: 'Error: x' } }])
  expect(finishing.snapshot.value).toEqual({ draining: 'closing' })
  const closing = worker(...ready, drain(), done('draining.finishing'), threw('draining.closing', new Error('x')))
  expect(closing.told('note')).toEqual([{ event: 'worker.shutdown-failed', facts: { problem: 'Error: x' } }])
  expect(closing.snapshot.value).toBe('gone')
})

test('a job that has ended ends its worker as a drain does, with the exit code of its end', () => {
  const step = worker(...ready, end)
  expect(step.told('leaveAcceptSet')).toHaveLength(1)
  expect(step.snapshot.context.drain).toMatchObject({ graceMs: 700, isQuick: false, reason: 'no broker' })
  expect(worker(...ready, end, ...drainSteps.map(done)).snapshot.output).toEqual({ failure: { exitCode: 1, error: 'no broker' } })
})

test('a job that ends while its worker drains ends nothing more', () => {
  expect(worker(...ready, drain(), end).snapshot.context.failure).toBe(null)
  expect(worker(...ready, drain(), end, ...drainSteps.map(done)).snapshot.output).toEqual({ failure: null })
})

test('a later drain hastens the one under way and does not begin another', () => {
  const step = worker(...ready, drain(), drain(100, true))
  expect(step.told('hasten')).toHaveLength(1)
  expect(step.told('leaveAcceptSet')).toEqual([])
  expect(step.snapshot.context.drain).toMatchObject({ graceMs: 100, isQuick: true })
})

test('of two drains the less patient one counts, whichever comes first', () => {
  for (const orders of [
    [drain(5_000, true), drain(100)],
    [drain(100), drain(5_000, true)],
  ]) {
    const step = worker(...ready, ...orders)
    expect(step.told('hasten')).toEqual([{ graceMs: 100, isQuick: true, reason: 'stop' }])
    expect(step.snapshot.context.drain).toMatchObject({ graceMs: 100, isQuick: true })
  }
})
