/** What `threads` and the worker class make of each other, whichever sources they come from. */
import { describe, expect, it } from 'vitest'
import { printConfig } from '../../../src/config/print-config.ts'
import { type Asked, configOf, folderWith, refusalOf, write } from './folder.ts'

/** Every place where a setting can stand, by the label it has; each writes this one setting there. */
const places: Readonly<Record<string, (name: string, value: unknown) => Asked>> = {
  MONOCEROS_X: (name, value) => ({ env: { [variableOf(name)]: String(value) } }),
  'package.json': (name, value) => ({ cwd: folderWith({ 'package.json': { monoceros: { [name]: value } } }) }),
  './monoceros.config.json': (name, value) => ({ cwd: folderWith({ 'monoceros.config.json': { [name]: value } }) }),
  MONOCEROS_CMD_ARGS: (name, value) => ({ env: { MONOCEROS_CMD_ARGS: `${flagOf(name)} ${value}` } }),
  'command line': (name, value) => ({ argv: ['./app.js', flagOf(name), String(value)] }),
}

const flagOf = (name: string) => `--${name.replaceAll('_', '-')}`
const variableOf = (name: string) => `MONOCEROS_${name.toUpperCase()}`
const labelOf = (place: string, name: string) => (place === 'MONOCEROS_X' ? variableOf(name) : place)

/** Both, when they do not stand in the same kind of file. */
function joined(one: Asked, other: Asked): Asked {
  return { ...one, ...other, env: { ...one.env, ...other.env } }
}

/** The value and source of a setting as --print-config shows them. */
async function shown(name: string, asked: Asked) {
  return new RegExp(`^${name} += (.*?) +# (.*)$`, 'm').exec(printConfig(await configOf(asked)))?.slice(1)
}

const line = (...argv: string[]): Asked => ({ argv: ['./app.js', ...argv] })

describe.each(Object.keys(places))('threads set by %s', (place) => {
  const label = labelOf(place, 'threads')
  const four = () => places[place]!('threads', 4)

  it('chooses gthread, and says so', async () => {
    const config = await configOf(four())
    expect(config.settings).toMatchObject({ workerClass: 'gthread', threads: 4 })
    expect(await shown('workerClass', four())).toEqual(['"gthread"', `threads = 4 (${label})`])
    expect(config.origins.threads).toBe(label)
  })

  it('of which there is one changes nothing', async () => {
    const config = await configOf(places[place]!('threads', 1))
    expect([config.settings.workerClass, config.origins.workerClass]).toEqual(['async', 'default'])
  })

  it('makes gthread of a sync that another source names', async () => {
    const inEnvironment = place === 'MONOCEROS_X'
    const sync: Asked = inEnvironment ? line('-k', 'sync') : { env: { MONOCEROS_WORKER_CLASS: 'sync' } }
    const source = inEnvironment ? 'command line' : 'MONOCEROS_WORKER_CLASS'
    expect(await shown('workerClass', joined(four(), sync))).toEqual(['"gthread"', `threads = 4 (${label}) over "sync" (${source})`])
  })
})

describe.each(Object.keys(places))('a class named by %s', (place) => {
  const label = labelOf(place, 'worker_class')
  const exit = place === 'command line' || place === 'MONOCEROS_CMD_ARGS' ? 2 : 1
  const inClass = (name: string) => places[place]!('worker_class', name)
  /** Somewhere else than the class. */
  const four: Asked = place === 'command line' ? { env: { MONOCEROS_THREADS: '4' } } : line('--threads', '4')
  const source = place === 'command line' ? 'MONOCEROS_THREADS' : 'command line'

  it.each(['async', 'asgi', 'gevent', 'tornado', './mine.js'])('%s is not taken away by more than one thread', async (name) => {
    expect(await refusalOf(joined(inClass(name), four))).toBe(
      `${exit} ${label}: workerClass = "${name}": threads = 4 (${source}) needs gthread; allowed: gthread or sync, or threads = 1`,
    )
  })

  it('gthread is as it is given', async () => {
    expect(await shown('workerClass', joined(inClass('gthread'), four))).toEqual(['"gthread"', label])
    expect((await configOf(inClass('gthread'))).settings).toMatchObject({ workerClass: 'gthread', threads: 1 })
  })
})

