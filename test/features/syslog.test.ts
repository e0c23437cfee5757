/** syslog: the log and a line for each request, by every way there, whoever is not there. */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { describe, expect, onTestFinished, test } from 'vitest'
import { ask } from '../support/client.ts'
import { type Running, start } from '../support/harness.ts'
import { saying } from '../support/programs.ts'
import { datagramListener, lineListener, udpListener } from '../support/remotes.ts'
import { isNodeAtLeast, lacksProgram } from '../support/system.ts'

const args = (...more: string[]) => ['app.mjs', '-b', '127.0.0.1:0', '-w', '1', '-n', 'shop', '--log-syslog', ...more]
const files = { 'app.mjs': saying('here') }
const startAt = (address: string, ...more: string[]): Running => start({ args: args('--log-syslog-to', address, ...more), files })

function socketPath(): string {
  const folder = mkdtempSync(join(tmpdir(), 'monoceros-syslog-'))
  onTestFinished(() => rmSync(folder, { recursive: true, force: true }))
  return join(folder, 's')
}

const time = '[A-Z][a-z]{2} [ \\d]\\d \\d\\d:\\d\\d:\\d\\d'
const requestLine = (pid: number, host = '\\S+ ') =>
  new RegExp(`^<14>${time} ${host}monoceros\\.shop\\.access: \\[${pid}\\] 127\\.0\\.0\\.1 - - \\[.*\\] "GET / HTTP/1\\.1" 200 `)

describe('by UDP', () => {
  test('goes the log of every process, beside where it went before, and a line for each request', async () => {
    const listener = await udpListener()
    const server = startAt(`udp://127.0.0.1:${listener.port}`)
    await server.ready()
    const pid = server.workers().get(0) ?? 0
    await ask({ port: server.port() })
    await listener.until((text) => requestLine(pid).test(text))
    await listener.until((text) =>
      new RegExp(`^<14>${time} \\S+ monoceros\\.shop\\.error: \\[${server.pid}\\] \\[INFO\\] arbiter: `).test(text),
    )
    expect(listener.texts.some((text) => text.includes('\n'))).toBe(false)
    expect(server.stdout()).toBe('')
    process.kill(pid, 'SIGKILL')
    await listener.until((text) => text.startsWith('<11>') && text.includes('[ERROR] arbiter slot 0: '))
  })

  test('no line for requests goes where that is not wanted', async () => {
    const listener = await udpListener()
    const server = startAt(`udp://127.0.0.1:${listener.port}`, '--disable-redirect-access-to-syslog', '--access-logfile', '-')
    await server.ready()
    await ask({ port: server.port() })
    await server.stop()
    await listener.until((text) => text.includes('arbiter: stopped'))
    expect(listener.texts.filter((text) => text.includes('.access'))).toEqual([])
    expect(server.stdout()).toContain('"GET / HTTP/1.1" 200')
  })

  test('prefix, facility and form are what the settings say', async () => {
    const listener = await udpListener()
    startAt(
      `udp://127.0.0.1:${listener.port}`,
      '--log-syslog-prefix',
      'web:1',
      '--log-syslog-facility',
      'local3',
      '--log-syslog-format',
      'rfc5424',
    )
    await listener.until((text) =>
      /^<158>1 \d{4}-\d\d-\d\dT\S+Z \S+ monoceros\.web\.1\.error \d+ error - \[\d+\] \[INFO\] arbiter: /.test(text),
    )
  })

  test('a reload moves it elsewhere', async () => {
    const [before, after] = [await udpListener(), await udpListener()]
    const config = (port: number) => JSON.stringify({ syslog: true, syslogAddr: `udp://127.0.0.1:${port}`, procName: 'shop', workers: 1 })
    const server = start({
      args: ['app.mjs', '-b', '127.0.0.1:0', '-c', 'monoceros.config.json'],
      files: { ...files, 'monoceros.config.json': config(before.port) },
    })
    await server.ready()
    await before.until((text) => text.includes('.error'))
    writeFileSync(join(server.folder, 'monoceros.config.json'), config(after.port))
    server.signal('SIGHUP')
    await server.until('reload.done')
    const { childPid } = await server.until('worker.ready', { gen: 2 })
    await ask({ port: server.port() })
    await after.until((text) => requestLine(Number(childPid)).test(text))
    await server.stop()
    await after.until((text) => text.includes('arbiter: stopped'))
    expect(before.texts.some((text) => text.includes('arbiter: stopped'))).toBe(false)
  })
})

