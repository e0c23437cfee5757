/** Both logs: their forms and places, rotation, and what happens when nobody can write or read them. */
import { type ChildProcess, execFileSync, spawn } from 'node:child_process'
import { closeSync, constants, openSync, readFileSync, renameSync, writeSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, onTestFinished, test } from 'vitest'
import { ask } from '../support/client.ts'
import { cliPath, type LogLine, start, testFolder } from '../support/harness.ts'
import { poll } from '../support/poll.ts'
import { lacksProgram } from '../support/system.ts'

const app = `
module.exports = (req, res) => {
  const [, what] = req.url.split('?')[0].split('/')
  if (what === 'never') return
  if (what === 'fail') throw new Error('as asked')
  if (what === 'exit') process.exit(0)
  if (what === 'etag') return res.writeHead(304, { etag: '"a"' }).end()
  if (what === 'sized') return res.writeHead(201, { 'content-length': 6, 'x-out': 'sent' }).end('héh\\u00a0')
  res.write('chunk')
  res.write(Buffer.from('ed'))
  res.end('é')
}
`
const files = { 'app.cjs': app }
const args = ['./app.cjs', '-b', '127.0.0.1:0']
const textLine = /^\[\d{4}-\d\d-\d\d \d\d:\d\d:\d\d [+-]\d{4}\] \[\d+\] \[INFO\] /