it('a later source takes back the threads of an earlier one', async () => {
  const cwd = folderWith({ 'monoceros.config.json': { threads: 4, thread_concurrency: 8 } })
  const asked = { cwd, ...line('-k', 'async', '--threads', '1', '--thread-concurrency', '1') }
  expect((await configOf(asked)).settings).toMatchObject({ workerClass: 'async', threads: 1, threadConcurrency: 1 })
})

it('WEB_CONCURRENCY is the number of workers, beside threads', async () => {
  const config = await configOf({ ...line('--threads', '2'), env: { WEB_CONCURRENCY: '3' } })
  expect(config.settings).toMatchObject({ workers: 3, threads: 2, workerClass: 'gthread' })
})

it('a reload reads it anew', async () => {
  const cwd = folderWith({ 'monoceros.config.json': { threads: 4 } })
  expect((await configOf({ cwd })).settings.workerClass).toBe('gthread')
  write(cwd, { 'monoceros.config.json': { threads: 1 } })
  expect((await configOf({ cwd, fresh: true })).settings.workerClass).toBe('async')
  write(cwd, { 'monoceros.config.json': { threads: 2, workerClass: 'async' } })
  expect(await refusalOf({ cwd, fresh: true })).toMatch(/^1 \.\/monoceros\.config\.json: workerClass = "async": threads = 2 /)
})

describe('a setting of threads', () => {
  it.each([
    ['--threads-min', 'threadsMin', '1'],
    ['--thread-idle-timeout', 'threadIdleTimeout', '5'],
    ['--thread-concurrency', 'threadConcurrency', '8'],
    ['--thread-queue-max', 'threadQueueMax', '0'],
    ['--thread-max-requests', 'threadMaxRequests', '9'],
    ['--thread-memory-limit', 'threadMemoryLimit', '64'],
  ])('%s is refused where nothing would heed it', async (flag, name, value) => {
    const refusal = (why: string) =>
      `2 command line: ${name} = ${value}: does nothing in workerClass = ${why}; allowed: with workerClass = gthread, or threads from 2`
    expect(await refusalOf(line(flag, value))).toBe(refusal('"async" (default)'))
    expect(await refusalOf(line(flag, value, '-k', 'sync', '--threads', '1'))).toBe(refusal('"sync" (command line)'))
    expect((await configOf(line(flag, value, '-k', 'gthread'))).settings).toMatchObject({ [name]: Number(value) })
    expect((await configOf(line(flag, value, '--threads', '2'))).settings).toMatchObject({ [name]: Number(value) })
  })

  it.each([
    [['--threads', '0'], 'threads = "0": too small; allowed: a whole number from 1'],
    [['--threads', 'auto'], 'threads = "auto": not a number; allowed: a whole number from 1'],
    [['--threads', '2', '--threads-min', '3'], 'threadsMin = 3: more than threads = 2 (command line); allowed: a whole number from 0 to 2'],
    [['-k', 'gthread', '--threads-min', '2'], 'threadsMin = 2: more than threads = 1 (default); allowed: a whole number from 0 to 1'],
    [['--thread-idle-timeout', '0'], 'threadIdleTimeout = "0": too small; allowed: seconds from 0.001 to 2147483.647'],
    [['--thread-concurrency', '1001'], 'threadConcurrency = "1001": too large; allowed: a whole number from 1 to 1000'],
    [['--thread-memory-limit', '31'], 'threadMemoryLimit = "31": too small; allowed: a whole number from 32, or 0'],
    [['--thread-memory-limit', '-1'], 'threadMemoryLimit = "-1": too small; allowed: a whole number from 32, or 0'],
  ])('%j is refused', async (argv, text) => {
    expect(await refusalOf(line(...argv))).toBe(`2 command line: ${text}`)
  })
})

describe('threadQueueMax left out', () => {
  it('is what worker-connections comes to', async () => {
    expect(await shown('threadQueueMax', {})).toEqual(['1000', 'default'])
    expect(await shown('threadQueueMax', line('--worker-connections', '50'))).toEqual(['50', 'workerConnections (command line)'])
    const env = { MONOCEROS_WORKER_CONNECTIONS: '60' }
    expect(await shown('threadQueueMax', { ...line('--threads', '2'), env })).toEqual([
      '60',
      'workerConnections (MONOCEROS_WORKER_CONNECTIONS)',
    ])
  })

  it('and given is its own', async () => {
    const argv = ['--worker-connections', '50', '--thread-queue-max', '0', '--threads', '2']
    expect(await shown('threadQueueMax', line(...argv))).toEqual(['0', 'command line'])
  })
})
