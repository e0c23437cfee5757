/** Foreign commands beside the workers: there before the first of them and after the last, and never left behind. */
import { readdirSync, readlinkSync } from 'node:fs'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { ask } from '../support/client.ts'
import { control } from '../support/control.ts'
import type { LogLine } from '../support/harness.ts'
import { scrape } from '../support/metrics.ts'
import { ending, nobodyIsLeft, pidOf, placeOf, readIn, redis, serve, shell, sleeper } from '../support/sidecars.ts'

/** What a process has besides its input and outputs. */
function descriptorsOf(pid: number): string[] {
  const folder = `/proc/${pid}/fd`
  const others = readdirSync(folder).filter((fd) => Number(fd) > 2)
  return others.map((fd) => {
    try {
      return readlinkSync(join(folder, fd))
    } catch {
      return '' // that of the reading itself
    }
  })
}

test('a sidecar is ready before the first worker boots, and ends after the last one', async () => {
  const server = serve([redis(), sleeper('second')], {
    app: `
import { connect } from 'node:net'
export default (req, res) => {
const redis = connect('redis.sock', () => redis.write('PING\\r\\n'))
redis.once('data', (data) => (redis.destroy(), res.end(data)))
}`,
  })
  await server.ready()
  expect(placeOf(server, 'sidecar.ready', { sidecar: 'redis' })).toBeLessThan(placeOf(server, 'sidecar.booting', { sidecar: 'second' }))
  expect(placeOf(server, 'sidecar.ready', { sidecar: 'second' })).toBeLessThan(placeOf(server, 'worker.booting'))
  expect((await ask({ port: server.port() })).body).toBe('+PONG\r\n')
  expect(await server.stop()).toEqual({ code: 0, signal: null })
  expect(placeOf(server, 'worker.gone')).toBeLessThan(placeOf(server, 'sidecar.draining', { sidecar: 'second' }))
  expect(placeOf(server, 'sidecar.gone', { sidecar: 'second' })).toBeLessThan(placeOf(server, 'sidecar.draining', { sidecar: 'redis' }))
  expect(server.all('sidecar.gone', { sidecar: 'redis' })).toMatchObject([{ exitCode: 0 }])
  await nobodyIsLeft(server)
})

test('what it prints is in the log line by line, with its name and its stream', async () => {
  const script = 'printf "one\\ntwo\\n"; echo three >&2; echo named > /dev/stdout; printf "no end"; exec sleep 1000'
  const server = serve([shell('talker', script, { readyWhen: { line: '^t.o$' } })])
  await server.ready()
  await server.stop()
  expect(server.all('sidecar.output').map(({ sidecar, stream, line }) => [sidecar, stream, line]).sort()).toEqual([
    ['talker', 'stderr', 'three'],
    ['talker', 'stdout', 'named'],
    ['talker', 'stdout', 'no end'],
    ['talker', 'stdout', 'one'],
    ['talker', 'stdout', 'two'],
  ]) // biome-ignore format: rows
})

test('it is given its arguments, its folder and its environment, and nothing of the arbiter’s descriptors', async () => {
  const script = 'echo "$0 $1 $COLOUR $(pwd)" > ../seen; exec sleep 1000'
  const server = serve(
    [
      {
        ...shell('one', script),
        args: ['-c', script, 'zero', '; $HOME'],
        env: { COLOUR: 'red' },
        cwd: 'inner',
        readyWhen: { file: '../seen' },
      },
    ],
    {
      files: { 'inner/x': '' },
    },
  )
  await server.ready()
  expect(readIn(server, 'seen')).toBe(`zero ; $HOME red ${join(server.folder, 'inner')}\n`)
  // What the test was given itself, every process under it has.
  const given = descriptorsOf(process.pid)
  expect(descriptorsOf(pidOf(server, 'one')).filter((of) => !given.includes(of))).toEqual([])
})

