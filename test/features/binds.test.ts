/** Where a server can be bound, what is refused, and what the kernel shows of it. */
import { execFileSync } from 'node:child_process'
import { closeSync, existsSync, lstatSync, openSync, readFileSync } from 'node:fs'
import type { Server } from 'node:net'
import { join } from 'node:path'
import { describe, expect, onTestFinished, test } from 'vitest'
import { type Ask, ask } from '../support/client.ts'
import { type Running, runMark, start } from '../support/harness.ts'
import { freePort, listening, patiently, portOf } from '../support/sockets.ts'
import { isNodeAtLeast, lacksIpv6, lacksProgram } from '../support/system.ts'

const app = { 'app.mjs': 'export default (req, res) => res.end(String(process.pid))\n' }

/** Serves that app from two workers. */
const serve = (args: readonly string[], options: Partial<Parameters<typeof start>[0]> = {}): Running =>
  start({ args: ['app.mjs', '-w', '2', ...args], files: app, ...options })

/** Asks on new connections, a few at a time, until both workers have answered. */
async function expectShared(server: Running, at: Ask): Promise<void> {
  const pids = new Set<number>()
  for (let round = 0; round < 500 && pids.size < 2; round++) {
    for (const { body } of await Promise.all([ask(at), ask(at), ask(at), ask(at)])) pids.add(Number(body))
  }
  expect(pids).toEqual(new Set(server.workers().values()))
}

const fdOf = (server: Server) => (server as unknown as { _handle: { fd: number } })._handle.fd
const boundAt = (server: Running) => server.all('listener.bound').map((line) => line['address'])

describe('HOST:PORT', () => {
  test('is shared by all workers', async () => {
    const server = serve(['-b', '127.0.0.1:0'])
    await server.ready()
    expect(server.port()).toBeGreaterThan(0)
    await expectShared(server, { port: server.port() })
  })

  test('takes the name of a host', async () => {
    const server = serve(['-b', 'localhost:0'])
    await server.ready()
    expect(boundAt(server)[0]).toMatch(/^(127\.0\.0\.1|\[::1\]):\d+$/)
  })

  test('is refused with exit 1 where the machine has no such address or name', async () => {
    for (const address of ['192.0.2.1:0', 'no-such-host.invalid:0']) {
      const server = serve(['-b', address])
      expect(await server.exited).toEqual({ code: 1, signal: null })
      expect(server.all('worker.booting')).toEqual([])
      expect(server.all('listener.waiting')).toEqual([])
    }
  })
})

test.skipIf(lacksIpv6)('[::1]:PORT is shared by all workers', async () => {
  const server = serve(['-b', '[::1]:0'])
  await server.ready()
  expect(boundAt(server)[0]).toBe(`[::1]:${server.port()}`)
  await expectShared(server, { host: '::1', port: server.port() })
})

