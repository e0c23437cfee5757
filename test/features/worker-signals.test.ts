/** Every signal of a worker, in every phase of its life. */
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, test } from 'vitest'
import { ask, begin } from '../support/client.ts'
import { blocks, handles, type Running, start } from '../support/harness.ts'
import { listening } from '../support/listening.ts'
import { poll } from '../support/poll.ts'
import { holding, importingAfter, saying } from '../support/programs.ts'

const put = (server: Running, file: string, text = '') => writeFileSync(join(server.folder, file), text)
const body = async (server: Running) => (await ask({ port: server.port() })).body
const pidOf = (server: Running, slot: number) => server.workers().get(slot) as number
const hold = (server: Running) => begin({ port: server.port(), path: '/hold/end' })

const serving = async (app: string, args: readonly string[] = []): Promise<Running> => {
  const server = start({ args: ['app.mjs', '-b', '127.0.0.1:0', ...args], files: { 'app.mjs': app } })
  await server.ready()
  return server
}

describe('a worker, while it serves', () => {
  test.each(['SIGTERM', 'SIGINT'] as const)('at %s is replaced and finishes what it has', async (signal) => {
    const server = await serving(holding, ['--graceful-timeout', '600'])
    const pid = pidOf(server, 0)
    const held = await hold(server)
    process.kill(pid, signal)
    await server.until('worker.draining', { childPid: pid, reason: 'signal' })
    await server.until('worker.ready', ({ childPid }) => childPid !== pid)
    expect(await body(server)).toBe('quick')
    put(server, 'end')
    expect((await held.whole).body).toBe('held')
    await server.until('worker.gone', { childPid: pid, exitCode: 0 })
    expect(server.all('worker.booting')).toHaveLength(2)
  })

  test('at QUIT is replaced and gives what it has a second', async () => {
    const server = await serving(holding, ['--graceful-timeout', '600'])
    const pid = pidOf(server, 0)
    const held = await hold(server)
    process.kill(pid, 'SIGQUIT')
    await server.until('worker.ready', ({ childPid }) => childPid !== pid)
    await expect(held.whole).rejects.toThrow()
    expect(await server.until('worker.drained', { childPid: pid })).toMatchObject({ cutRequests: 1 })
    await server.until('worker.gone', { childPid: pid })
  })

  test('is left alone by what is meant for the arbiter, and opens no debugger', async () => {
    const server = await serving(saying('here'))
    const pid = pidOf(server, 0)
    for (const signal of ['SIGHUP', 'SIGUSR1', 'SIGUSR2', 'SIGTTIN', 'SIGTTOU', 'SIGWINCH'] as const) {
      process.kill(pid, signal)
      expect(await body(server)).toBe('here')
    }
    expect(listening(server)).toEqual([server.port()])
    expect(server.workers()).toEqual(new Map([[0, pid]]))
  })
})

describe('a worker, while it boots', () => {
  const withYoung = async (): Promise<[Running, number]> => {
    const server = await serving(saying('here'))
    put(server, 'app.mjs', importingAfter('go', 'here'))
    server.signal('SIGTTIN')
    const { childPid } = await server.until('worker.booting', { slot: 1 })
    return [server, childPid as number]
  }

  test.each(['SIGTERM', 'SIGINT', 'SIGQUIT'] as const)('ends at %s, however early it comes, and another one boots', async (signal) => {
    const [server, pid] = await withYoung()
    await handles(pid, 'SIGHUP')
    process.kill(pid, signal)
    await server.until('worker.boot-failed', { childPid: pid, exitCode: 0 })
    put(server, 'go')
    await server.until('worker.ready', { slot: 1 })
    expect(server.workers().size).toBe(2)
  })

  test('is left alone by the others, however early they come, and opens no debugger', async () => {
    const [server, pid] = await withYoung()
    await blocks(pid, 'SIGUSR1')
    process.kill(pid, 'SIGUSR1')
    await handles(pid, 'SIGUSR2')
    for (const signal of ['SIGHUP', 'SIGUSR2', 'SIGTTIN', 'SIGTTOU', 'SIGUSR1'] as const) process.kill(pid, signal)
    put(server, 'go')
    await server.until('worker.ready', { slot: 1, childPid: pid })
    await poll(() => listening(server).length === 1)
    expect(listening(server)).toEqual([server.port()])
  })

  test('for a reload rolls it back when somebody ends it', async () => {
    const server = await serving(saying('here'))
    put(server, 'app.mjs', importingAfter('go', 'new'))
    server.signal('SIGHUP')
    const { childPid } = await server.until('worker.booting', { gen: 2 })
    await handles(childPid as number, 'SIGHUP')
    process.kill(childPid as number, 'SIGTERM')
    await server.until('reload.rolled-back')
    expect(await body(server)).toBe('here')
    expect(server.all('worker.draining')).toHaveLength(0)
  })
})

describe('a worker, while it drains', () => {
  test('is not moved by TERM and INT, and becomes quick at QUIT', async () => {
    const server = await serving(holding, ['--graceful-timeout', '600'])
    const pid = pidOf(server, 0)
    const held = await hold(server)
    process.kill(pid, 'SIGTERM')
    await server.until('worker.draining', { childPid: pid })
    for (const signal of ['SIGTERM', 'SIGINT', 'SIGHUP', 'SIGUSR1'] as const) process.kill(pid, signal)
    await server.until('worker.ready', ({ childPid }) => childPid !== pid)
    expect(server.all('worker.drained')).toHaveLength(0)
    process.kill(pid, 'SIGQUIT')
    await expect(held.whole).rejects.toThrow()
    await server.until('worker.drained', { childPid: pid, cutRequests: 1 })
    await server.until('worker.gone', { childPid: pid })
  })
})