test('it is seen in the tree, the charts, the figures and the metrics', async () => {
  const server = serve([redis(), sleeper('other')], { settings: { metricsBind: '127.0.0.1:0' } })
  await server.ready()
  const first = pidOf(server, 'redis')
  process.kill(first, 'SIGKILL')
  await server.untilCount('sidecar.ready', 2, { sidecar: 'redis' })
  const client = await control(server)
  const { sidecars } = await client.data('show sidecars')
  expect(sidecars).toMatchObject([
    { name: 'redis', state: 'ready', restarts: 1, pid: pidOf(server, 'redis'), restart: 'always' },
    { name: 'other', state: 'ready', restarts: 0, command: 'sleep 1000' },
  ])
  expect(sidecars[0].memory_bytes).toBeGreaterThan(1_000_000)
  expect((await client.data('show all')).sidecars).toMatchObject([{ name: 'redis' }, { name: 'other' }])
  const { machines } = await client.data('show machines')
  expect(machines.filter(({ chart }: LogLine) => chart === 'sidecar')).toMatchObject([
    { actor: 'sidecar redis', state: 'ready' },
    { actor: 'sidecar other', state: 'ready' },
  ])
  const { events } = await client.data('show events --actor redis --limit 100')
  expect(events.map(({ event, to }: LogLine) => `${event} ${to}`)).toEqual(
    expect.arrayContaining(['child.ready ready', 'child.exited gone.reaped', 'always gone.waiting', 'after backoff booting']),
  )
  const metrics = await scrape(server)
  expect(metrics.value('monoceros_sidecar_up', { sidecar: 'redis' })).toBe(1)
  expect(metrics.value('monoceros_sidecar_restarts_total', { sidecar: 'redis' })).toBe(1)
})

test('one that floods is not held up, and does not keep the arbiter from its work', async () => {
  const flood = `
import { writeFileSync } from 'node:fs'
const line = 'x'.repeat(99) + '\\n'
for (let round = 0; round < 200; round++) await new Promise((done) => process.stdout.write(line.repeat(2_000), done))
writeFileSync('through', '')
setInterval(() => {}, 1_000)
`
  const server = serve([{ name: 'flood', command: process.execPath, args: ['flood.mjs'], readyWhen: { file: 'through' } }], {
    files: { 'flood.mjs': flood },
  })
  await server.ready()
  const dropped = await server.untilCount('sidecar.output-dropped', 1)
  await server.stop()
  const told = server.all('sidecar.output').length
  const all = server.all('sidecar.output-dropped').reduce((sum, { count }) => sum + Number(count), told)
  expect(dropped[0]?.sidecar).toBe('flood')
  expect(all).toBe(400_000)
  expect(told).toBeLessThan(20_000)
})

test('one that has done what it is for lets the server start, and is not started again', async () => {
  const server = serve([
    shell('once', 'echo done > seed', { restart: 'never', ...ending }),
    shell('twice', 'exit 0', { restart: 'on-failure', ...ending }),
  ])
  await server.ready()
  expect(readIn(server, 'seed')).toBe('done\n')
  const { sidecars } = await (await control(server)).data('show sidecars')
  expect(sidecars).toMatchObject([
    { name: 'once', state: 'gone.finished', pid: null, restarts: 0 },
    { name: 'twice', state: 'gone.finished', pid: null, restarts: 0 },
  ])
})

test('one that goes to the background again and again while the server serves is started ever more seldom', async () => {
  // The first stays; those after it end at once and well, as what daemonises itself does.
  const script = '[ -e second ] && exit 0; touch second; exec sleep 1000'
  const server = serve([shell('daemon', script)])
  await server.ready()
  process.kill(pidOf(server, 'daemon'), 'SIGKILL')
  const { delayMs } = await server.until('sidecar.backoff')
  expect(delayMs).toBeGreaterThanOrEqual(50)
  expect(server.all('sidecar.booting').length).toBe(11)
  expect((await ask({ port: server.port() })).body).toBe('hi')
})
