import { basename, dirname } from 'node:path'
import { describe, expect, test } from 'vitest'
import { sourceAt, sources } from './imports.ts'

const floors: readonly (readonly string[])[] = [
  ['machines'],
  ['src/base'],
  ['src/os'],
  ['src/config', 'src/log', 'src/ipc', 'src/http', 'src/lanes', 'src/wire', 'src/metrics', 'src/statechart'],
  [
    'src/arbiter',
    'src/worker',
    'src/app',
    'src/watchdog',
    'src/threads',
    'src/thread',
    'src/dirty-arbiter',
    'src/dirty-worker',
    'src/dirty-thread',
    'src/dirty-client',
    'src/flight-recorder',
    'src/control',
    'src/jobs',
    'src/dashboard',
    'src/job-queues',
    'src/sidecars',
  ],
  ['src/compose'],
  ['src/entry', 'src/index.ts', 'src/dirty.ts', 'src/bullmq.ts'],
]

const organOf = (path: string) => floors.flat().find((organ) => path === organ || path.startsWith(`${organ}/`))
const floorOf = (path: string) => floors.findIndex((organs) => organs.includes(organOf(path) ?? ''))
const own = sources.flatMap((source) =>
  source.imports.filter(({ of }) => sourceAt(of) !== undefined).map(({ of }) => ({ from: source.path, to: of })),
)

test('every file stands on a floor', () => {
  expect(sources.filter(({ path }) => floorOf(path) === -1).map(({ path }) => path)).toEqual([])
})

test('a relative import leads to a file', () => {
  const lost = sources.flatMap((source) =>
    source.imports
      .filter(({ of }) => /^(src|machines)\/.*(?<!\.css)$/.test(of) && sourceAt(of) === undefined)
      .map(({ of }) => `${source.path} → ${of}`),
  )
  expect(lost).toEqual([])
})

test('a file imports only from lower floors or its own folder, types included', () => {
  const wrong = own
    .filter(({ from, to }) => organOf(from) !== organOf(to) && floorOf(to) >= floorOf(from))
    .map(({ from, to }) => `${from} → ${to}`)
  expect(wrong).toEqual([])
})

test('no import runs in a ring', () => {
  const rings: string[] = []
  const done = new Set<string>()
  const walk = (path: string, trail: readonly string[]): void => {
    if (trail.includes(path)) {
      rings.push([...trail.slice(trail.indexOf(path)), path].join(' → '))
      return
    }
    if (done.has(path)) return
    for (const { of, isType } of sourceAt(path)?.imports ?? []) if (!isType && sourceAt(of) !== undefined) walk(of, [...trail, path])
    done.add(path)
  }
  for (const { path } of sources) walk(path, [])
  expect(rings).toEqual([])
})

describe('who may import what', () => {
  const allowed: Readonly<Record<string, readonly string[]>> = {
    xstate: ['machines', 'src/compose'],
    pino: ['src/log'],
    valibot: ['src/config'],
    'smol-toml': ['src/config'],
    jiti: ['src/config', 'src/app'],
    'node:child_process': ['src/os'],
    piscina: ['src/threads'],
    comlink: ['src/compose', 'src/dirty-client', 'src/dirty.ts'],
    'node:inspector': ['src/watchdog', 'src/threads'],
    'node:http2': ['src/app', 'src/worker', 'src/compose', 'src/http'],
  }
  test.each(Object.entries(allowed))('%s', (name, organs) => {
    const others = sources.filter(
      (source) => source.imports.some(({ of, isType }) => of === name && !isType) && !organs.includes(organOf(source.path) ?? ''),
    )
    expect(others.map(({ path }) => path)).toEqual([])
  })

  test('charts import xstate and each other, nothing else', () => {
    const foreign = sources
      .filter(({ path }) => path.startsWith('machines/'))
      .flatMap(({ path, imports }) =>
        imports.filter(({ of }) => of !== 'xstate' && !of.startsWith('machines/')).map(({ of }) => `${path} → ${of}`),
      )
    expect(foreign).toEqual([])
  })
})

test('no file is a drawer', () => {
  const drawers = /^(utils?|helpers?|common|lib|misc|types|interfaces|main)$/
  const named = sources.filter(
    ({ path }) =>
      drawers.test(basename(path, '.ts')) ||
      dirname(path)
        .split('/')
        .some((folder) => drawers.test(folder)),
  )
  expect(named.map(({ path }) => path)).toEqual([])
})
