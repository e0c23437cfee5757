/** What a sidecar may be, and how a bad one is told. */
import { describe, expect, test } from 'vitest'
import { readSidecars } from '../../../src/config/kinds/sidecar.ts'
import { ask, configOf, folderWith } from './folder.ts'

const redis = { name: 'redis', command: 'redis-server' }

function read(given: unknown) {
  const answer = readSidecars(given)
  return answer.ok ? answer.sidecars : answer.problem
}

describe('a list of sidecars', () => {
  test('has what was left out', () => {
    expect(read([redis])).toEqual([
      {
        ...redis,
        args: [],
        env: {},
        cwd: null,
        restart: 'always',
        readyWhen: 'started',
        bootTimeout: 30,
        gracefulTimeout: 10,
        stopSignal: 'SIGTERM',
      },
    ])
  })

  test('may be spelled as TOML and Gunicorn spell, and signals as kill(1) does', () => {
    const given = { ready_when: { line: 'ready' }, boot_timeout: '1.5', graceful_timeout: 2, stop_signal: 'INT', env: { PORT: 80 } }
    expect(read([{ ...redis, ...given }])).toMatchObject([
      { readyWhen: { line: 'ready' }, bootTimeout: 1.5, gracefulTimeout: 2, stopSignal: 'SIGINT', env: { PORT: '80' } },
    ])
  })

  test('comes from a file, from package.json, and as JSON from the environment', async () => {
    const sidecars = [redis]
    const cwd = folderWith({ 'monoceros.config.json': { sidecars } })
    expect((await configOf({ argv: ['./app.js'], cwd })).settings.sidecars).toMatchObject(sidecars)
    const env = { MONOCEROS_SIDECARS: JSON.stringify(sidecars) }
    expect((await configOf({ argv: ['./app.js'], env })).settings.sidecars).toMatchObject(sidecars)
    const packaged = folderWith({ 'package.json': { monoceros: { sidecars } } })
    expect((await configOf({ argv: ['./app.js'], cwd: packaged })).settings.sidecars).toMatchObject(sidecars)
  })
})

describe('what cannot be one is told with its place', () => {
  test.each<[given: unknown, problem: RegExp]>([
    ['nothing', /JSON/],
    [{}, /an object, not a list/],
    [[3], /^sidecar 1: is a number, not an object/],
    [[redis, { name: 'x' }], /^sidecar x: it has no command/],
    [[{ command: 'x' }], /^sidecar 1: it has no name/],
    [[{ ...redis, name: 'Redis' }], /^sidecar Redis: name: /],
    [[redis, redis], /two sidecars are called redis/],
    [[{ ...redis, redyWhen: 1 }], /^sidecar redis: .*redyWhen .*did you mean readyWhen/],
    [[{ ...redis, command: '' }], /^sidecar redis: command: empty/],
    [[{ ...redis, command: 'a\0b' }], /^sidecar redis: command: .*NUL/],
    [[{ ...redis, args: '--port 1' }], /^sidecar redis: args: is a string/],
    [[{ ...redis, args: [1] }], /^sidecar redis: args: 1 is not a text/],
    [[{ ...redis, env: { 'a b': 'c' } }], /^sidecar redis: env: a b is no name/],
    [[{ ...redis, env: { A: null } }], /^sidecar redis: env: A: null is not a text/],
    [[{ ...redis, restart: 'on-failur' }], /^sidecar redis: restart: .*did you mean on-failure/],
    [[{ ...redis, readyWhen: 'ready' }], /^sidecar redis: readyWhen: ready is none of started, /],
    [[{ ...redis, readyWhen: {} }], /^sidecar redis: readyWhen: one of /],
    [[{ ...redis, readyWhen: { line: 'a', file: 'b' } }], /^sidecar redis: readyWhen: one of /],
    [[{ ...redis, readyWhen: { listen: 'a' } }], /^sidecar redis: readyWhen: .*did you mean listens/],
    [[{ ...redis, readyWhen: { line: '(' } }], /^sidecar redis: readyWhen: line: /],
    [[{ ...redis, readyWhen: { listens: '6379' } }], /^sidecar redis: readyWhen: listens: 6379 is neither HOST:PORT nor unix:PATH/],
    [[{ ...redis, readyWhen: { listens: 'localhost:0' } }], /^sidecar redis: readyWhen: listens: /],
    [[{ ...redis, bootTimeout: 0 }], /^sidecar redis: bootTimeout: 0 is not seconds/],
    [[{ ...redis, gracefulTimeout: 'soon' }], /^sidecar redis: gracefulTimeout: soon is not seconds/],
    [[{ ...redis, stopSignal: 'SIGTERMS' }], /^sidecar redis: stopSignal: .*did you mean SIGTERM/],
    [[{ ...redis, stopSignal: 'SIGKILL' }], /^sidecar redis: stopSignal: /],
  ])('%j', (given, problem) => {
    expect(read(given)).toMatch(problem)
  })

  test('in one line that names where it was set', async () => {
    const answer = await ask({ argv: ['./app.js'], cwd: folderWith({ 'monoceros.config.json': { sidecars: [{ name: 'x' }] } }) })
    expect(answer.ok ? null : answer.error.facts).toMatchObject({
      source: './monoceros.config.json',
      setting: 'sidecars',
      problem: 'sidecar x: it has no command',
    })
  })
})