describe('the form of the error log', () => {
  test('is JSON where it does not go to a terminal', async () => {
    const server = start({ args, files })
    await server.ready()
    expect(server.stderr()).toBe('')
    expect(server.lines[0]).toMatchObject({ event: 'arbiter.starting', level: 'info', role: 'arbiter', pid: server.pid })
    const ready = await server.until('worker.ready')
    expect(ready).toMatchObject({ role: 'arbiter', slot: 0, age: 1, gen: 1, pid: server.pid })
    expect(Date.parse(String(ready['time']))).toBeCloseTo(Date.now(), -5)
  })

  test('is text where text is asked for, without colours', async () => {
    const server = start({ args: [...args, '--log-format', 'text', '--pid', 'pid'], files })
    await poll(() => server.stderr().split('\n').length > 4)
    for (const line of records(server.stderr())) expect(line).toMatch(textLine)
    expect(server.stderr()).not.toContain('\u001b')
  })

  test.skipIf(lacksProgram('python3'))('is text with colours on a terminal, whose Ctrl-C stops the server', async () => {
    const terminal = startOnTerminal(args, {})
    await poll(
      () => terminal.lines().length > 4,
      () => terminal.lines().join('\n'),
    )
    for (const line of terminal.lines()) expect(line).toMatch(/^\[\d{4}-\d\d-\d\d .*\] \[\d+\] \u001b\[32m\[INFO\]/)
    terminal.type('\u0003')
    expect(await terminal.exitCode).toBe(0)
  })

  test.skipIf(lacksProgram('python3'))('on a terminal has no colours with NO_COLOR, and is JSON where JSON is asked for', async () => {
    const plain = startOnTerminal(args, { NO_COLOR: '1' })
    await poll(() => plain.lines().length > 4)
    for (const line of plain.lines()) expect(line).toMatch(textLine)
    plain.type('\u0003')
    const json = startOnTerminal([...args, '--log-format', 'json'], {})
    await poll(() => json.lines().length > 4)
    for (const line of json.lines()) expect(JSON.parse(line)).toHaveProperty('event')
    json.type('\u0003')
    expect(await Promise.all([plain.exitCode, json.exitCode])).toEqual([0, 0])
  })

  test('has what its level asks for', async () => {
    const socketPath = 'unix:./server.sock'
    const quiet = start({ args: ['./app.cjs', '-b', socketPath, '--log-level', 'error'], files })
    await answering(join(quiet.folder, 'server.sock'))
    await ask({ socketPath: join(quiet.folder, 'server.sock'), path: '/exit' }).catch(() => undefined)
    await quiet.until('worker.died')
    expect(quiet.lines.map(({ event }) => event)).toEqual(['worker.died'])
    const loud = start({ args: [...args, '--log-level', 'debug'], files })
    expect(await loud.until('worker.loaded')).toMatchObject({ level: 'debug', kind: 'node' })
  })
})

describe('the access log', () => {
  test('has Gunicorn’s atoms', async () => {
    const format =
      '%(h)s|%(l)s|%(u)s|%(t)s|%(r)s|%(m)s|%(U)s|%(q)s|%(H)s|%(s)s|%(B)s|%(b)s|%(f)s|%(a)s|%(T)s|%(M)s|%(D)s|%(L)s|%(p)s|' +
      '%({X-In}i)s|%({x-out}o)s|%({REQUEST_METHOD}e)s|%%'
    const server = start({ args: [...args, '--access-logfile', 'access.log', '--access-logformat', format], files })
    await server.ready()
    const headers = {
      authorization: `Basic ${Buffer.from('ann:secret').toString('base64')}`,
      referer: 'http://a/"',
      'user-agent': 'test/1',
      'x-in': 'came',
    }
    await ask({ port: server.port(), method: 'POST', path: '/sized?a=1&b=2', headers, body: 'abc' })
    const [line] = await linesOf(join(server.folder, 'access.log'), 1)
    const values = line?.split('|') ?? []
    expect(values.slice(0, 3)).toEqual(['127.0.0.1', '-', 'ann'])
    expect(values[3]).toMatch(/^\[\d\d\/\w{3}\/\d{4}:\d\d:\d\d:\d\d [+-]\d{4}\]$/)
    expect(values.slice(4, 14)).toEqual([
      'POST /sized?a=1&b=2 HTTP/1.1',
      'POST',
      '/sized',
      'a=1&b=2',
      'HTTP/1.1',
      '201',
      '6',
      '6',
      'http://a/\\x22',
      'test/1',
    ])
    const [seconds, millis, micros, decimal] = values.slice(14, 18)
    expect(Number(seconds)).toBe(Math.floor(Number(micros) / 1e6))
    expect(Number(millis)).toBe(Math.floor(Number(micros) / 1e3))
    expect(Number(decimal)).toBe(Number(micros) / 1e6)
    expect(values.slice(18)).toEqual([`<${server.workers().get(0)}>`, 'came', 'sent', 'POST', '%'])
    expect(line).not.toContain('secret')
  })

  test('counts the bytes of the body that were sent, and has a line for a client that went away', async () => {
    const server = start({
      args: [...args, '--access-logfile', 'access.log', '--access-logformat', '%(h)s %(m)s %(U)s %(s)s %(B)s'],
      files,
    })
    await server.ready()
    const port = server.port()
    await ask({ port, path: '/chunked' })
    await ask({ port, path: '/chunked', method: 'HEAD' })
    await ask({ port, path: '/etag', headers: { 'if-none-match': '"a"' } })
    await expect(ask({ port, path: '/never', timeoutMs: 200 })).rejects.toThrow()
    const lines = await linesOf(join(server.folder, 'access.log'), 4)
    expect(lines).toEqual(
      ['GET /chunked 200 9', 'HEAD /chunked 200 0', 'GET /etag 304 0', 'GET /never - 0'].map((line) => `127.0.0.1 ${line}`),
    )
  })

  test('goes to stdout as -, in JSON where JSON is asked for', async () => {
    const server = start({ args: [...args, '--access-logfile', '-', '--access-logformat', 'json'], files })
    await server.ready()
    await ask({ port: server.port(), path: '/a?b=%C3%BC' })
    await poll(() => server.stdout().includes('\n'))
    expect(JSON.parse(server.stdout())).toMatchObject({
      remote: '127.0.0.1',
      user: null,
      method: 'GET',
      path: '/a',
      query: 'b=%C3%BC',
      protocol: 'HTTP/1.1',
      status: 200,
      bodyBytes: 9,
      pid: server.workers().get(0),
    })
    expect(server.stderr()).toBe('')
  })

  test('is whole when a stop follows the last answer', async () => {
    const server = start({ args: [...args, '-w', '2', '--access-logfile', 'access.log', '--access-logformat', '%(U)s'], files })
    await server.ready()
    const paths = Array.from({ length: 50 }, (_, i) => `/${i}`)
    await Promise.all(paths.map((path) => ask({ port: server.port(), path })))
    await server.stop()
    expect(readLines(join(server.folder, 'access.log')).sort()).toEqual(paths.sort())
  })
})

test('USR1 opens both logs again in all processes: after a rename each line is whole and in exactly one file', async () => {
  const logs = ['--access-logfile', 'access.log', '--error-logfile', 'error.log', '--access-logformat', '%(p)s %(U)s']
  const server = start({ args: ['./app.cjs', '-b', 'unix:server.sock', '-w', '2', ...logs], files })
  const socketPath = join(server.folder, 'server.sock')
  await answering(socketPath)
  const path = (name: string) => join(server.folder, name)
  const asked: string[] = []
  let isOver = false
  const load = Array.from({ length: 4 }, async (_, client) => {
    for (let i = 0; !isOver; i++) {
      const path = `/fail/${client}-${i}`
      asked.push(path)
      expect((await ask({ socketPath, path })).status).toBe(500)
    }
  })
  for (const round of [1, 2, 3]) {
    const before = asked.length
    await poll(() => asked.length > before + 40)
    for (const name of ['access', 'error']) renameSync(path(`${name}.log`), path(`${name}.${round}.log`))
    server.signal('SIGUSR1')
    // Both workers have opened it again, so from here on nothing may come to the old one.
    await poll(() => pidsIn(path('access.log')).size === 2 && pidsIn(path('error.log')).size === 2)
  }
  isOver = true
  await Promise.all(load)
  expect(await server.stop()).toEqual({ code: 0, signal: null })

  const access = ['access.1.log', 'access.2.log', 'access.3.log', 'access.log'].flatMap((name) => readLines(path(name)))
  expect(
    access
      .filter((line) => line.includes('/fail/'))
      .map((line) => line.replace(/^<\d+> /, ''))
      .sort(),
  ).toEqual(asked.sort())
  const errors = ['error.1.log', 'error.2.log', 'error.3.log', 'error.log']
    .flatMap((name) => readLines(path(name)))
    .map((line) => JSON.parse(line))
  const failed = errors.filter(({ event }) => event === 'request.failed').map((line) => line.path)
  expect(failed.sort()).toEqual(asked.sort())
  expect(errors.filter(({ event }) => event === 'arbiter.reopened')).toHaveLength(3)
})

describe('a log that cannot be written', () => {
  test('does not stop serving nor a stop, and is told of in the other', async () => {
    const server = start({ args: [...args, '-w', '2', '--access-logfile', '/dev/full'], files })
    await server.ready()
    for (let i = 0; i < 50; i++) expect((await ask({ port: server.port() })).status).toBe(200)
    expect(await server.until('log.failed')).toMatchObject({ destination: '/dev/full', role: 'worker' })
    expect(await server.stop()).toEqual({ code: 0, signal: null })
  })

  test('does not stop serving nor a stop when it is both', async () => {
    const logs = ['--access-logfile', '/dev/full', '--error-logfile', '/dev/full']
    const server = start({ args: ['./app.cjs', '-b', 'unix:server.sock', '-w', '2', ...logs], files })
    const socketPath = join(server.folder, 'server.sock')
    await answering(socketPath)
    for (let i = 0; i < 50; i++) expect((await ask({ socketPath, path: '/fail' })).status).toBe(500)
    server.signal('SIGHUP')
    for (let i = 0; i < 50; i++) expect((await ask({ socketPath })).status).toBe(200)
    expect(await server.stop()).toEqual({ code: 0, signal: null })
  })

  test('is refused at the start when it cannot even be opened', async () => {
    const server = start({ args: [...args, '--access-logfile', 'no/such/folder/access.log'], files })
    expect(await server.exited).toEqual({ code: 1, signal: null })
  })
})

test('a pipe that nobody reads, as stdout and stderr, does not stop serving nor a stop', async () => {
  const folder = testFolder(files)
  const pipe = fullPipe(folder)
  const logs = ['--access-logfile', '-', '--log-level', 'debug']
  const child = startAlone(process.execPath, [cliPath, './app.cjs', '-b', 'unix:server.sock', '-w', '2', ...logs], folder, pipe)
  const socketPath = join(folder, 'server.sock')
  await answering(socketPath)
  for (let i = 0; i < 50; i++) {
    const answers = await Promise.all(Array.from({ length: 10 }, (_, n) => ask({ socketPath, path: n === 0 ? '/fail' : '/' })))
    expect(answers.map(({ status }) => status)).toEqual([500, ...Array(9).fill(200)])
  }
  child.kill('SIGHUP')
  child.kill('SIGUSR1')
  for (let i = 0; i < 50; i++) expect((await ask({ socketPath })).status).toBe(200)
  child.kill('SIGTERM')
  expect(await ended(child)).toBe(0)
})

/** What is indented belongs to the line above it. */
const records = (text: string) => text.split('\n').filter((line) => line !== '' && !line.startsWith('    '))

const readLines = (path: string) => readFileSync(path, 'utf8').trimEnd().split('\n')

async function linesOf(path: string, count: number): Promise<string[]> {
  return poll(() => {
    const lines = readLines(path)
    return lines.length >= count && lines[0] !== '' ? lines : null
  })
}

function pidsIn(path: string): Set<string> {
  try {
    const lines = readLines(path)
    return new Set(lines.flatMap((line) => (line.startsWith('{') ? failedBy(line) : [line.split(' ')[0] ?? ''])).filter(Boolean))
  } catch {
    return new Set() // not there yet
  }
}

function failedBy(line: string): string[] {
  try {
    const { event, pid } = JSON.parse(line) as LogLine
    return event === 'request.failed' ? [String(pid)] : []
  } catch {
    return [] // still being written
  }
}

async function answering(socketPath: string): Promise<void> {
  await poll(() =>
    ask({ socketPath }).then(
      () => true,
      () => false,
    ),
  )
}

/** A pipe that is full from the start, and that this process holds open without reading it. */
function fullPipe(folder: string): number {
  const path = join(folder, 'pipe')
  execFileSync('mkfifo', [path])
  const fd = openSync(path, constants.O_RDWR | constants.O_NONBLOCK)
  onTestFinished(() => closeSync(fd))
  try {
    for (const chunk = Buffer.alloc(4_096); ; ) writeSync(fd, chunk)
  } catch {
    return fd // EAGAIN: it is full
  }
}

/** A terminal of Python's making, with the server in it. */
function startOnTerminal(serverArgs: readonly string[], env: Record<string, string>) {
  const spawner = 'import os, pty, sys; sys.exit(os.waitstatus_to_exitcode(pty.spawn(sys.argv[1:])))'
  const child = startAlone('python3', ['-c', spawner, process.execPath, cliPath, ...serverArgs], testFolder(files), 'pipe', env)
  let text = ''
  child.stdout?.on('data', (chunk: Buffer) => {
    text += chunk
  })
  return {
    lines: () => records(text.slice(0, text.lastIndexOf('\n') + 1).replaceAll('\r', '')),
    type: (keys: string) => child.stdin?.write(keys),
    exitCode: ended(child),
  }
}

/** A program of this test's own; it is gone when the test is. */
function startAlone(command: string, commandArgs: readonly string[], cwd: string, out: number | 'pipe', env = {}): ChildProcess {
  const own = Object.fromEntries(
    Object.entries(process.env).filter(([name]) => !/^(MONOCEROS_|NO_COLOR$|FORCE_COLOR$|NODE_|VITEST)/.test(name)),
  )
  const child = spawn(command, commandArgs, { cwd, env: { ...own, ...env }, stdio: ['pipe', out, out] })
  onTestFinished(async () => {
    if (child.exitCode === null && child.signalCode === null) child.kill('SIGTERM')
    await ended(child)
  })
  return child
}

function ended(child: ChildProcess): Promise<number | null> {
  if (child.exitCode !== null || child.signalCode !== null) return Promise.resolve(child.exitCode)
  return new Promise((resolve) => child.once('exit', (code) => resolve(code)))
}
