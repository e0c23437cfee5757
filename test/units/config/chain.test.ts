import { describe, expect, it } from 'vitest'
import type { Settings } from '../../../src/config/settings.ts'
import { configOf, folderWith, refusalOf } from './folder.ts'

/** A setting of each kind, with six values of it, one for each source, as that source writes it, and as the code sees it. */
interface Sample {
  readonly name: keyof Settings
  readonly env: string
  readonly flag: string
  readonly given: readonly [env: string, packageJson: unknown, file: unknown, commandArgs: string, commandLine: string]
  readonly seen: readonly [unknown, unknown, unknown, unknown, unknown]
}

const samples: Sample[] = [
  { name: 'maxRequests', env: 'MAX_REQUESTS', flag: '--max-requests', given: ['1', 2, 3, '4', '5'], seen: [1, 2, 3, 4, 5] },
  { name: 'workers', env: 'WORKERS', flag: '-w', given: ['1', 'auto', 3, 'auto', '5'], seen: [1, 'auto', 3, 'auto', 5] },
  { name: 'timeout', env: 'TIMEOUT', flag: '-t', given: ['0.5', 2.25, 0, '.75', '5'], seen: [0.5, 2.25, 0, 0.75, 5] },
  { name: 'procName', env: 'PROC_NAME', flag: '-n', given: ['a', 'b', 'c', 'd', 'e'], seen: ['a', 'b', 'c', 'd', 'e'] },
  { name: 'pidfile', env: 'PIDFILE', flag: '-p', given: ['a', 'b', 'c', 'd', 'e'], seen: ['a', 'b', 'c', 'd', 'e'] },
  { name: 'user', env: 'USER', flag: '-u', given: ['a', 33, 'c', '44', 'e'], seen: ['a', '33', 'c', '44', 'e'] },
  { name: 'umask', env: 'UMASK', flag: '-m', given: ['0o22', '0027', 63, '022', '0'], seen: [0o22, 0o27, 63, 0o22, 0] },
  {
    name: 'loglevel',
    env: 'LOGLEVEL',
    flag: '--log-level',
    given: ['debug', 'info', 'ERROR', 'warning', 'critical'],
    seen: ['debug', 'info', 'error', 'warning', 'critical'],
  },
  {
    name: 'workerClass',
    env: 'WORKER_CLASS',
    flag: '-k',
    given: ['sync', 'asgi', './mine.js', 'gevent', 'async'],
    seen: ['sync', 'asgi', './mine.js', 'gevent', 'async'],
  },
  {
    name: 'bind',
    env: 'BIND',
    flag: '-b',
    given: ['a:1,b:2', ['c:3'], 'd:4', 'e:5', '[::1]:6'],
    seen: [['a:1', 'b:2'], ['c:3'], ['d:4'], ['e:5'], ['[::1]:6']],
  },
  {
    name: 'rawEnv',
    env: 'RAW_ENV',
    flag: '-e',
    given: ['A=1, B=2', ['C=3'], 'D=4', "'E=5 6'", 'F='],
    seen: [['A=1', 'B=2'], ['C=3'], ['D=4'], ['E=5 6'], ['F=']],
  },
]

const origins = (sample: Sample) => [
  `MONOCEROS_${sample.env}`,
  'package.json',
  './monoceros.config.json',
  'MONOCEROS_CMD_ARGS',
  'command line',
]

/** The sources up to and including that of the index; those above it say nothing. */
function sourcesUpTo(sample: Sample, top: number) {
  const [env, packageJson, file, commandArgs, commandLine] = sample.given
  return {
    cwd: folderWith({
      ...(top >= 1 ? { 'package.json': { monoceros: { [sample.name]: packageJson } } } : {}),
      ...(top >= 2 ? { 'monoceros.config.json': { [sample.name]: file } } : {}),
    }),
    env: {
      [`MONOCEROS_${sample.env}`]: env,
      ...(top >= 3 ? { MONOCEROS_CMD_ARGS: `${sample.flag} ${commandArgs}` } : {}),
    },
    argv: ['./app.js', ...(top >= 4 ? [sample.flag, commandLine] : [])],
  }
}

