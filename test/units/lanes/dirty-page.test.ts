import { beforeEach, expect, test } from 'vitest'
import { createDirtyPage, dirtyPageIn } from '../../../src/lanes/dirty-page.ts'

const callOf = (lease: string, call: number) => ({ lease, call, action: 'act', startedMs: 1, deadlineMs: 0 })

/** The same memory from both sides. */
let thread: ReturnType<typeof dirtyPageIn>
let main: ReturnType<typeof dirtyPageIn>
beforeEach(() => {
  const memory = createDirtyPage()
  thread = dirtyPageIn(memory)
  main = dirtyPageIn(memory)
})

test('a page shows the call that runs, and counts those that have ended', () => {
  expect(main.read()).toBeNull()
  expect(thread.begin(callOf('3', 7))).toBe(true)
  expect(main.read()).toEqual(callOf('3', 7))
  thread.end()
  expect(main.read()).toBeNull()
  expect(main.done()).toBe(1)
})

test('a page that is closed for a call shows it to its end, and lets no other begin', () => {
  thread.begin(callOf('3', 7))
  expect(main.close(callOf('3', 7))).toBe(true)
  expect(main.read()).toEqual(callOf('3', 7))
  thread.end()
  expect(main.read()).toBeNull()
  expect(thread.begin(callOf('3', 8))).toBe(false)
  expect(thread.begin(callOf('4', 1))).toBe(false)
})

test('a page is not closed for a call that is over, though another runs, nor while it is idle, nor twice', () => {
  thread.begin(callOf('3', 7))
  thread.end()
  expect(main.close(callOf('3', 7))).toBe(false)
  thread.begin(callOf('3', 8))
  expect(main.close(callOf('3', 7))).toBe(false)
  thread.end()
  expect(thread.begin(callOf('4', 1))).toBe(true)
  expect(main.close(callOf('3', 8))).toBe(false)
  expect(main.close(callOf('4', 1))).toBe(true)
  expect(main.close(callOf('4', 1))).toBe(false)
})

test('a page tells which calls can never have begun', () => {
  expect(main.hasBegun('1', 1)).toBe(false)
  thread.begin(callOf('10', 7))
  expect(main.hasBegun('10', 7)).toBe(true)
  expect(main.hasBegun('10', 8)).toBe(false)
  expect(main.hasBegun('11', 1)).toBe(false)
  // It may have run before that one.
  expect(main.hasBegun('9', 50)).toBe(true)
  thread.end()
  expect(main.hasBegun('10', 7)).toBe(true)
  expect(main.hasBegun('10', 8)).toBe(false)
})
