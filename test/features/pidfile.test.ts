/** The pid file: written by one living arbiter, and taken away by nobody else. */
import { spawn, spawnSync } from 'node:child_process'
import { existsSync, readdirSync, readFileSync, statSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { ask } from '../support/client.ts'
import { type Running, start } from '../support/harness.ts'
import { hangingAtImport, saying } from '../support/programs.ts'

const args = ['app.mjs', '-b', '127.0.0.1:0', '-p', 'run.pid']
const files = { 'app.mjs': saying('here') }
const asAsked = { code: 0, signal: null }
const read = (server: Running, name = 'run.pid') => readFileSync(join(server.folder, name), 'utf8')
const has = (server: Running, name = 'run.pid') => existsSync(join(server.folder, name))

test('the pid file holds the arbiter’s pid while it lives, readable by all, and is gone after it', async () => {
  const server = start({ args, files })
  await server.ready()
  expect(read(server)).toBe(`${server.pid}\n`)
  expect(statSync(join(server.folder, 'run.pid')).mode & 0o777).toBe(0o644)
  expect(readdirSync(server.folder).filter((name) => name.includes('pid'))).toEqual(['run.pid'])
  expect(await server.stop()).toEqual(asAsked)
  expect(has(server)).toBe(false)
})

test('the pid file is there before any worker boots, and goes with a start that fails', async () => {
  const server = start({ args, files: { 'app.mjs': 'throw new Error("no")' } })
  await server.until('worker.booting')
  expect(read(server)).toBe(`${server.pid}\n`)
  expect(await server.exited).toEqual({ code: 4, signal: null })
  expect(has(server)).toBe(false)
})

test('the pid file goes when the start is stopped', async () => {
  const server = start({ args, files: { 'app.mjs': hangingAtImport } })
  await server.until('worker.booting')
  expect(await server.stop()).toEqual(asAsked)
  expect(has(server)).toBe(false)
})

test('a pid file that names a living process ends the start with 1, binds nothing and stays as it is', async () => {
  const other = spawn(process.execPath, ['-e', 'setInterval(() => {}, 1e6)'], { stdio: 'ignore' })
  try {
    const server = start({ args, files: { ...files, 'run.pid': `${other.pid}\n` } })
    expect(await server.exited).toEqual({ code: 1, signal: null })
    expect(server.all('arbiter.failed')).toMatchObject([{ exitCode: 1 }])
    expect(server.all('listener.bound')).toHaveLength(0)
    expect(server.all('worker.booting')).toHaveLength(0)
    expect(read(server)).toBe(`${other.pid}\n`)
  } finally {
    const gone = new Promise((resolve) => other.once('exit', resolve))
    other.kill('SIGKILL')
    await gone
  }
})

test.each([
  ['a process that is gone', () => `${spawnSync('true').pid}\n`],
  ['nothing', () => ''],
  ['no number', () => 'run\n'],
  ['a negative number', () => '-1\n'],
])('a pid file that names %s is overwritten', async (_, text) => {
  const server = start({ args, files: { ...files, 'run.pid': text() } })
  await server.ready()
  expect(read(server)).toBe(`${server.pid}\n`)
  expect(await server.stop()).toEqual(asAsked)
  expect(has(server)).toBe(false)
})

test('a pid file that another process has written meanwhile is left to it', async () => {
  const server = start({ args, files })
  await server.ready()
  writeFileSync(join(server.folder, 'run.pid'), '1\n')
  expect(await server.stop()).toEqual(asAsked)
  expect(read(server)).toBe('1\n')
})

test('a pid file in a folder that is missing ends the start with 1', async () => {
  const server = start({ args: ['app.mjs', '-b', '127.0.0.1:0', '-p', 'no/run.pid'], files })
  expect(await server.exited).toEqual({ code: 1, signal: null })
  expect(server.all('arbiter.failed')).toMatchObject([{ exitCode: 1 }])
  expect(server.all('worker.booting')).toHaveLength(0)
})

test('a second server with the same pid file ends with 1 and does not disturb the first', async () => {
  const first = start({ args, files })
  await first.ready()
  const second = start({ args: ['app.mjs', '-b', '127.0.0.1:0', '-p', join(first.folder, 'run.pid')], files })
  expect(await second.exited).toEqual({ code: 1, signal: null })
  expect(read(first)).toBe(`${first.pid}\n`)
  expect((await ask({ port: first.port() })).body).toBe('here')
})

test('a reload that names another pid file is told that only a restart changes it, and the first one stays until the end', async () => {
  const server = start({
    args: ['app.mjs', '-b', '127.0.0.1:0'],
    files: { ...files, 'monoceros.config.json': '{"pidfile":"one.pid"}' },
  })
  await server.ready()
  writeFileSync(join(server.folder, 'monoceros.config.json'), '{"pidfile":"two.pid"}')
  server.signal('SIGHUP')
  expect((await server.until('reload.needs-restart'))['settings']).toEqual(['pidfile'])
  await server.until('reload.done')
  expect(read(server, 'one.pid')).toBe(`${server.pid}\n`)
  expect(has(server, 'two.pid')).toBe(false)
  expect(await server.stop()).toEqual(asAsked)
  expect(has(server, 'one.pid')).toBe(false)
})

test('a pid file is found again at the end although a reload entered another folder', async () => {
  const server = start({
    args: ['app.mjs', '-b', '127.0.0.1:0', '-p', 'run.pid'],
    files: { 'one/app.mjs': saying('one'), 'two/app.mjs': saying('two'), 'monoceros.config.json': '{"chdir":"one"}' },
  })
  await server.ready()
  const path = ['run.pid', 'one/run.pid'].find((name) => has(server, name)) as string
  expect(read(server, path)).toBe(`${server.pid}\n`)
  writeFileSync(join(server.folder, 'monoceros.config.json'), '{"chdir":"two"}')
  server.signal('SIGHUP')
  await server.until('worker.gone')
  expect(await server.stop()).toEqual(asAsked)
  expect(has(server, path)).toBe(false)
})