describe('by a stream', () => {
  test('over TCP each message is a line', async () => {
    const listener = await lineListener()
    const server = startAt(`tcp://127.0.0.1:${listener.port}`)
    await server.ready()
    await ask({ port: server.port() })
    await listener.until((text) => requestLine(server.workers().get(0) ?? 0).test(text))
    await server.stop()
    await listener.until((text) => text.includes('arbiter: stopped'))
  })

  test.each(['#stream', ''])('over a Unix socket it goes without the name of the host (unix://PATH%s)', async (suffix) => {
    const path = socketPath()
    const listener = await lineListener(path)
    const server = startAt(`unix://${path}${suffix}`)
    await server.ready()
    await ask({ port: server.port() })
    await listener.until((text) => requestLine(server.workers().get(0) ?? 0, '').test(text))
  })

  test('to nobody: the server serves, says so once, and goes on when somebody is there', async () => {
    const path = socketPath()
    const server = startAt(`unix://${path}#stream`)
    await server.until('remote.failed', { what: 'syslog', role: 'arbiter' })
    await server.ready()
    expect((await ask({ port: server.port() })).body).toBe('here')
    const listener = await lineListener(path)
    await listener.until((text) => text.includes('.error'))
    expect(server.all('remote.failed', { role: 'arbiter' })).toHaveLength(1)
  })
})

describe('by datagrams to a Unix socket', () => {
  test.skipIf(lacksProgram('python3')).each(['#dgram', ''])('it is reached (unix://PATH%s)', async (suffix) => {
    const path = socketPath()
    const listener = await datagramListener(path)
    const server = startAt(`unix://${path}${suffix}`)
    await server.ready()
    await ask({ port: server.port() })
    await listener.until((text) => requestLine(server.workers().get(0) ?? 0, '').test(text))
  })

  test.skipIf(isNodeAtLeast(26) || lacksProgram('python3') || lacksProgram('logger'))(
    'it is reached through logger where the process itself cannot',
    async () => {
      const path = socketPath()
      const listener = await datagramListener(path)
      const server = start({
        args: args('--log-syslog-to', `unix://${path}#dgram`),
        files: { ...files, 'none.cjs': hidingKoffi },
        env: { NODE_OPTIONS: '--require ./none.cjs' },
      })
      await server.ready()
      await ask({ port: server.port() })
      await listener.until((text) => requestLine(server.workers().get(0) ?? 0, '').test(text))
      await listener.until((text) => text.includes('monoceros.shop.error: ['))
    },
  )

  test.skipIf(isNodeAtLeast(26))('it is refused at the start, and by a reload, where nothing can reach it', async () => {
    const env = { NODE_OPTIONS: '--require ./none.cjs', PATH: '/nowhere' }
    const hidden = { ...files, 'none.cjs': hidingKoffi }
    const server = start({ args: args('--log-syslog-to', 'unix:///nowhere/log#dgram'), files: hidden, env })
    expect((await server.exited).code).toBe(1)
    const config = (isOn: boolean) => JSON.stringify({ syslog: isOn, syslogAddr: 'unix:///nowhere/log#dgram', workers: 1 })
    const second = start({
      args: ['app.mjs', '-b', '127.0.0.1:0', '-c', 'monoceros.config.json'],
      files: { ...hidden, 'monoceros.config.json': config(false) },
      env,
    })
    await second.ready()
    writeFileSync(join(second.folder, 'monoceros.config.json'), config(true))
    second.signal('SIGHUP')
    expect(String((await second.until('reload.rolled-back'))['problem'])).toContain('koffi')
  })
})

/** As if it were not installed. */
const hidingKoffi = `
const Module = require('node:module')
const resolve = Module._resolveFilename
Module._resolveFilename = function (name, ...rest) {
  if (name === 'koffi') throw Object.assign(new Error('not installed'), { code: 'MODULE_NOT_FOUND' })
  return resolve.call(this, name, ...rest)
}
`
