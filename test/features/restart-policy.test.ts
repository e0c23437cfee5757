/** Deaths that nobody asked for: mended at once, with growing pauses when they do not stop, and never at the others' expense. */
import { rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, test } from 'vitest'
import { ask, begin } from '../support/client.ts'
import { type LogLine, type Running, start } from '../support/harness.ts'
import { killBootsOf } from '../support/kill-boots.ts'
import { hangingAtImport, holding, saying } from '../support/programs.ts'

const bind = ['-b', '127.0.0.1:0']
const put = (server: Running, file: string, text: string) => writeFileSync(join(server.folder, file), text)
const body = async (server: Running) => (await ask({ port: server.port() })).body
const pidOf = (server: Running, slot: number) => server.workers().get(slot) as number

/** The worker of slot 0 ends in the given way, as soon as it is ready, for as long as there is a file `loop`. */
const dyingIn = (end: string) => `
import { existsSync } from 'node:fs'
${saying('here')}
export const onStartup = ({ slot }) => {
  if (slot === 0) setInterval(() => { if (existsSync('loop')) ${end} }, 5)
}
`

describe('a worker that dies while it serves', () => {
  test('takes with it only what it had in its hands, and is replaced at once in its slot', async () => {
    const server = start({ args: ['app.mjs', '-w', '2', ...bind], files: { 'app.mjs': holding } })
    await server.ready()
    const held = []
    do held.push(await begin({ port: server.port(), path: '/hold/end' }))
    while (new Set(held.map(({ headers }) => headers['pid'])).size < 2)
    const [victim, other] = [pidOf(server, 0), pidOf(server, 1)]
    process.kill(victim, 'SIGKILL')
    const died = await server.until('worker.died', { childPid: victim })
    expect(died).toMatchObject({ slot: 0, signal: 'SIGKILL', exitCode: null })
    await server.until('worker.ready', ({ slot, childPid }) => slot === 0 && childPid !== victim)
    put(server, 'end', '')
    for (const { headers, whole } of held) {
      if (Number(headers['pid']) === victim) await expect(whole).rejects.toThrow()
      else expect((await whole).body).toBe('held')
    }
    expect(pidOf(server, 1)).toBe(other)
    expect(server.all('worker.backoff')).toHaveLength(0)
  })

  const ends: [string, string, Partial<LogLine>][] = [
    ['exits', 'process.exit(7)', { exitCode: 7, signal: null }],
    ['throws where nobody catches', 'throw new Error("no")', { exitCode: 1, signal: null }],
    ['leaves a rejection unhandled', 'Promise.reject(new Error("no"))', { exitCode: 1, signal: null }],
    ['aborts', 'process.abort()', { exitCode: null, signal: 'SIGABRT' }],
    ['is killed', 'process.kill(process.pid, "SIGKILL")', { exitCode: null, signal: 'SIGKILL' }],
  ]
  test.each(ends)('is told apart when it %s', async (_, end, facts) => {
    const server = start({ args: ['app.mjs', '-w', '2', ...bind], files: { 'app.mjs': dyingIn(end) } })
    await server.ready()
    put(server, 'loop', '')
    const died = await server.until('worker.died')
    expect(died).toMatchObject({ slot: 0, ...facts })
    if (facts.exitCode === 1) await server.until('worker.uncaught', ({ pid }) => pid === died.childPid)
    expect(await body(server)).toBe('here')
  })

  test('again and again is restarted ten times at once, then with growing pauses, while the others serve', async () => {
    const server = start({ args: ['app.mjs', '-w', '2', ...bind], files: { 'app.mjs': dyingIn('process.exit(1)') } })
    await server.ready()
    const other = pidOf(server, 1)
    put(server, 'loop', '')
    await server.untilCount('worker.died', 2, { slot: 0 })
    // The rest dies at once, so that a slow machine gets them into the window as well.
    const pauses = await killBootsOf(server, { slot: 0 }, server.untilCount('worker.backoff', 3))
    expect(server.all('worker.died', { slot: 1 })).toHaveLength(0)
    // Ten at once, and one for each pause that is over.
    const before = server.lines.indexOf(server.all('worker.backoff')[0] as LogLine)
    expect(server.lines.slice(0, before).filter(({ event, slot }) => event === 'worker.booting' && slot === 0)).toHaveLength(11)
    for (const [index, { delayMs: pause }] of pauses.entries()) {
      expect(pause).toBeGreaterThanOrEqual(50 * 2 ** index)
      expect(pause).toBeLessThanOrEqual(100 * 2 ** index)
    }
    expect(await body(server)).toBe('here')
    expect(pidOf(server, 1)).toBe(other)
    rmSync(join(server.folder, 'loop'))
    await server.until('worker.ready', { slot: 0 }, { after: server.lines.length })
    expect(server.workers().size).toBe(2)
    expect(await server.stop()).toEqual({ code: 0, signal: null })
  })

  test('again and again does not keep a reload from mending it', async () => {
    const server = start({ args: ['app.mjs', '-w', '2', ...bind], files: { 'app.mjs': saying('here') } })
    await server.ready()
    process.kill(pidOf(server, 0), 'SIGKILL')
    await killBootsOf(server, { slot: 0 }, server.untilCount('worker.backoff', 2))
    put(server, 'app.mjs', saying('mended'))
    server.signal('SIGHUP')
    await server.until('reload.done')
    await server.until('worker.gone', { slot: 1, gen: 1 })
    expect(await body(server)).toBe('mended')
    expect(server.workers().size).toBe(2)
    expect(server.all('worker.booting', { gen: 2 })).toHaveLength(2)
  })
})

describe('a boot that fails', () => {
  test('is told apart from a death while serving', async () => {
    const server = start({ args: ['app.mjs', '-w', '1', ...bind], files: { 'app.mjs': saying('here') } })
    await server.ready()
    put(server, 'app.mjs', 'process.exit(9)')
    process.kill(pidOf(server, 0), 'SIGKILL')
    await server.until('worker.died', { age: 1 })
    expect(await server.until('worker.boot-failed', { age: 2 })).toMatchObject({ exitCode: 9, signal: null })
    expect(server.all('worker.died')).toHaveLength(1)
    put(server, 'app.mjs', saying('mended'))
    expect(await body(server)).toBe('mended')
  })

  test('before anything has served ends the arbiter with the exit code of the first failure, although others still boot', async () => {
    const app = `
      import { writeFileSync } from 'node:fs'
      let isFirst = true
      try { writeFileSync('first', '', { flag: 'wx' }) } catch { isFirst = false }
      if (isFirst) throw new Error('no')
      ${hangingAtImport}`
    const server = start({ args: ['app.mjs', '-w', '3', ...bind], files: { 'app.mjs': app } })
    await server.until('worker.boot-failed')
    expect(await server.exited).toEqual({ code: 4, signal: null })
    // Nothing was tried again: what fails before anything has served is not repeated.
    expect(server.all('worker.booting')).toHaveLength(3)
  })

  test('while another worker serves is tried again', async () => {
    const app = `
      import { writeFileSync } from 'node:fs'
      try { writeFileSync('first', '', { flag: 'wx' }) } catch { throw new Error('no') }
      ${saying('here')}`
    const server = start({ args: ['app.mjs', '-w', '2', ...bind], files: { 'app.mjs': app } })
    await server.until('worker.ready')
    await server.untilCount('worker.boot-failed', 2)
    expect(await body(server)).toBe('here')
    put(server, 'app.mjs', saying('here'))
    await server.untilCount('worker.ready', 2)
    expect(server.workers().size).toBe(2)
  })
})
