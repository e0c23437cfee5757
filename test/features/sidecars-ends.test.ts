/** How sidecars end: in order, late, not at all, or without an arbiter. */
import { existsSync, writeFileSync } from 'node:fs'
import { createServer } from 'node:net'
import { join } from 'node:path'
import { describe, expect, onTestFinished, test } from 'vitest'
import { begin } from '../support/client.ts'
import { holding } from '../support/programs.ts'
import { ending, guardOf, nobodyIsLeft, pidOf, readIn, redis, serve, shell, sleeper } from '../support/sidecars.ts'

describe('when the arbiter is killed', () => {
  test('nobody is left, not even what a sidecar has started', async () => {
    const server = serve([redis(), shell('family', 'sleep 1000 & sleep 1000 & wait'), sleeper('last')])
    await server.ready()
    expect(server.family().length).toBeGreaterThan(6)
    server.signal('SIGKILL')
    await nobodyIsLeft(server)
  })

  test('a sidecar is asked first, and only when the workers are gone', async () => {
    const script = `
trap '[ -e /proc/$(cat worker)/exe ] && echo early > order || echo late > order; exit 0' TERM
echo up
while :; do sleep 0.05; done`
    const server = serve([shell('polite', script, { readyWhen: { line: 'up' } })], { app: holding })
    await server.ready()
    const held = await begin({ port: server.port(), path: '/hold/go' })
    writeFileSync(join(server.folder, 'worker'), String(server.workers().get(0)))
    server.signal('SIGKILL')
    await server.until('worker.orphaned')
    expect(existsSync(join(server.folder, 'order'))).toBe(false)
    writeFileSync(join(server.folder, 'go'), '')
    expect((await held.whole).body).toBe('held')
    await nobodyIsLeft(server)
    expect(readIn(server, 'order')).toBe('late\n')
  })

  test('a sidecar that does not heed its stopSignal, or stands still, is killed at its grace', async () => {
    const server = serve([
      shell('deaf', "trap '' TERM; while :; do sleep 1; done", { gracefulTimeout: 0.3 }),
      sleeper('still', { gracefulTimeout: 0.3 }),
    ])
    await server.ready()
    process.kill(pidOf(server, 'still'), 'SIGSTOP')
    server.signal('SIGKILL')
    await nobodyIsLeft(server)
  })

  test('so it is when their guard was killed before: there is another', async () => {
    const server = serve([redis(), sleeper('other')])
    await server.ready()
    const first = guardOf(server)
    process.kill(first, 'SIGKILL')
    const { childPid } = await server.until('sidecar.guard-replaced')
    expect(guardOf(server)).toBe(childPid)
    server.signal('SIGKILL')
    await nobodyIsLeft(server)
  })
})

test('what a sidecar has started goes with it when it is killed', async () => {
  const server = serve([shell('family', 'sleep 1000 & sleep 1000 & wait')])
  await server.ready()
  const before = server.family()
  process.kill(pidOf(server, 'family'), 'SIGKILL')
  await server.untilCount('sidecar.ready', 2)
  expect(before.filter((pid) => !server.family().includes(pid))).toHaveLength(3)
})