describe('unix:PATH', () => {
  const mode = (path: string) => lstatSync(path).mode & 0o777

  test('is shared by all workers, has the mode that umask leaves, and is removed at the stop', async () => {
    const server = serve(['-b', 'unix:app.sock', '--umask', '0117'])
    await server.ready()
    const socketPath = join(server.folder, 'app.sock')
    expect(mode(socketPath)).toBe(0o660)
    await expectShared(server, { socketPath })
    expect(await server.stop()).toEqual({ code: 0, signal: null })
    expect(existsSync(socketPath)).toBe(false)
  })

  test('is open to everybody without umask, and the app keeps the mask of the process', async () => {
    const files = { 'app.mjs': 'export default (req, res) => res.end(process.umask().toString(8))\n' }
    const server = serve(['-b', 'unix:app.sock'], { files })
    await server.ready()
    const socketPath = join(server.folder, 'app.sock')
    expect(mode(socketPath)).toBe(0o777)
    expect((await ask({ socketPath })).body).toBe(process.umask().toString(8))
  })

  test('takes the place of a socket that a dead server left', async () => {
    const first = serve(['-b', 'unix:app.sock'])
    await first.ready()
    first.signal('SIGKILL')
    await first.exited
    const socketPath = join(first.folder, 'app.sock')
    expect(lstatSync(socketPath).isSocket()).toBe(true)
    const second = serve(['-b', 'unix:app.sock'], { cwd: first.folder })
    await second.ready()
    await expectShared(second, { socketPath })
  })

  test('is refused with exit 1 where another file is, which stays as it was', async () => {
    const server = serve(['-b', 'unix:app.sock'], { files: { ...app, 'app.sock': 'mine' } })
    expect(await server.exited).toEqual({ code: 1, signal: null })
    expect(readFileSync(join(server.folder, 'app.sock'), 'utf8')).toBe('mine')
  })

  test('is refused with exit 1 where a living server listens, which goes on', async () => {
    const first = serve(['-b', 'unix:app.sock'])
    await first.ready()
    const second = serve(['-b', 'unix:app.sock'], { cwd: first.folder })
    expect(await second.exited).toEqual({ code: 1, signal: null })
    expect(second.all('listener.waiting')).toHaveLength(4)
    const holder = /\(pid (\d+)\)/.exec(String(second.all('arbiter.failed')[0]?.['problem']))?.[1]
    expect(first.family()).toContain(Number(holder))
    expect((await ask({ socketPath: join(first.folder, 'app.sock') })).status).toBe(200)
  })

  test('is refused with exit 1 where there is no such folder', async () => {
    const server = serve(['-b', 'unix:nowhere/app.sock'])
    expect(await server.exited).toEqual({ code: 1, signal: null })
  })
})

describe('fd://N', () => {
  test('serves a socket that it inherits, and names its address', async () => {
    const holder = await listening()
    const server = serve(['-b', 'fd://3'], { stdio: [fdOf(holder)] })
    await server.ready()
    const port = portOf(holder)
    holder.close()
    expect(boundAt(server)).toEqual([`127.0.0.1:${port}`])
    await expectShared(server, { port })
  })

  test('serves a unix socket that it inherits, and leaves its file to its owner', async () => {
    const folder = start({ args: ['--version'] }).folder
    const path = join(folder, 'held.sock')
    const holder = await listening(path)
    const server = serve(['-b', 'fd://3'], { stdio: [fdOf(holder)] })
    await server.ready()
    await server.stop()
    expect(existsSync(path)).toBe(true)
  })

  test('is refused with exit 1 where it is no socket, or nothing at all', async () => {
    const file = openSync('/dev/null', 'r')
    onTestFinished(() => closeSync(file))
    for (const address of ['fd://3', 'fd://77']) {
      const server = serve(['-b', address], { stdio: [file] })
      expect(await server.exited).toEqual({ code: 1, signal: null })
      expect(server.all('worker.booting')).toEqual([])
    }
  })

  test.skipIf(lacksProgram('systemd-socket-activate'))('serves what systemd activated', async () => {
    const port = await freePort()
    const activated = {
      under: ['systemd-socket-activate', '-l', `127.0.0.1:${port}`, ...['PATH', runMark].flatMap((name) => ['-E', name])],
    }
    const server = serve(['-b', 'fd://3'], activated)
    // The first connection starts it and waits in the kernel until somebody is ready.
    const answer = await patiently(() => ask({ port }))
    await server.ready()
    expect([...server.workers().values()]).toContain(Number(answer.body))
    expect(boundAt(server)).toEqual([`127.0.0.1:${port}`])
    await expectShared(server, { port })
  })
})

test('several addresses of every kind are served at once, and each has its own port', async () => {
  const holder = await listening()
  const server = serve(['-b', '127.0.0.1:0', '-b', 'unix:app.sock', '-b', '127.0.0.1:0', '-b', 'fd://3'], { stdio: [fdOf(holder)] })
  await server.ready()
  const port = portOf(holder)
  holder.close()
  const ports = [server.port(0), server.port(1), server.port(2)]
  expect(new Set([...ports, port]).size).toBe(3)
  for (const one of ports) await expectShared(server, { port: one })
  await expectShared(server, { socketPath: join(server.folder, 'app.sock') })
})