describe('each source wins over all below it', () => {
  const rows = samples.flatMap((sample) => sample.seen.map((seen, top) => [sample.name, origins(sample)[top], seen, sample, top] as const))
  it.each(rows)('%s of %s is %j', async (name, origin, seen, sample, top) => {
    const config = await configOf(sourcesUpTo(sample, top))
    expect(config.settings[name]).toEqual(seen)
    expect(config.origins[name]).toBe(origin)
  })

  it('for a switch, both ways', async () => {
    const cwd = folderWith({ 'package.json': { monoceros: { fastResponse: true } } })
    const env = { MONOCEROS_FAST_RESPONSE: '0', MONOCEROS_REUSE_PORT: 'TRUE' }
    const byPackage = await configOf({ cwd, env })
    expect([byPackage.settings.fastResponse, byPackage.origins.fastResponse]).toEqual([true, 'package.json'])
    expect([byPackage.settings.reusePort, byPackage.origins.reusePort]).toEqual([true, 'MONOCEROS_REUSE_PORT'])
    const byArgs = await configOf({ cwd, env: { ...env, MONOCEROS_CMD_ARGS: '--no-fast-response --no-reuse-port' } })
    expect([byArgs.settings.fastResponse, byArgs.settings.reusePort]).toEqual([false, false])
    const byLine = await configOf({ cwd, env, argv: ['a', '--no-fast-response', '--no-reuse-port'] })
    expect([byLine.settings.fastResponse, byLine.origins.reusePort]).toEqual([false, 'command line'])
  })

  it('for the app', async () => {
    const cwd = folderWith({ 'monoceros.config.json': { app: 'file.js' } })
    const env = { MONOCEROS_APP: 'env.js' }
    expect((await configOf({ argv: [], env })).settings.app).toBe('env.js')
    expect((await configOf({ argv: [], env, cwd })).settings.app).toBe('file.js')
    expect((await configOf({ argv: ['line.js'], env, cwd })).settings.app).toBe('line.js')
  })

  it('null takes back what a lower source set, where null is a value', async () => {
    const cwd = folderWith({ 'package.json': { monoceros: { accesslog: '-' } }, 'monoceros.config.json': { accesslog: null } })
    const config = await configOf({ cwd })
    expect([config.settings.accesslog, config.origins.accesslog]).toEqual([null, './monoceros.config.json'])
    const bad = folderWith({ 'monoceros.config.json': { workers: null } })
    expect(await refusalOf({ cwd: bad })).toBe(
      '1 ./monoceros.config.json: workers = null: not a whole number; allowed: a whole number from 0, or auto',
    )
  })
})

describe('defaults', () => {
  it('are those of the table', async () => {
    const { settings, origins, hooks, file, isBindGiven } = await configOf({})
    expect(settings).toMatchObject({ bind: ['127.0.0.1:8000'], workers: 1, workerClass: 'async', timeout: 30, keepalive: 75, umask: 0 })
    expect(new Set(Object.values(origins))).toEqual(new Set(['default', 'command line']))
    expect({ hooks, file, isBindGiven }).toEqual({ hooks: {}, file: null, isBindGiven: false })
  })

  it('PORT changes that of bind, which still counts as not given', async () => {
    const { settings, origins, isBindGiven } = await configOf({ env: { PORT: '3000' } })
    expect([settings.bind, origins.bind, isBindGiven]).toEqual([['0.0.0.0:3000'], 'PORT', false])
    expect((await configOf({ env: { PORT: '3000', MONOCEROS_BIND: 'a:1' } })).isBindGiven).toBe(true)
    expect((await configOf({ env: { PORT: '' } })).origins.bind).toBe('default')
  })

  it.each(['http', '65536', '-1', '8000.5'])('PORT=%s is refused when it is needed, and only then', async (PORT) => {
    expect(await refusalOf({ env: { PORT } })).toBe(`1 PORT: bind = "${PORT}": not a port; allowed: a port from 0 to 65535`)
    expect((await configOf({ env: { PORT }, argv: ['a', '-b', 'x:1'] })).settings.bind).toEqual(['x:1'])
  })

  it('WEB_CONCURRENCY changes that of workers', async () => {
    const config = await configOf({ env: { WEB_CONCURRENCY: '3' } })
    expect([config.settings.workers, config.origins.workers]).toEqual([3, 'WEB_CONCURRENCY'])
    expect((await configOf({ env: { WEB_CONCURRENCY: 'auto' } })).settings.workers).toBe('auto')
    expect((await configOf({ env: { WEB_CONCURRENCY: '3', MONOCEROS_WORKERS: '2' } })).settings.workers).toBe(2)
    expect(await refusalOf({ env: { WEB_CONCURRENCY: 'many' } })).toBe(
      '1 WEB_CONCURRENCY: workers = "many": not a whole number; allowed: a whole number from 0, or auto',
    )
  })
})

describe('lists', () => {
  it('repeats in one source are joined, and a later source replaces them all', async () => {
    const env = { MONOCEROS_CMD_ARGS: '-b a:1 --bind b:2 -e A=1 --env=B=2' }
    const lower = await configOf({ env })
    expect(lower.settings.bind).toEqual(['a:1', 'b:2'])
    expect(lower.settings.rawEnv).toEqual(['A=1', 'B=2'])
    expect((await configOf({ env, argv: ['a', '-b', 'c:3'] })).settings.bind).toEqual(['c:3'])
  })
})

describe('the environment', () => {
  it('an empty variable counts as not set', async () => {
    const names = ['WORKERS', 'BIND', 'CONFIG', 'CMD_ARGS', 'REUSE_PORT', 'PIDFILE'].map((name) => [`MONOCEROS_${name}`, ''])
    const { settings, origins } = await configOf({ env: Object.fromEntries(names) })
    expect([settings.workers, settings.pidfile, origins.bind]).toEqual([1, null, 'default'])
  })

  it('variables that are no settings are left alone', async () => {
    expect(await refusalOf({ env: { MONOCEROS_SERVICE_HOST: '10.0.0.1', MONOCEROS_PORT: 'tcp://10.0.0.1:80' } })).toBe('accepted as serve')
  })
})