describe('when the server stops', () => {
  test('a sidecar that does not heed its stopSignal, or stands still, is killed at its grace, and looked at before', async () => {
    const deaf = shell('deaf', "trap '' TERM; while :; do sleep 1; done", { gracefulTimeout: 0.3 })
    const server = serve([deaf, sleeper('still', { gracefulTimeout: 0.3 })])
    await server.ready()
    process.kill(pidOf(server, 'still'), 'SIGSTOP')
    expect(await server.stop()).toEqual({ code: 0, signal: null })
    expect(server.all('sidecar.grace-over').map(({ sidecar }) => sidecar)).toEqual(['still', 'deaf'])
    expect(server.all('sidecar.autopsy').map(({ sidecar, state }) => [sidecar, state])).toEqual([['still', 'T'], ['deaf', 'S']]) // biome-ignore format: pairs
    expect(server.all('sidecar.gone', { signal: 'SIGKILL' })).toHaveLength(2)
  })

  test('a sidecar is sent the signal that it wants', async () => {
    const script = "trap 'echo quit; exit 3' QUIT; echo up; while :; do sleep 0.05; done"
    const server = serve([shell('own', script, { stopSignal: 'QUIT', readyWhen: { line: 'up' } })])
    await server.ready()
    expect((await server.stop()).code).toBe(0)
    expect(server.all('sidecar.output', { line: 'quit' })).toHaveLength(1)
    expect(server.all('sidecar.gone')).toMatchObject([{ exitCode: 3 }])
  })

  test('a second INT waits for no sidecar', async () => {
    const server = serve([shell('deaf', "trap '' TERM; while :; do sleep 1; done", { gracefulTimeout: 600 })])
    await server.ready()
    server.signal('SIGTERM')
    await server.until('sidecar.draining')
    server.signal('SIGINT')
    server.signal('SIGINT')
    expect((await server.exited).code).toBe(0)
    expect(server.all('sidecar.gone')).toMatchObject([{ signal: 'SIGKILL' }])
  })
})

describe('when a sidecar does not get ready at the start', () => {
  test.each([
    ['it ends', shell('bad', 'echo because >&2; exit 7', ending), 'sidecar.boot-failed'],
    ['it goes to the background', shell('bad', 'setsid sleep 1 >/dev/null 2>&1 & exit 0', ending), 'sidecar.boot-failed'],
    ['it is not in time', sleeper('bad', { readyWhen: { file: 'never' }, bootTimeout: 0.3 }), 'sidecar.boot-timeout'],
  ])('as %s, the server ends with exit code 3, and with it what was there before', async (_, bad, event) => {
    const server = serve([sleeper('good'), bad])
    expect(await server.exited).toEqual({ code: 3, signal: null })
    expect(server.all(event, { sidecar: 'bad' })).toHaveLength(1)
    expect(server.all('sidecar.booting', { sidecar: 'bad' })).toHaveLength(1)
    expect(server.all('sidecar.gone', { sidecar: 'good' })).toHaveLength(1)
    expect(server.all('worker.booting')).toEqual([])
    expect(server.all('arbiter.failed')).toMatchObject([{ exitCode: 3 }])
    await nobodyIsLeft(server)
  })

  test('the reason has the last that it said', async () => {
    const server = serve([shell('bad', 'echo a matter of taste; exit 7', ending)])
    await server.exited
    expect(server.all('arbiter.failed')[0]?.['problem']).toContain('a matter of taste')
  })

  test('since somebody else listens there, it is not even started', async () => {
    const other = createServer().listen(0, '127.0.0.1')
    onTestFinished(() => void other.close())
    await new Promise((resolve) => other.once('listening', resolve))
    const { port } = other.address() as { port: number }
    const server = serve([redis({ args: ['--port', String(port)], readyWhen: { listens: `127.0.0.1:${port}` } })])
    expect((await server.exited).code).toBe(3)
    expect(server.all('sidecar.booting')).toEqual([])
  })

  test('since its command is not there, nothing at all is started', async () => {
    for (const args of [[], ['--check-config']]) {
      const server = serve([sleeper('good'), { name: 'bad', command: 'redis-serverr' }], { args })
      expect((await server.exited).code).toBe(1)
      expect([server.lines, server.stdout()]).toEqual([[], ''])
      expect(server.stderr()).toContain('redis-server')
    }
  })

  test('a stop does not wait until it is', async () => {
    const server = serve([sleeper('slow', { readyWhen: { file: 'never' } })])
    await server.until('sidecar.booting')
    expect(await server.stop()).toEqual({ code: 0, signal: null })
    expect(server.all('sidecar.gone')).toHaveLength(1)
    await nobodyIsLeft(server)
  })
})
