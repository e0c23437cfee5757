/** Spares of a dirty pool whose workers run many calls: booted, with every app loaded, and not called until they take a place. */
import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { control } from '../support/control.ts'
import { appOf, dirtyArbiterPid, dirtyWorkers, failure, ofDirty, startDirty } from '../support/dirty.ts'
import type { LogLine, Running } from '../support/harness.ts'
import { poll } from '../support/poll.ts'

const app = (version = 1) => `
import { DirtyApp } from 'monoceros/dirty'
export class A extends DirtyApp {
  where() { return process.pid }
  version() { return ${version} }
  die() { process.kill(process.pid, 'SIGKILL') }
}
export class B extends A {}
`
const begin = (args: readonly string[], files: Readonly<Record<string, string>> = {}) =>
  startDirty({ args: ['--dirty-app', 'a=./apps.mjs:A', ...args], files: { 'apps.mjs': app(), ...files } })

const isSpare = ({ slot }: LogLine) => slot !== undefined && slot < 0
const spareReady = (server: Running, besides: readonly number[] = []) =>
  server.until('worker.ready', (line) => ofDirty('worker.ready')(line) && isSpare(line) && !besides.includes(line.childPid!))
const promoted = (server: Running, pid: number) => server.until('worker.promoted', ({ childPid }) => childPid === pid)
const titleOf = (pid: number) => readFileSync(`/proc/${pid}/cmdline`, 'utf8').replaceAll('\0', '').trim()

test('a spare is booted and shown, and is not called; when a worker dies it has its place before another is booted', async () => {
  const server = begin(['--dirty-workers', '1', '--dirty-spares', '1'])
  await server.ready()
  const { childPid: spare } = await spareReady(server)
  const worker = dirtyWorkers(server).get(0)!
  const pids = new Set(await Promise.all(Array.from({ length: 10 }, () => appOf(server, 'a').where())))
  expect([...pids]).toEqual([worker])

  const client = await control(server)
  const rows = (await client.data('show dirty')).workers
  expect(rows.map(({ pid, spare: stands, slot }: Record<string, unknown>) => [pid, stands, slot])).toEqual([
    [worker, false, 0],
    [spare, true, -1],
  ])
  // The app is called in one of them.
  expect((await client.data('show dirty')).apps.map((row: Record<string, unknown>) => row['worker_pids'])).toEqual([[worker]])
  expect(titleOf(spare!)).toContain('dirty-worker [a] spare 1')

  await failure(appOf(server, 'a').die())
  expect(await appOf(server, 'a').where()).toBe(spare)
  await promoted(server, spare!)
  await poll(() => titleOf(spare!).includes('dirty-worker [a] slot 0'))
  const next = await spareReady(server, [spare!])
  expect(server.all('worker.booting').filter(ofDirty('worker.booting')).at(-1)!.childPid).toBe(next.childPid)
})

test('a spare has every app, and is called only for those of the place that it takes', async () => {
  const server = begin(['--dirty-app', 'b=./apps.mjs:B:1', '--dirty-workers', '2', '--dirty-spares', '1'])
  await server.ready()
  const [a, b] = [appOf(server, 'a'), appOf(server, 'b')]
  const { childPid: first } = await spareReady(server)
  const [zero, one] = [dirtyWorkers(server).get(0)!, dirtyWorkers(server).get(1)!]
  // B is in the first worker only.
  expect(await b.where()).toBe(zero)
  process.kill(one, 'SIGKILL')
  await promoted(server, first!)
  const { childPid: second } = await spareReady(server, [first!])
  expect(new Set(await Promise.all(Array.from({ length: 6 }, () => b.where())))).toEqual(new Set([zero]))
  await poll(() => titleOf(first!).includes('[a] slot 1'))
  process.kill(zero, 'SIGKILL')
  await promoted(server, second!)
  expect(await b.where()).toBe(second)
  await poll(() => titleOf(second!).includes('slot 0'))
  expect(titleOf(second!)).toMatch(/\[(a,b|b,a)\]/)
  const places = new Set(await Promise.all(Array.from({ length: 12 }, () => a.where())))
  expect([...places].every((pid) => [first, second].includes(pid as number))).toBe(true)
})

test('a worker that has had its calls is followed by the spare at once, and ends when it has finished', async () => {
  const server = begin(['--dirty-workers', '1', '--dirty-spares', '1', '--dirty-max-calls', '5'])
  await server.ready()
  const { childPid: spare } = await spareReady(server)
  const worker = dirtyWorkers(server).get(0)!
  const a = appOf(server, 'a')
  for (let call = 0; call < 5; call++) expect(await a.where()).toBe(worker)
  await promoted(server, spare!)
  await server.until('worker.gone', ({ childPid }) => childPid === worker)
  expect(await a.where()).toBe(spare)
})

test('one worker more is the spare; a reload has spares of its own, and one that fails keeps the old', async () => {
  const server = begin(['--dirty-workers', '1', '--dirty-spares', '1'])
  await server.ready()
  const { childPid: spare } = await spareReady(server)
  process.kill(dirtyArbiterPid(server), 'SIGTTIN')
  await promoted(server, spare!)
  expect(dirtyWorkers(server).get(1) ?? spare).toBe(spare)
  const { childPid: next } = await spareReady(server, [spare!])

  writeFileSync(join(server.folder, 'apps.mjs'), 'throw new Error("broken")')
  server.signal('SIGHUP')
  await server.until('reload.rolled-back', ofDirty('reload.rolled-back'))
  process.kill(next!, 0)

  writeFileSync(join(server.folder, 'apps.mjs'), app(2))
  server.signal('SIGHUP')
  await server.until('reload.done', ({ role }) => role === 'arbiter')
  expect(await appOf(server, 'a').version()).toBe(2)
  await server.until('worker.gone', ({ childPid }) => childPid === next)
  const { childPid: last } = await spareReady(server, [spare!, next!])
  process.kill(dirtyWorkers(server).get(0)!, 'SIGKILL')
  await promoted(server, last!)
  expect(await appOf(server, 'a').version()).toBe(2)
})

test('a spare that cannot boot is told and tried again, and the workers serve on', async () => {
  const server = begin(['--dirty-workers', '1', '--dirty-spares', '1'])
  await server.ready()
  const { childPid: spare } = await spareReady(server)
  const worker = dirtyWorkers(server).get(0)!
  writeFileSync(join(server.folder, 'apps.mjs'), 'throw new Error("broken")')
  process.kill(spare!, 'SIGKILL')
  const { childPid: next } = await server.until('worker.boot-failed', isSpare)
  await server.until('worker.boot-failed', (line) => isSpare(line) && line.childPid !== next)
  expect(await appOf(server, 'a').where()).toBe(worker)
  writeFileSync(join(server.folder, 'apps.mjs'), app())
  await spareReady(server, [spare!])
})

test('calls that wait while the only worker dies are served by its successor, with a spare or without', async () => {
  for (const spares of ['0', '1']) {
    const server = begin(['--dirty-workers', '1', '--dirty-spares', spares])
    await server.ready()
    if (spares === '1') await spareReady(server)
    const a = appOf(server, 'a')
    const lost = failure(a.die())
    const waiting = await Promise.all([a.where(), a.where(), a.where()])
    expect((await lost).code).toBe('MON_DIRTY_WORKER_LOST')
    expect(new Set(waiting).size).toBe(1)
    await server.stop()
  }
})