test('the same address given twice is bound once', async () => {
  const server = serve(['-b', 'unix:app.sock', '-b', 'unix:app.sock'])
  await server.ready()
  expect(boundAt(server)).toHaveLength(1)
})

describe('an address in use', () => {
  test('is tried five times; then the server ends with exit 1 and names who has it', async () => {
    const holder = await listening()
    const server = serve(['-b', `127.0.0.1:${portOf(holder)}`])
    expect(await server.exited).toEqual({ code: 1, signal: null })
    expect(server.all('listener.waiting').map((line) => line['tries'])).toEqual([1, 2, 3, 4])
    expect(String(server.all('arbiter.failed')[0]?.['problem'])).toContain(`(pid ${process.pid})`)
    expect(server.all('worker.booting')).toEqual([])
  })

  test('is had as soon as it is free', async () => {
    const holder = await listening()
    const port = portOf(holder)
    const server = serve(['-b', `127.0.0.1:${port}`])
    await server.until('listener.waiting')
    holder.close()
    await server.ready()
    await expectShared(server, { port })
  })

  test('does not keep the arbiter from stopping', async () => {
    const server = serve(['-b', `127.0.0.1:${portOf(await listening())}`])
    await server.until('listener.waiting')
    expect(await server.stop()).toEqual({ code: 0, signal: null })
    expect(server.all('listener.waiting').length).toBeLessThan(4)
  })
})

test.skipIf(lacksProgram('ss'))('the backlog is the one that was asked for, at every address', async () => {
  const server = serve(['-b', '127.0.0.1:0', '-b', 'unix:app.sock', '--backlog', '77'])
  await server.ready()
  const queueMax = (...filter: string[]) =>
    execFileSync('ss', ['-lHn', ...filter], { encoding: 'utf8' })
      .trim()
      .split(/\s+/)
  expect(queueMax('-t', `sport = :${server.port()}`)[2]).toBe('77')
  const unix = execFileSync('ss', ['-lHnx'], { encoding: 'utf8' })
  expect(unix.split('\n').filter((line) => / 77 .*app\.sock/.test(line))).toHaveLength(1)
})

describe('reuse_port', () => {
  // net.Server has had it since 22.12 and 23.1.
  const hasReusePort = isNodeAtLeast(22, 12) && !/^23\.0/.test(process.versions.node)

  test.runIf(hasReusePort && !lacksProgram('ss'))('gives each worker a socket of its own on the one port', async () => {
    const port = await freePort()
    const server = serve(['-b', `127.0.0.1:${port}`, '--reuse-port'])
    await server.ready()
    await expectShared(server, { port })
    expect(boundAt(server)).toEqual([])
    expect(server.all('arbiter.ready')[0]?.['address']).toBe(`127.0.0.1:${port}`)
    const sockets = execFileSync('ss', ['-lHnt', `sport = :${port}`], { encoding: 'utf8' })
      .trim()
      .split('\n')
    expect(sockets).toHaveLength(2)
  })

  test.runIf(hasReusePort)('is refused with exit 1 where it makes no sense', async () => {
    for (const bind of [[], ['-b', '127.0.0.1:0'], ['-b', 'unix:app.sock']]) {
      const server = serve([...bind, '--reuse-port'])
      expect(await server.exited).toEqual({ code: 1, signal: null })
      expect(server.all('worker.booting')).toEqual([])
    }
  })

  test.skipIf(hasReusePort)('is refused with exit 1 and the reason where Node lacks it', async () => {
    const server = serve(['-b', `127.0.0.1:${await freePort()}`, '--reuse-port'])
    expect(await server.exited).toEqual({ code: 1, signal: null })
    expect(server.stderr()).toContain(process.versions.node)
    expect(server.all('worker.booting')).toEqual([])
  })
})
