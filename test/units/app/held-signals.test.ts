import { once } from 'node:events'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { type HeldSignals, holdSignals } from '../../../src/app/held-signals.ts'

let held: HeldSignals
let seen: string[]
let errors: unknown[]
const ours = () => seen.push('ours')

beforeEach(() => {
  seen = []
  errors = []
  process.on('SIGUSR2', ours)
  held = holdSignals(['SIGUSR2', 'SIGWINCH'], (error) => errors.push(error))
})
afterEach(() => {
  held.remove()
  process.off('SIGUSR2', ours)
})

/** Sends the process a real signal and waits until Node has delivered it. */
async function raise(): Promise<void> {
  const count = seen.length
  process.kill(process.pid, 'SIGUSR2')
  while (seen.length === count) await new Promise((resolve) => setImmediate(resolve))
}

test('the app’s listeners wait for the release; ours run when the signal comes', async () => {
  process.on('SIGUSR2', () => seen.push('on'))
  process.once('SIGUSR2', () => seen.push('once'))
  process.prependListener('SIGUSR2', () => seen.push('first'))
  await raise()
  expect(seen).toEqual(['ours'])
  await held.release('SIGUSR2')
  expect(seen).toEqual(['ours', 'first', 'on', 'once'])
  await held.release('SIGUSR2')
  expect(seen).toEqual(['ours', 'first', 'on', 'once', 'first', 'on'])
})

test('a released listener gets what Node would give it', async () => {
  let call: unknown[] = []
  process.on('SIGUSR2', function (this: unknown, ...args: unknown[]) {
    call = [this, ...args]
  })
  await held.release('SIGUSR2')
  expect(call[0]).toBe(process)
  expect(call.slice(1)).toEqual(['SIGUSR2', 12])
})

test('a listener that throws or rejects is reported, and the next one runs', async () => {
  process.on('SIGUSR2', () => {
    throw new Error('thrown')
  })
  process.on('SIGUSR2', async () => {
    throw new Error('rejected')
  })
  process.on('SIGUSR2', async () => {
    await new Promise((resolve) => setImmediate(resolve))
    seen.push('late')
  })
  await held.release('SIGUSR2')
  expect(errors.map(String)).toEqual(['Error: thrown', 'Error: rejected'])
  expect(seen).toEqual(['late'])
})

test('the app sees and removes only its own', async () => {
  const one = () => seen.push('one')
  expect(process.listeners('SIGUSR2')).toEqual([])
  expect(process.addListener('SIGUSR2', one)).toBe(process)
  expect(process.listenerCount('SIGUSR2')).toBe(1)
  expect(process.listeners('SIGUSR2')).toEqual([one])
  expect(held.has('SIGUSR2')).toBe(true)
  process.removeListener('SIGUSR2', one)
  expect(held.has('SIGUSR2')).toBe(false)
  process.on('SIGUSR2', one).removeAllListeners('SIGUSR2')
  expect(held.has('SIGUSR2')).toBe(false)
  await raise()
  expect(seen).toEqual(['ours'])
})

test('removeAllListeners() of everything leaves ours', async () => {
  const others = process.eventNames().flatMap((name) => process.rawListeners(name as 'exit').map((listener) => ({ name, listener })))
  process.on('SIGUSR2', () => {})
  process.on('SIGHUP', () => {})
  process.removeAllListeners()
  expect(held.has('SIGUSR2')).toBe(false)
  expect(process.listenerCount('SIGHUP')).toBe(0)
  await raise()
  expect(seen).toEqual(['ours'])
  for (const { name, listener } of others) {
    if (name !== 'SIGUSR2') process.on(name as 'exit', listener as () => void)
  }
})

test('events.once() waits for the release', async () => {
  const event = once(process as never, 'SIGWINCH')
  await held.release('SIGWINCH')
  expect(await event).toEqual(['SIGWINCH', 28])
})

test('other signals and events are untouched', () => {
  const listener = () => seen.push('exit')
  process.on('exit', listener)
  expect(process.listeners('exit')).toContain(listener)
  process.off('exit', listener)
  expect(process.listeners('exit')).not.toContain(listener)
})
