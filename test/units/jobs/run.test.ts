import { setTimeout as pause } from 'node:timers/promises'
import { expect, test } from 'vitest'
import { createRun, type Run } from '../../../src/jobs/run.ts'

const never = new Promise<void>(() => undefined)

function running(call: (run: Run) => unknown) {
  const failed: unknown[] = []
  return { run: createRun(call, { onFailed: (error) => failed.push(error) }), failed }
}

test('it has started when it says that it is ready, or when it returns without that', async () => {
  const { run } = running(({ ready }) => {
    ready()
    return never
  })
  await run.start()
  expect(run.isRunning).toBe(true)
  const { run: other } = running(() => 'whatever')
  await other.start()
  expect(other.isRunning).toBe(false)
  await other.done
})

test('a throw before it is ready fails the start, a plain function’s as well', async () => {
  const error = new Error('no broker')
  for (const call of [
    () => Promise.reject(error),
    () => {
      throw error
    },
  ]) {
    const { run, failed } = running(call)
    await expect(run.start()).rejects.toBe(error)
    expect(failed).toEqual([])
  }
})

test('a throw after it was ready is told once, and it is done', async () => {
  const error = new Error('lost the broker')
  const { run, failed } = running(async ({ ready }) => {
    ready()
    await null
    throw error
  })
  await run.start()
  await run.done
  expect(failed).toEqual([error])
})

test('what its signal has ended is no failure once it was told to end, and is one before', async () => {
  const waits = async ({ ready, signal }: Run) => {
    ready()
    await pause(1_000_000, undefined, { signal })
  }
  const { run, failed } = running(waits)
  await run.start()
  run.end('stop')
  await run.done
  expect(run.signal.reason).toMatchObject({ name: 'AbortError', message: expect.stringContaining('stop') })
  expect(failed).toEqual([])

  const own = running(async ({ ready }) => {
    ready()
    await null
    throw new DOMException('its own', 'AbortError')
  })
  await own.run.start()
  await own.run.done
  expect(own.failed).toHaveLength(1)
})

test('many may wait with its signal without a warning', async () => {
  const warnings: unknown[] = []
  const hear = (warning: unknown) => warnings.push(warning)
  process.on('warning', hear)
  const { run } = running(({ signal }) => {
    for (let n = 0; n < 50; n++) signal.addEventListener('abort', () => undefined)
  })
  await run.start()
  await new Promise((resolve) => setImmediate(resolve))
  process.off('warning', hear)
  expect(warnings).toEqual([])
})

test('one that was never started is done', async () => {
  await running(() => never).run.done
})