describe('package.json', () => {
  it('is the one nearest to the app', async () => {
    const cwd = folderWith({
      'package.json': { monoceros: { workers: 2 } },
      'shop/package.json': { monoceros: { workers: 3 } },
      'shop/src/app.js': '',
      'plain/package.json': { name: 'plain' },
      'plain/app.js': '',
    })
    const workersOf = async (argv: string[]) => (await configOf({ cwd, argv })).settings.workers
    expect(await workersOf(['./shop/src/app.js:create("a:b")'])).toBe(3)
    expect(await workersOf(['shop/src/app.js'])).toBe(3)
    expect(await workersOf(['app.js', '--chdir', 'shop/src'])).toBe(3)
    expect(await workersOf(['./shop'])).toBe(3)
    expect(await workersOf(['some-package'])).toBe(2)
    expect(await workersOf(['./plain/app.js'])).toBe(1)
  })

  it('may hold the app itself, and is refused when it is broken', async () => {
    const cwd = folderWith({ 'package.json': { monoceros: { $schema: 'x', app: './src/app.js', max_requests: 7 } } })
    const config = await configOf({ cwd, argv: [] })
    expect([config.settings.app, config.settings.maxRequests, config.origins.maxRequests]).toEqual(['./src/app.js', 7, 'package.json'])
    expect(await refusalOf({ cwd: folderWith({ 'package.json': { monoceros: [1] } }) })).toBe(
      '1 ./package.json: "monoceros" must be an object of settings',
    )
    expect(await refusalOf({ cwd: folderWith({ 'package.json': '{ "monoceros": {},\n }' }) })).toBe(
      '1 ./package.json: Expected double-quoted property name',
    )
  })
})

describe('which config file', () => {
  const folder = () => folderWith({ 'monoceros.config.json': { workers: 2 }, 'other.json': { workers: 3 }, 'third.json': { workers: 4 } })

  it('is named by the command line, else MONOCEROS_CMD_ARGS, else MONOCEROS_CONFIG, else found in the folder', async () => {
    const cwd = folder()
    const found = await configOf({ cwd })
    expect(found.settings.workers).toBe(2)
    expect(found.file).toEqual({ path: `${cwd}/monoceros.config.json`, sha256: expect.stringMatching(/^[0-9a-f]{64}$/) })
    const env = { MONOCEROS_CONFIG: 'other.json' }
    expect((await configOf({ cwd, env })).settings.workers).toBe(3)
    const both = { ...env, MONOCEROS_CMD_ARGS: '--config third.json' }
    expect((await configOf({ cwd, env: both })).origins.workers).toBe('./third.json')
    expect((await configOf({ cwd, env: both, argv: ['a', '-c', `${cwd}/other.json`] })).origins.workers).toBe('./other.json')
  })

  it('two at once are refused by name, unless one is named', async () => {
    const cwd = folderWith({ 'monoceros.config.json': { workers: 2 }, 'monoceros.config.toml': 'workers = 3' })
    expect(await refusalOf({ cwd })).toBe('1 config file: there are monoceros.config.json and monoceros.config.toml')
    expect((await configOf({ cwd, argv: ['a', '-c', 'monoceros.config.toml'] })).settings.workers).toBe(3)
  })

  it('outside the folder it is called by its whole path', async () => {
    const [cwd, elsewhere] = [folder(), folder()]
    expect((await configOf({ cwd, argv: ['a', '-c', `${elsewhere}/other.json`] })).origins.workers).toBe(`${elsewhere}/other.json`)
  })
})

describe('chdir', () => {
  it('is absolute, whoever set it', async () => {
    const cwd = folderWith({ 'sub/x': '' })
    expect((await configOf({ cwd })).settings.chdir).toBe(cwd)
    expect((await configOf({ cwd, env: { MONOCEROS_CHDIR: 'sub' } })).settings.chdir).toBe(`${cwd}/sub`)
  })
})

it('what a source gives twice it may give alike', async () => {
  const cwd = folderWith({ 'monoceros.config.json': { max_requests: '5', maxRequests: 5, wsgi_app: 'a.js', app: 'a.js' } })
  const { settings } = await configOf({ cwd, argv: ['--name', 'x', '-n', 'x'] })
  expect([settings.maxRequests, settings.app, settings.procName]).toEqual([5, 'a.js', 'x'])
})

it('settings are plain data, fit to be sent to a worker', async () => {
  const cwd = folderWith({ 'monoceros.config.mjs': 'export const onStarting = () => {}; export const workers = 2' })
  const { settings } = await configOf({ cwd })
  expect(structuredClone(settings)).toEqual(settings)
})
